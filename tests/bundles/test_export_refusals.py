"""What the stages before did not make so is refused by name, and no bundle is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages import trained
from stages.bundling.golden import sample
from tests.bundles.made import exported


def test_a_network_that_is_another_is_refused(
    given: dict[str, Path], tmp_path: Path
) -> None:
    """Nothing stands in for it, and no bundle is left."""
    model = trained.read(given["train/model.pt"])
    plan = {**model.config["architecture"], "width": 16}
    other = model._replace(config={"architecture": plan})
    trained.write(given["train/model.pt"], other)

    with pytest.raises(ValueError, match=r"model\.pt .* of another network"):
        exported(tmp_path, given)

    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{}", '{"temperature": 0}', '{"temperature": "warm"}', "[1]", "NaN"]
)
def test_a_calibration_that_is_none_is_refused(
    given: dict[str, Path], tmp_path: Path, text: str
) -> None:
    """A temperature divides; 1 is never put in its place."""
    given["calibration/calibration.json"].write_text(text)

    with pytest.raises(ValueError, match=r"calibration\.json holds no positive temp"):
        exported(tmp_path, given)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "calibration"),
        ({"calibration": np.zeros((4, 9, 2, 100), np.float32)}, "golden"),
        ({"calibration": np.zeros((4, 9, 2, 99), np.float32)}, "golden"),
    ],
)
def test_a_sample_that_is_none_is_refused(
    tmp_path: Path, arrays: dict[str, Any], said: str
) -> None:
    """By what it lacks."""
    np.savez(tmp_path / "sample.npz", **arrays)

    with pytest.raises(ValueError, match=rf"sample\.npz holds no sample: .*{said}"):
        sample(tmp_path / "sample.npz")


@pytest.mark.parametrize(
    ("golden", "said"),
    [
        (np.zeros((0, 9, 2, 100), np.float32), r"golden is \(0, 9, 2, 100\) float32"),
        (np.zeros((4, 9, 2, 99), np.float32), r"golden is \(4, 9, 2, 99\) float32"),
        (np.zeros((4, 9, 2, 100)), r"golden is \(4, 9, 2, 100\) float64"),
        (np.full((4, 9, 2, 100), np.nan, np.float32), "golden is not finite"),
        (np.array([{}]), "Object arrays cannot be loaded"),
    ],
    ids=["none", "too short", "double", "nan", "a pickle"],
)
def test_windows_of_another_kind_are_refused(
    tmp_path: Path, golden: Any, said: str
) -> None:
    """By what they are."""
    good = np.zeros((4, 9, 2, 100), np.float32)
    np.savez(tmp_path / "sample.npz", calibration=good, golden=golden)

    with pytest.raises(ValueError, match=said):
        sample(tmp_path / "sample.npz")


def test_codes_on_top_of_each_other_are_no_golden_vectors(
    given: dict[str, Path], tmp_path: Path
) -> None:
    """Which of two equal codes is nearer hangs on the last digit of a sum."""
    model = trained.read(given["train/model.pt"])
    dict(model.network.named_buffers())["quantiser.codebook"][:] = 1.0
    trained.write(given["train/model.pt"], model)

    with pytest.raises(ValueError, match="no golden window is decided"):
        exported(tmp_path, given)
