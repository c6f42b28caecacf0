"""What stages hand each other comes back as it was, or is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages import exchange
from stages.exchange import Codes, Logits

PART = np.array(["train", "test"])
CODES = Codes(
    codes=np.array([[3, 0, 4], [1, 2, -1]], np.int16),
    truth=np.array([[0, 1, -1], [1, 1, -1]], np.int16),
    lengths=np.array([3, 2]),
    part=PART,
    subject=np.array(["ada", "béa"]),
    recording=np.array(["ada 1", "béa 1"]),
    n_codes=5,
    rate_hz=100.0,
    labels=np.array(["stand", "walk"]),
)
LOGITS = Logits(
    logits=np.array([[0.5, -0.5], [1.0, 2.0]], np.float32),
    truth=np.array([0, -1], np.int16),
    part=np.array(["validate", "test"]),
    subject=CODES.subject,
    recording=CODES.recording,
    start=np.array([0, 50]),
    size=100,
    hop=50,
    rate_hz=100.0,
    labels=CODES.labels,
)


@pytest.mark.parametrize("it", [CODES, LOGITS], ids=["codes", "logits"])
def test_what_was_written_is_read(it: Codes | Logits, tmp_path: Path) -> None:
    """Every field, its type too; under whatever name."""
    path = tmp_path / "no ending"
    exchange.write(path, it)

    found = type(it).read(path)

    for name, value in it._asdict().items():
        np.testing.assert_array_equal(getattr(found, name), value)
        assert type(getattr(found, name)) is type(value), name


def test_the_same_arrays_are_the_same_bytes(tmp_path: Path) -> None:
    """Whenever they are written."""
    for name in ("one", "other"):
        exchange.write(tmp_path / name, CODES)

    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_parts_are_taken_with_all_their_rows() -> None:
    """And in their order."""
    test, both = CODES.of("test"), LOGITS.of("test", "validate")

    assert test.codes.tolist() == [[1, 2, -1]]
    assert test.subject.tolist() == ["béa"]
    assert test.labels.tolist() == CODES.labels.tolist()
    assert both.start.tolist() == [0, 50]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"codes": np.array([[3, 0, 5], [1, 2, -1]], np.int16)}, "out of range"),
        ({"codes": np.array([[3, -1, 4], [1, 2, -1]], np.int16)}, "out of range"),
        ({"lengths": np.array([3, 4])}, "out of range"),
        ({"lengths": np.array([3])}, "shape"),
        ({"truth": np.array([[0, 1], [1, 1]], np.int16)}, "T is 3"),
        ({"truth": np.array([[0, 2, -1], [1, 1, -1]], np.int16)}, "its 2 labels"),
        ({"part": np.array(["train", "tests"])}, "a part is none of"),
    ],
)
def test_codes_that_do_not_fit_are_refused(
    wrong: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """By the name of the file, with what does not fit."""
    exchange.write(tmp_path / "codes.npz", CODES._replace(**wrong))

    with pytest.raises(ValueError, match=rf"codes\.npz does not hold Codes: .*{said}"):
        Codes.read(tmp_path / "codes.npz")


def test_logits_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """A nan would be the first class to an argmax."""
    path = tmp_path / "logits.npz"
    exchange.write(path, LOGITS._replace(logits=np.full((2, 2), np.nan, np.float32)))

    with pytest.raises(ValueError, match="not finite"):
        Logits.read(path)


def test_a_file_of_the_other_kind_is_refused(tmp_path: Path) -> None:
    """With what it holds instead."""
    exchange.write(tmp_path / "codes.npz", LOGITS)

    with pytest.raises(ValueError, match=r"it holds .*logits"):
        Codes.read(tmp_path / "codes.npz")


@pytest.mark.parametrize("held", [b"", b"not a zip", b"PK\x03\x04 torn"])
def test_what_is_no_such_file_is_refused(held: bytes, tmp_path: Path) -> None:
    """Empty, foreign, torn."""
    path = tmp_path / "codes.npz"
    path.write_bytes(held)

    with pytest.raises(ValueError, match=r"codes\.npz does not hold Codes"):
        Codes.read(path)


def test_a_field_that_is_missing_is_refused(tmp_path: Path) -> None:
    """With the fields that are there."""
    path = tmp_path / "codes.npz"
    np.savez(path, kind="codes 1", codes=CODES.codes)

    with pytest.raises(ValueError, match="its fields are codes"):
        Codes.read(path)


def test_pickles_are_never_read(tmp_path: Path) -> None:
    """They could run anything."""
    path = tmp_path / "codes.npz"
    np.savez(path, allow_pickle=True, kind=np.array([{}], dtype=object))

    with pytest.raises(ValueError, match="cannot be read"):
        Codes.read(path)
