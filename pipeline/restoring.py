"""Put the files of sealed stages back where they were lost or changed.

Small ones are taken from the commit, large ones from the store. A large one that lies
there in its size is believed, unless it was touched after its seal: then it is read.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pipeline import artifact, draft, files, schema
from pipeline.blobs import Blobs
from pipeline.frozen import dataclass
from pipeline.git import Git
from pipeline.layout import LOG, ResultPaths, base_of
from pipeline.ledger import read_seals
from pipeline.objects import blob_name, hash_name_of
from pipeline.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.artifact import Artifact
    from pipeline.layout import RunPaths


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoring:
    """Where the files of one run belong, and where they can be had from."""

    paths: RunPaths
    results: ResultPaths
    blobs: Blobs
    store: Store

    def restore(self, stage: str, trees: Mapping[str, str], at: int) -> int:
        """Make sure that a sealed stage's files are there, as `trees` have them.

        at: when it was sealed. Give how many were put back. Raise IntegrityError when a
        large one is lost.
        """
        places = {
            "results": self.results.stage(stage),
            "artifacts": self.paths.artifacts / stage,
        }
        count = 0
        for kind, tree in trees.items():
            for name, entry in self.blobs.files(tree) if tree else ():
                path = places[kind] / name
                # A log only grows: what a closing commit has is older.
                is_log = kind == "results" and name == LOG
                if not is_log and not _is_there(path, entry.name):
                    self._put_back(path, entry.name, entry.mode)
                    count += 1
        listed = artifact.read_manifest(self.results.manifest(stage))
        every = {"results": listed.results, "artifacts": listed.artifacts}
        lost = []
        for kind, wanted in every.items():
            for name, one in wanted.items():
                path = places[kind] / name
                if not _is_believed(path, one, at):
                    taken = self.store.take(one, path)
                    count += taken
                    lost += [] if taken else [name]
        if lost:
            raise draft.lost_error(stage, lost)
        return count

    def trees_of(self, stage: str, commit: str) -> dict[str, str]:
        """Name the trees of a stage in a commit; nothing where it has none."""
        base = base_of(self.paths.prefix.as_posix())
        found = {
            kind: self.blobs.find(f"{commit}:{base}{kind}/{stage}")
            for kind in ("results", "artifacts")
        }
        return {kind: one.name if one else "" for kind, one in found.items()}

    def _put_back(self, path: Path, oid: str, mode: str) -> None:
        """Write a sealed file again, as its commit has it."""
        data = self.blobs.read(oid)
        assert data is not None, "a tree of a sealed commit is whole"
        files.remove_tree(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        files.replace_bytes(path, data)
        path.chmod(0o755 if mode == "100755" else 0o644)


def _is_there(path: Path, oid: str) -> bool:
    is_file = path.is_file() and not path.is_symlink()
    return is_file and blob_name(path, hash_name_of(oid)) == oid


def _is_believed(path: Path, wanted: Artifact, sealed_at: int) -> bool:
    """Tell whether a file is what was sealed, and read it only where that is open."""
    try:
        look = path.lstat()
    except OSError:
        return False
    if path.is_symlink() or look.st_size != wanted.size:
        return False
    if max(look.st_mtime, look.st_ctime) < sealed_at + 1:
        return True
    return artifact.sha256_of(path) == wanted.sha256


def mend(paths: RunPaths) -> int:
    """Put back what was lost of the files of a run that is done; give how many."""
    plan = schema.read_plan(paths.plan.read_bytes())
    repository = Git(paths.box.code)
    with contextlib.closing(Blobs(repository)) as blobs:
        restoring = Restoring(
            paths=paths,
            results=ResultPaths(paths.results),
            blobs=blobs,
            store=Store(paths.box.store),
        )
        seals = read_seals(repository, plan.branch, plan.snapshot)
        return sum(
            restoring.restore(s.stage, restoring.trees_of(s.stage, s.commit), s.at)
            for s in seals
        )
