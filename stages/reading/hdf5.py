"""Datasets of an HDF5 file that comes from anywhere.

Only what lies in the file itself is read: no link is followed, to whatever it leads, no
reference, no dataset that says its bytes are in another file; and no filter is run but
those that HDF5 brings along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stages.reading import trial
from stages.reading.file import check_size
from stages.reading.held import Held, as_numbers, as_words
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from stages.reading.cells import Words
    from stages.reading.file import File

KNOWN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}  # deflate .. scale-offset, and lzf
# Whatever h5py raises over bytes that make no sense.
DAMAGED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
INSTALL = "install it where the stage runs: python -m pip install h5py"


def held(file: File, numbers: Sequence[str], labels: str | None) -> Held:
    """Read datasets by path."""
    try:
        import h5py
    except ImportError:
        reason = "is HDF5, and h5py is not installed"
        raise Unreadable(file.name, reason, INSTALL) from None
    if not h5py.is_hdf5(file.path):
        raise Unreadable(file.name, "is no HDF5 file, or was cut off", "copy it again")
    try:
        with h5py.File(file.path, "r", locking=False) as opened:
            read = {
                name: as_numbers(file, name, _array(file, opened, name))
                for name in numbers
            }
            words = _words(file, opened, labels) if labels else None
    except Unreadable:
        raise
    except DAMAGED as error:
        reason = f"cannot be read: {shown(str(error))}"
        raise Unreadable(file.name, reason, "copy it again") from None
    return Held(file, read, words)


def _array(
    file: File, opened: Any, name: str
) -> np.ndarray[tuple[int, ...], np.dtype[np.generic]]:
    """Read one dataset of numbers."""
    dataset = _dataset(file, opened, name)
    if dataset.dtype.kind not in "fiuS":
        reason = f"{name!r} is of type {dataset.dtype}: wanted numbers"
        raise Unreadable(file.name, reason)
    array: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = dataset[()]
    return array


def _words(file: File, opened: Any, name: str) -> Words:
    """Read one dataset of labels."""
    import h5py
    import numpy as np

    dataset = _dataset(file, opened, name)
    if h5py.check_string_dtype(dataset.dtype) is None:
        return as_words(file, name, _array(file, opened, name))
    if dataset.dtype.kind == "O":
        trial.check(file, name)
    try:
        return as_words(file, name, np.array(dataset.asstr()[()], dtype=np.str_))
    except UnicodeDecodeError:
        raise Unreadable(file.name, f"{name!r} holds text that is not UTF-8") from None


def _dataset(file: File, opened: Any, name: str) -> Any:
    """Find a dataset, and see that its bytes lie in this file and are not too many."""
    import h5py

    here = opened
    for part in name.strip("/").split("/"):
        if not isinstance(here, h5py.Group) or part not in here.keys():  # noqa: SIM118 - `in` follows links
            there = list(map(str, here)) if isinstance(here, h5py.Group) else []
            reason = f"has no dataset {name!r}; beside it are: {', '.join(there)[:300]}"
            raise Unreadable(file.name, reason, near(part, there))
        if not isinstance(here.get(part, getlink=True), h5py.HardLink):
            reason = f"{name!r} is a link, and none is followed"
            raise Unreadable(file.name, reason, "copy what it leads to into this file")
        here = here[part]
    if not isinstance(here, h5py.Dataset):
        raise Unreadable(file.name, f"{name!r} is a group: wanted a dataset")
    if here.shape is None or here.external or here.is_virtual:
        reason = f"{name!r} has its bytes elsewhere, or none"
        raise Unreadable(file.name, reason, "copy them into this file")
    made = here.id.get_create_plist()
    filters = {made.get_filter(n)[0] for n in range(made.get_nfilters())}
    if filters - KNOWN_FILTERS:
        reason = f"{name!r} is packed by the filter {min(filters - KNOWN_FILTERS)}"
        raise Unreadable(file.name, reason, "pack it by gzip, or not at all")
    each = 8 if here.dtype.kind in "fiu" else 64  # a text becomes an object
    check_size(f"{file.name}: {name!r}", int(here.size) * each)
    return here
