"""A small disk of its own: an ext4 in a file, mounted for one test."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def small_disk(folder: Path, *, size_mb: int = 64, inodes: int = 0) -> Iterator[Path]:
    """Mount an empty ext4 of `size_mb`; with `inodes` it holds so many files only."""
    image, home = folder / "disk.img", folder / "disk"
    home.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(size_mb << 20)
    few = ("-N", str(inodes)) if inodes else ()
    # Nothing is set aside for root: the tests are root, and would have more room.
    ext4 = ("mkfs.ext4", "-q", "-F", "-m", "0", *few, str(image))
    subprocess.run(ext4, check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(home)], check=True)
    try:
        yield home
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def fill(home: Path, *, leaving: int) -> Path:
    """Fill the disk of `home` but for some bytes; give the file that does it."""
    said = os.statvfs(home)
    free = said.f_bavail * said.f_frsize
    path = home / "ballast"
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - leaving, 1))
    return path


def use_inodes(home: Path, *, leaving: int) -> Path:
    """Make so many files that only some inodes are left; give their folder."""
    folder = home / "crowd"
    folder.mkdir()
    for number in range(os.statvfs(home).f_favail - leaving):
        (folder / str(number)).touch()
    return folder
