"""Files from anywhere: nothing is run, none is followed, none fills the memory."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest

from models import chance
from stages.reading import hdf5, npz, trial
from stages.reading.file import MOST_BYTES, File, check_size
from stages.reading.unreadable import Unreadable
from tests.stages.reading.reader import refused

Make = Callable[[Path], object]


class Bomb:
    """Whoever unpickles this makes a folder."""

    def __init__(self, at: Path) -> None:
        self.at = at

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        """Name what unpickling runs."""
        return os.mkdir, (str(self.at),)


def test_a_pickle_is_not_unpickled(tmp_path: Path) -> None:
    """Neither as a file nor as an array of an npz file."""
    bomb, path = Bomb(tmp_path / "owned"), tmp_path / "a.npz"
    path.write_bytes(pickle.dumps(bomb))
    said = [refused(lambda: npz.held(File(path, "a.npz"), ["acc"], None))]
    np.savez(path, acc=np.array([bomb], dtype=object))
    said += [refused(lambda: npz.held(File(path, "a.npz"), ["acc"], None))]

    assert not (tmp_path / "owned").exists()
    assert "is a pickle, which is never unpickled" in said[0]
    assert "'acc' holds Python objects, which are never unpickled" in said[1]


def npy(shape: str) -> bytes:
    """Write the head of an array that says it has this shape, and no data."""
    head = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (63 - (len(head) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head


@pytest.mark.parametrize(
    "shape", ["(9000000000000,)", "(300,)", "(-1,)", "(0,)", "'a'"]
)
def test_a_shape_that_lies_is_refused(tmp_path: Path, shape: str) -> None:
    """Before memory is asked for, or when the bytes come to an end."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("acc.npy", npy(shape))

    said = refused(lambda: npz.held(File(path, "a.npz"), ["acc"], None))

    assert said.startswith("a.npz: 'acc' ")


def test_a_file_that_was_cut_off_is_refused_wherever(tmp_path: Path) -> None:
    """Npz and HDF5, after any of its bytes: one message that names the file."""
    whole = {"a.npz": tmp_path / "whole.npz", "a.h5": tmp_path / "whole.h5"}
    np.savez_compressed(whole["a.npz"], acc=np.arange(40.0))
    with h5py.File(whole["a.h5"], "w") as opened:
        opened.create_dataset("acc", data=np.arange(40.0), compression=4)
    said = []
    for name, read in (("a.npz", npz.held), ("a.h5", hdf5.held)):
        raw = whole[name].read_bytes()
        for size in range(1, len(raw), max(1, len(raw) // 25)):
            path = tmp_path / f"{size}-{name}"
            path.write_bytes(raw[:size])
            said.append(refused(partial(read, File(path, name), ["acc"], None)))

    assert len(said) > 45
    assert all(each.startswith(("a.npz: ", "a.h5: ")) for each in said)


def linked(opened: h5py.File, beside: Path) -> None:
    """Link to another file's secret."""
    with h5py.File(beside, "w") as other:
        other["secret"] = np.arange(3.0)
    opened["acc"] = h5py.ExternalLink(str(beside), "secret")


def soft(opened: h5py.File, _: Path) -> None:
    """Link to a dataset of the same file."""
    opened["real"] = np.arange(3.0)
    opened["acc"] = h5py.SoftLink("/real")


def virtual(opened: h5py.File, beside: Path) -> None:
    """Say that the bytes are in another file's dataset."""
    with h5py.File(beside, "w") as other:
        other["secret"] = np.arange(3.0)
    layout = h5py.VirtualLayout((3,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(beside), "secret", (3,))
    opened.create_virtual_dataset("acc", layout)


def raw_bytes(opened: h5py.File, beside: Path) -> None:
    """Say that the bytes are those of any file."""
    beside.write_bytes(b"a secret of 24 bytes....")
    outside = [(str(beside), 0, 24)]
    opened.create_dataset("acc", (3,), dtype="f8", external=outside)


def pointing(opened: h5py.File, _: Path) -> None:
    """Hold a reference to another object."""
    opened["real"] = np.arange(3.0)
    made = opened.create_dataset("acc", (1,), dtype=h5py.ref_dtype)
    made[0] = opened["real"].ref


def endless(opened: h5py.File, _: Path) -> None:
    """Be a terabyte of nothing, in a file of a few kilobytes."""
    opened.create_dataset("acc", (2**37,), dtype="f8", chunks=(2**20,))


def a_group(opened: h5py.File, _: Path) -> None:
    """Be no dataset."""
    opened.create_group("acc/x")


def absent(opened: h5py.File, _: Path) -> None:
    """Be called otherwise."""
    opened["collar/ac"] = np.arange(3.0)


COPY = "\n  copy what it leads to into this file"
HDF5: dict[Callable[[h5py.File, Path], None], str] = {
    linked: "'acc' is a link, and none is followed" + COPY,
    soft: "'acc' is a link, and none is followed" + COPY,
    virtual: "'acc' has its bytes elsewhere, or none\n  copy them into this file",
    raw_bytes: "'acc' has its bytes elsewhere, or none\n  copy them into this file",
    pointing: "'acc' is of type object: wanted numbers",
    endless: "'acc': 1024.0 GiB: the most is 4 GiB\n  cut it into several recordings",
    a_group: "'acc' is a group: wanted a dataset",
    absent: "has no dataset 'acc'; beside it are: collar",
}


@pytest.mark.parametrize("make", HDF5)
def test_only_what_lies_in_the_file_is_read(
    tmp_path: Path, make: Callable[[h5py.File, Path], None]
) -> None:
    """No link, no reference, no bytes of other files, no more than fits."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as opened:
        make(opened, tmp_path / "beside")

    said = refused(lambda: hdf5.held(File(path, "a.h5"), ["acc"], None))

    assert said == f"a.h5: {HDF5[make]}"


def test_text_without_an_end_is_refused(tmp_path: Path) -> None:
    """One byte of a heap is another: libhdf5 walks in a circle, and we do not wait."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as opened:
        opened.create_dataset("label", data=["a", "b"], dtype=h5py.string_dtype())
    raw = bytearray(path.read_bytes())
    trial.check(File(path, "a.h5"), "label")
    raw[raw.index(b"GCOL") + 25] = 8
    path.write_bytes(raw)

    said = refused(lambda: trial.check(File(path, "a.h5"), "label", 1.0))

    assert said == "a.h5: the text of 'label' has no end after 1 s\n  copy it again"


def test_what_only_has_the_name_of_hdf5_is_refused(tmp_path: Path) -> None:
    """It is said what it is not."""
    path = tmp_path / "a.h5"
    path.write_text("t,x\n")

    said = refused(lambda: hdf5.held(File(path, "a.h5"), ["acc"], None))

    assert said == "a.h5: is no HDF5 file, or was cut off\n  copy it again"


def test_what_fits_into_no_memory_is_refused_with_its_size() -> None:
    """And what to do."""
    said = refused(lambda: check_size("a.npz", 2 * MOST_BYTES))

    advice = "cut it into several recordings"
    assert said == f"a.npz: 8.0 GiB: the most is 4 GiB\n  {advice}"


def test_damaged_bytes_end_in_numbers_or_in_one_message(tmp_path: Path) -> None:
    """Some bytes of npz and HDF5 files are others: no other error comes of it."""
    rng = chance.stream(0, "damage")
    np.savez_compressed(tmp_path / "whole.npz", acc=np.arange(400.0))
    with h5py.File(tmp_path / "whole.h5", "w") as opened:
        opened.create_dataset("acc", data=np.arange(400.0), compression=4)
    said = []
    for name, held in (("whole.npz", npz.held), ("whole.h5", hdf5.held)):
        raw = np.frombuffer((tmp_path / name).read_bytes(), dtype=np.uint8)
        for _ in range(100):
            at, other = rng.integers(len(raw), size=8), rng.integers(256, size=8)
            damaged = raw.copy()
            damaged[at] = other
            (tmp_path / "a").write_bytes(damaged.tobytes())
            with contextlib.suppress(Unreadable):
                said.append(held(File(tmp_path / "a", "a"), ["acc"], None))

    assert 0 < len(said) < 200
