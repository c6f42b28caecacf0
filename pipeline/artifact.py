"""Files with their size and sha256, and lists of those."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline import codec
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST_FORMAT = 1
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One file as it was when sealed."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The files a stage made: artifacts for machines, results for people."""

    artifacts: Mapping[str, Artifact]
    results: Mapping[str, Artifact]
    format: int = MANIFEST_FORMAT

    def text(self) -> str:
        """Write it so that the same files always give the same bytes."""
        return codec.dumps(self).replace('},"', '},\n"') + "\n"

    def digest(self) -> str:
        """Name the list by its content."""
        return "sha256:" + hashlib.sha256(self.text().encode()).hexdigest()

    def meant_by(self, file: str) -> dict[str, str]:
        """Give the artifacts that an input means by `file`, or all if it names none."""
        below = file.rstrip("/") + "/"
        return {
            name: one.sha256
            for name, one in self.artifacts.items()
            if not file or name == file or name.startswith(below)
        }


def read_manifest(path: Path) -> Manifest:
    """Read manifest.json."""
    return codec.loads(Manifest, path.read_bytes(), what=str(path))


def sha256_of(path: Path, told: Callable[[int], None] = lambda _: None) -> str:
    """Hash the content of one file; `told` hears of each block how large it was."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            told(len(block))
    return digest.hexdigest()


def look(
    path: Path, told: Callable[[int], None] = lambda _: None
) -> Artifact | OSError | None:
    """Give what lies at `path`; None when no plain file does."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        return Artifact(size=path.stat().st_size, sha256=sha256_of(path, told))
    except OSError as error:
        return error


def copied(source: Path, target: Path) -> Artifact:
    """Copy a file to `target`, which is new; give what came to lie there."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb", buffering=0) as given, target.open("xb") as made:
        while block := given.read(_BLOCK):
            digest.update(block)
            made.write(block)
            size += len(block)
    return Artifact(size=size, sha256=digest.hexdigest())


def survey(folder: Path) -> dict[str, Artifact]:
    """Hash every file below `folder`, by its relative path.

    Links are refused: a seal that points elsewhere seals nothing. So are sockets,
    pipes and devices.
    """
    if folder.is_symlink() or not folder.is_dir():
        message = f"{folder.name!r} is not the folder any more that the stage was given"
        raise IntegrityError(message, hint="write into it; do not put it elsewhere")
    found: dict[str, Artifact] = {}
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted([*names, *(f for f in folders if _is_link(place, f))]):
            path = folder.__class__(place, name)
            relative = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode):
                message = f"output {relative!r} is not a plain file"
                hint = "copy what a link points to; links cannot be sealed"
                raise IntegrityError(message, hint=hint)
            size = path.stat().st_size
            found[relative] = Artifact(size=size, sha256=sha256_of(path))
    return found


def _is_link(place: str, name: str) -> bool:
    return os.path.islink(os.path.join(place, name))  # noqa: PTH114, PTH118 - hot loop
