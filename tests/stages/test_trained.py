"""A trained model comes back as it was, or is refused with what differs."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.leakage.scale import Scale
from models.training.architecture import Architecture, built
from stages import trained
from stages.trained import Trained

PLAN = Architecture(3, codes=8, dims=4, width=4, seed=5)
SCALE = Scale(np.ones((9, 2)), np.full((9, 2), 2.0), "rows")


def model(plan: Architecture = PLAN) -> Trained:
    """A network that was not trained at all."""
    config = {"architecture": plan._asdict()}
    return Trained(built(plan).eval(), SCALE, ("a", "b", "c"), 100.0, config)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model on disk."""
    trained.write(tmp_path / "model.pt", model())
    return tmp_path / "model.pt"


@pytest.mark.parametrize("plan", [PLAN, PLAN._replace(quantiser="fsq", causal=True)])
def test_what_was_written_is_read(plan: Architecture, tmp_path: Path) -> None:
    """Codes and logits to the last bit, units and names, at rest."""
    before = model(plan)
    trained.write(tmp_path / "model.pt", before)
    windows = torch.randn(2, 9, 2, 100, generator=torch.Generator().manual_seed(1))

    after = trained.read(tmp_path / "model.pt")

    one, other = (each.network(windows) for each in (before, after))
    assert torch.equal(one.codes, other.codes)
    assert torch.equal(one.logits.window, other.logits.window)
    assert after.labels == before.labels
    assert np.array_equal(after.scale.deviation, SCALE.deviation)
    assert not after.network.training


def test_the_same_model_is_the_same_bytes(path: Path, tmp_path: Path) -> None:
    """Also when it was read before."""
    trained.write(tmp_path / "again", trained.read(path))

    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def changed(path: Path, **parts: Any) -> None:
    """Put other parts in the place of what the file holds."""
    held = torch.load(path, weights_only=True)
    torch.save({**held, **parts}, path)


def test_weights_of_another_size_are_refused_with_what_differs(path: Path) -> None:
    """Nothing stands in for them."""
    wider = built(PLAN._replace(width=6)).state_dict()
    changed(path, state=wider)

    with pytest.raises(ValueError, match=r"model\.pt .*of another network"):
        trained.read(path)


def test_a_weight_that_is_missing_is_named(path: Path) -> None:
    """By its own name."""
    state = built(PLAN).state_dict()
    state.pop("quantiser.codebook")
    changed(path, state=state)

    with pytest.raises(ValueError, match=r"lacks quantiser\.codebook"):
        trained.read(path)


@pytest.mark.parametrize(
    "parts", [{"kind": "else"}, {"said": "{}"}, {"mean": 1}, {"state": {}}]
)
def test_what_is_not_a_model_is_refused(parts: dict[str, Any], path: Path) -> None:
    """In one message, that names the file."""
    changed(path, **parts)

    with pytest.raises(ValueError, match=r"model\.pt holds no trained model"):
        trained.read(path)


@pytest.mark.parametrize("held", [b"", b"not torch", pickle.dumps({"kind": Path}, 2)])
def test_a_foreign_file_is_refused_and_runs_nothing(held: bytes, path: Path) -> None:
    """Empty, text, and a pickle of something that is no tensor."""
    path.write_bytes(held)

    with pytest.raises(ValueError, match=r"model\.pt holds no trained model"):
        trained.read(path)
