"""Arrays of an npz file: never unpickled, never larger than they may be."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

from stages.reading.file import check_size
from stages.reading.held import Held, as_numbers, as_words
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from stages.reading.file import File

PICKLE = "save it again, as numbers: np.savez(path, acc=acc.astype(float))"
TORN = (
    ValueError,
    EOFError,
    OSError,
    KeyError,
    RuntimeError,
    MemoryError,
    NotImplementedError,
    SyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)


def held(file: File, numbers: Sequence[str], labels: str | None) -> Held:
    """Read arrays by name."""
    with file.path.open("rb") as opened:
        _check_zip(file, opened)
        try:
            listed = {each.filename: each for each in zipfile.ZipFile(opened).filelist}
        except TORN as error:
            raise Unreadable(file.name, f"is no whole npz file: {error}") from None
        wanted = [*numbers, *([labels] if labels else [])]
        _check_names(file, wanted, listed)
        check_size(file.name, sum(listed[f"{name}.npy"].file_size for name in wanted))
        opened.seek(0)
        arrays = _arrays(file, opened, wanted)
    read = {name: as_numbers(file, name, arrays[name]) for name in numbers}
    words = as_words(file, labels, arrays[labels]) if labels else None
    return Held(file, read, words)


def _check_zip(file: File, opened: BinaryIO) -> None:
    """Refuse what is no zip file, by what it is."""
    begin = opened.read(6)
    opened.seek(0)
    if begin == b"\x93NUMPY":
        advice = "save it with its name: np.savez(path, acc=acc)"
        raise Unreadable(file.name, "is one array (npy), not an npz file", advice)
    if begin[:1] == b"\x80":
        raise Unreadable(file.name, "is a pickle, which is never unpickled", PICKLE)
    if not zipfile.is_zipfile(opened):
        raise Unreadable(file.name, "is no npz file, or was cut off", "copy it again")


def _check_names(
    file: File, wanted: Sequence[str], listed: dict[str, zipfile.ZipInfo]
) -> None:
    """Refuse a name that is not there."""
    there = [name.removesuffix(".npy") for name in listed]
    for name in wanted:
        if f"{name}.npy" not in listed:
            reason = f"has no array {name!r}; it has: {', '.join(there)[:300]}"
            raise Unreadable(file.name, reason, near(name, there))


def _arrays(
    file: File, opened: BinaryIO, wanted: Sequence[str]
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """Read arrays, none of which may hold Python objects."""
    read, name = {}, ""
    try:
        with np.load(opened, allow_pickle=False) as arrays:
            for name in wanted:
                read[name] = arrays[name]
    except TORN as error:
        if "allow_pickle" in str(error):
            reason = f"{name!r} holds Python objects, which are never unpickled"
            raise Unreadable(file.name, reason, PICKLE) from None
        reason = f"{name!r} cannot be read: {shown(str(error))}"
        raise Unreadable(file.name, reason, "copy the file again") from None
    return read
