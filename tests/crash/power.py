"""A home on a disk of its own, whose power can be cut: what was not synced is lost.

It is an ext4 in a file. The file holds what the kernel has written to the disk so far,
and nothing else: copied in the very instant and mounted in the place of the first, it
is what a machine finds after a power cut. The mount is a harsh one: nothing is written
before somebody asks for it, and no rename is taken for a wish to sync.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.laptop import wait_until

if TYPE_CHECKING:
    from pathlib import Path

_SIZE_MB = 64
_HARSH = "loop,commit=600,noauto_da_alloc"


class Disk:
    """A disk that is mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        """Make and mount it on `folder`, which must be empty."""
        self._folder = folder
        self._cuts = 0
        with self._image.open("wb") as file:
            file.truncate(_SIZE_MB << 20)
        _call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", str(self._image))
        self._mount()

    @property
    def _image(self) -> Path:
        return self._folder.with_name(f"disk.{self._cuts}.img")

    def _mount(self) -> None:
        _call("mount", "-o", _HARSH, str(self._image), str(self._folder))

    def cut(self) -> None:
        """Keep what the disk holds in this instant; `come_back` mounts that."""
        before = self._image
        self._cuts += 1
        _call("cp", "--sparse=always", str(before), str(self._image))

    def come_back(self) -> None:
        """Mount what was there when the power went; who uses the disk is waited for."""
        wait_until(self._is_unmounted, "the disk is free", 30.0)
        self._mount()

    def _is_unmounted(self) -> bool:
        done = subprocess.run(
            ["umount", str(self._folder)], capture_output=True, check=False
        )
        return done.returncode == 0

    def remove(self) -> None:
        """Unmount it."""
        _call("umount", "-l", str(self._folder))


def _call(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
