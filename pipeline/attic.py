"""What of runs that are gone still lies on the laptop: found, and removed on demand.

Mirrors, what was pulled, branches in the user's repository, and their snapshots. Only
what is named by a run is ours; nothing else is ever looked at.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import files, layout, memory
from pipeline.census import entries, size_of
from pipeline.errors import HostError, IntegrityError
from pipeline.git import Git, refusal
from pipeline.keeping import Item
from pipeline.pulse import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord

_BRANCH = "branch "
_SHIPPED = "refs/heads/ship/"
_SNAPSHOTS = ".pipeline/snapshots.git"


class Attic:
    """The laptop's own folders of one pipeline."""

    def __init__(self, paths: LaptopPaths) -> None:
        """Look beside the pipeline.yaml at `paths`."""
        self._paths = paths
        self._git = Git(paths.root, is_git_dir=False, is_ours=False)
        self._scratch = Git(paths.scratch)

    def items(self, gone: dict[str, str]) -> list[Item]:
        """Give what can go with the runs of `gone`, each with the reason.

        What lies here of other runs stays: it may be the last that there is of them.
        """
        found = [
            item for run, why in sorted(gone.items()) for item in self._of(run, why)
        ]
        for link in self._broken_links() - {item.name for item in found}:
            why = "a link to a folder that is gone"
            found.append(Item(kind="here", name=link, size=0, why=why))
        stale = self._stale_snapshots(set(gone))
        if stale:
            why = f"with the snapshots of {many(len(stale), 'run')} that can go"
            size = size_of(self._paths.scratch / "objects")
            found.append(Item(kind="here", name=_SNAPSHOTS, size=size, why=why))
        return found

    def _broken_links(self) -> set[str]:
        """Give the mirrors of local runs whose folders went by another way."""
        return {
            path.relative_to(self._paths.root).as_posix()
            for path in entries(self._paths.results)
            if layout.RUN_ID.fullmatch(path.name)
            and path.is_symlink()
            and not path.exists()
        }

    def _of(self, run: str, why: str) -> Iterator[Item]:
        for path in (self._paths.results / run, self._paths.artifacts / run):
            if path.is_symlink() or path.is_dir():
                name = path.relative_to(self._paths.root).as_posix()
                yield Item(kind="here", name=name, size=size_of(path), why=why)
        record = self._record(run)
        if record and self._git.resolve(f"refs/heads/{record.branch}"):
            yield Item(kind="here", name=f"{_BRANCH}{record.branch}", size=0, why=why)

    def _record(self, run: str) -> RunRecord | None:
        with contextlib.suppress(OSError, IntegrityError):
            return memory.read_run(self._paths, run)
        return None

    def delete(self, items: list[Item], gone: set[str]) -> Iterator[Item]:
        """Delete; give what could not be, with the reason. Records go last."""
        stale = self._stale_snapshots(gone)
        for item in items:
            try:
                self._delete(item, stale)
            except (HostError, OSError) as error:
                yield replace(item, why=str(error))
        for run in gone:
            lock = self._paths.memory / "mirrors" / f"{run}.lock"
            lock.unlink(missing_ok=True)
            memory.forget_run(self._paths, run)
        self._point_latest()

    def _delete(self, item: Item, stale: list[str]) -> None:
        if item.name == _SNAPSHOTS:
            self._drop_snapshots(stale)
        elif item.name.startswith(_BRANCH):
            args = ("branch", "-D", "-q", "--", item.name.removeprefix(_BRANCH))
            said = self._git.ask(*args)
            if said.code:  # it may be checked out
                raise refusal(args, said)
        else:
            files.remove_tree(self._paths.root / item.name)

    def _stale_snapshots(self, gone: set[str]) -> list[str]:
        """Give the snapshots kept for runs that are gone or not remembered."""
        if not (self._paths.scratch / "HEAD").exists():
            return []
        kept = set(memory.run_names(self._paths)) - gone
        listing = self._scratch.ask("for-each-ref", "--format=%(refname)", _SHIPPED)
        refs = listing.out.decode("utf-8", "replace").splitlines()
        return [ref for ref in refs if ref.removeprefix(_SHIPPED) not in kept]

    def _drop_snapshots(self, stale: list[str]) -> None:
        """Let go of snapshots, and pack the others anew without them."""
        with files.waiting_lock(self._paths.scratch / "pipeline.lock"):
            for ref in stale:
                self._scratch.out("update-ref", "-d", ref)
            self._scratch.out("repack", "-q", "-a", "-d", "-l")
            self._scratch.out("prune", "--expire=now")

    def _point_latest(self) -> None:
        """Let `results/latest` point at the newest run that is left, or nowhere."""
        latest = self._paths.results / "latest"
        if not latest.is_symlink() or latest.exists():
            return
        left = memory.read_runs(self._paths)
        if left:
            files.point_link(latest, left[-1].run)
        else:
            latest.unlink()
