"""The bundles that lie here: artifacts/bundles/<hash>, each whole or not there."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact, files
from pipeline.bundles import manifest as manifests
from pipeline.bundles.contents import MANIFEST, NAME
from pipeline.errors import IntegrityError, SpecError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifact import Artifact
    from pipeline.bundles.manifest import Manifest

FOLDER = "bundles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One bundle of the shelf. manifest: None where it cannot be read."""

    hash: str
    folder: Path
    taken_at: float
    size: int
    manifest: Manifest | None
    why: str = ""


class Shelf:
    """The folder of bundles below `artifacts`."""

    def __init__(self, artifacts: Path) -> None:
        """Look below `artifacts`; nothing is made until something is put there."""
        self.root = artifacts / FOLDER

    def names(self) -> list[str]:
        """Give the hashes of all that lies there."""
        if not self.root.is_dir():
            return []
        found = (path.name for path in self.root.iterdir() if path.is_dir())
        return sorted(name for name in found if NAME.fullmatch(name))

    def all(self) -> list[Kept]:
        """Give all bundles, the newest first."""
        kept = [self._kept(self.root / name) for name in self.names()]
        return sorted(kept, key=lambda one: (-one.taken_at, one.hash))

    def find(self, wanted: str) -> Path:
        """Give the folder that `wanted` names: a path, a hash, or how one begins."""
        names = self.names()
        found = [name for name in names if wanted and name.startswith(wanted)]
        if len(found) == 1:
            return self.root / found[0]
        if found:
            message = f"{wanted!r} may be any of: {', '.join(found)}"
            raise SpecError(message, hint="name more of it")
        path = Path(wanted)
        if wanted and (path / MANIFEST).is_file():
            return path
        raise self._none(wanted, names)

    def _none(self, wanted: str, names: list[str]) -> SpecError:
        """Refuse a name, with what may have been meant."""
        near = difflib.get_close_matches(wanted, names, n=1, cutoff=0.4)
        # A part of a hash is near to the one that begins or goes on like it.
        near = near or [n for n in names if len(wanted) > 2 and wanted[:3] in n][:1]
        hint = f"did you mean {near[0]!r}?" if near else "see: pipeline pack list"
        if not names:
            hint = "none lies here; take one out of a run: pipeline pack create"
        return SpecError(f"no bundle is called {wanted!r}", hint=hint)

    def take(self, name: str, source: Path, listed: Mapping[str, Artifact]) -> Path:
        """Copy a bundle onto the shelf, each file held against what was sealed.

        Raise IntegrityError where one differs; nothing is there then.
        """
        files.own_ignored_folder(self.root.parent)
        self.root.mkdir(exist_ok=True)
        draft = files.draft_of(self.root / name)
        try:
            for path, wanted in listed.items():
                target = draft / path
                target.parent.mkdir(parents=True, exist_ok=True)
                _copy(source / path, target, wanted)
            files.move(draft, self.root / name)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return self.root / name

    def drop(self, name: str) -> None:
        """Delete one bundle."""
        files.remove_tree(self.root / name)

    def _kept(self, folder: Path) -> Kept:
        size = sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())
        manifest, why = None, ""
        try:
            manifest = manifests.read(folder)
        except IntegrityError as error:
            why = error.message
        return Kept(
            hash=folder.name,
            folder=folder,
            taken_at=folder.stat().st_mtime,
            size=size,
            manifest=manifest,
            why=why,
        )


def _copy(source: Path, target: Path, wanted: Artifact) -> None:
    """Copy one file; raise IntegrityError where it is not what was sealed."""
    if source.is_symlink() or not source.is_file():
        message = f"{source} is not there, and was sealed"
        raise IntegrityError(message, hint="see what else differs: pipeline verify")
    if artifact.copied(source, target) != wanted:
        message = f"{source} is not what was sealed"
        raise IntegrityError(message, hint="see what else differs: pipeline verify")
