"""What stages hand each other as arrays: codes of whole recordings, logits of windows.

Both are .npz files without pickles, the same bytes for the same arrays. A file of
another kind, or one in which something does not fit, is refused by name.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

import numpy as np
import numpy.typing as npt

PARTS = ("train", "validate", "calibrate", "test")
MOST = 1 << 15  # codes that int16 can tell apart

Names = npt.NDArray[np.str_]
Exchanged = TypeVar("Exchanged", "Codes", "Logits")


class Codes(NamedTuple):
    """One code for each frame of R recordings, T frames long at most.

    codes (R, T) int16, truth (R, T) int16: -1 behind a recording's end, and of truth
    where it is not labelled
    lengths (R,): frames of each
    part, subject, recording (R,): text; pieces of one recording share its name
    n_codes: of the codebook. labels (K,): the names of behaviours
    """

    codes: npt.NDArray[np.int16]
    truth: npt.NDArray[np.int16]
    lengths: npt.NDArray[np.int64]
    part: Names
    subject: Names
    recording: Names
    n_codes: int
    rate_hz: float
    labels: Names

    @classmethod
    def read(cls, path: Path) -> Codes:
        """Read what `write` wrote; raise ValueError for anything else."""
        it = _read(cls, path)
        lengths = it.lengths
        inside = np.arange(it.codes.shape[1]) < lengths[:, None]
        is_whole = (lengths >= 0).all() and (lengths <= it.codes.shape[1]).all()
        is_coded = (it.codes[inside] >= 0) & (it.codes[inside] < it.n_codes)
        if not (is_whole and is_coded.all()):
            _refuse(path, cls, "codes or lengths are out of range")
        return it

    def of(self, *parts: str) -> Codes:
        """Give the recordings of some parts alone, in their order."""
        return _only(self, np.isin(self.part, parts), "R")


class Logits(NamedTuple):
    """The scores of N windows of `size` frames, in order of recording and start.

    logits (N, K) float32. truth (N,) int16: -1 where unknown
    part, subject, recording (N,): text; start (N,): the window's first frame in it
    hop: frames from one window to the next. labels (K,): the names of behaviours
    Rows are of the parts validate, calibrate and test.
    """

    logits: npt.NDArray[np.float32]
    truth: npt.NDArray[np.int16]
    part: Names
    subject: Names
    recording: Names
    start: npt.NDArray[np.int64]
    size: int
    hop: int
    rate_hz: float
    labels: Names

    @classmethod
    def read(cls, path: Path) -> Logits:
        """Read what `write` wrote; raise ValueError for anything else."""
        it = _read(cls, path)
        if not np.isfinite(it.logits).all():
            _refuse(path, cls, "logits are not finite")
        return it

    def of(self, *parts: str) -> Logits:
        """Give the windows of some parts alone, in their order."""
        return _only(self, np.isin(self.part, parts), "N")


# The axes of every field that is an array; the others are single values.
AXES: dict[type, dict[str, str]] = {
    Codes: {"codes": "RT", "truth": "RT", "lengths": "R"}
    | {"part": "R", "subject": "R", "recording": "R", "labels": "K"},
    Logits: {"logits": "NK", "truth": "N", "start": "N"}
    | {"part": "N", "subject": "N", "recording": "N", "labels": "K"},
}


def write(path: Path, it: Codes | Logits) -> None:
    """Write `it` to `path`; its kind is written beside it."""
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, kind=_kind(type(it)), **it._asdict())


def _read(cls: type[Exchanged], path: Path) -> Exchanged:
    """Read a file of this kind, with every field of the type and shape it must have."""
    try:
        # Opened here, since np.load leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found: dict[str, Any] = {name: arrays[name] for name in arrays.files}
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        _refuse(path, cls, f"it cannot be read ({error})")
    if str(found.pop("kind", "")) != _kind(cls):
        _refuse(path, cls, f"it holds {', '.join(sorted(found)) or 'nothing'}")
    if found.keys() != set(cls._fields):
        _refuse(path, cls, f"its fields are {', '.join(found)}")
    wrong = _misshapen(AXES[cls], found)
    if wrong:
        _refuse(path, cls, wrong)
    plain = {name: found[name].item() for name in cls._fields if name not in AXES[cls]}
    it: Exchanged = cls(**{**found, **plain})
    if not np.isin(it.part, PARTS).all():
        _refuse(path, cls, f"a part is none of {', '.join(PARTS)}")
    _refuse_labels(path, cls, it)
    return it


def _refuse_labels(path: Path, cls: type, it: Codes | Logits) -> None:
    """Refuse truth that no label names."""
    if it.truth.size and not -1 <= it.truth.min() <= it.truth.max() < len(it.labels):
        _refuse(path, cls, f"truth is beyond its {len(it.labels)} labels")


def _misshapen(axes: dict[str, str], found: dict[str, Any]) -> str:
    """Say which field does not agree with the others in the length of an axis."""
    sizes: dict[str, int] = {}
    for name, letters in axes.items():
        shape = found[name].shape
        if len(shape) != len(letters):
            return f"{name} has shape {shape}"
        for letter, size in zip(letters, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                return f"{name} has shape {shape}, and {letter} is {sizes[letter]}"
    return ""


def _only(it: Exchanged, rows: npt.NDArray[np.bool_], axis: str) -> Exchanged:
    """Keep some rows of every field that has them."""
    columns = [name for name, letters in AXES[type(it)].items() if letters[0] == axis]
    kept: dict[str, Any] = {name: getattr(it, name)[rows] for name in columns}
    only: Exchanged = it._replace(**kept)
    return only


def _kind(cls: type) -> str:
    """Give the word by which a file says what it is; the number is its form."""
    return f"{cls.__name__.lower()} 1"


def _refuse(path: Path, cls: type, why: str) -> NoReturn:
    """Say what the file should have been."""
    message = f"{path.name} does not hold {cls.__name__}: {why}; run train again"
    raise ValueError(message)
