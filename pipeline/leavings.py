"""What can go beside runs: what no run that stays needs, and what was cut off.

It only looks. What is young stays, as somebody may be about to name it.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline import keeping, layout, unit
from pipeline.census import GONE, entries, size_of
from pipeline.keeping import Item, RunLook
from pipeline.layout import PLAN, RunPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pipeline.git import Git
    from pipeline.layout import BoxPaths
    from pipeline.store import Store

_HOUR_S = 3600.0
_BEGUN_S = 600.0  # a snapshot may lie there for so long before its run does
_WORTH_A_LINE = 100_000
_ENVIRONMENT = re.compile(r"(?P<name>[0-9A-Za-z_-]+)\.[0-9]+")


class Leavings:
    """All but the runs of one project's folder, as seen at one moment."""

    def __init__(
        self,
        box: BoxPaths,
        git: Git,
        store: Store,
        *,
        now: float,
        told: Callable[[str], None],
    ) -> None:
        """Look at `box` as of `now`, in seconds; `told` hears what is looked at."""
        self._box = box
        self._git = git
        self._store = store
        self._now = now
        self._told = told

    def found(self, stays: list[RunLook], pyz: str) -> Iterator[Item]:
        """Give what is no run, and what no run that stays needs."""
        yield from self._leftovers()
        yield from self._drafts(stays)
        yield from self._environments(stays)
        yield from self._stored(stays)
        yield from self._runners(stays, pyz)

    def _leftovers(self) -> Iterator[Item]:
        """Give what killed processes left, and refs whose run has no folder."""
        there = set()
        for path in entries(self._box.runs):
            if path.name.startswith(GONE):
                yield self._item("leftover", path, "a deletion that was cut off")
            elif path.is_dir() and not path.is_symlink():
                there.add(path.name)
                if layout.is_safe_name(path.name) and not (path / PLAN).exists():
                    why = "a run that never came to be"
                    if not self._is_young(path, _HOUR_S):
                        yield self._item("leftover", path, why)
        for run, place in unit.all_of(self._box):
            if run not in there:
                name = str(place)  # it lies outside, where systemd looks
                why = "to go on after a reboot, and its run is gone"
                yield Item(kind="leftover", name=name, size=0, why=why)
        for ref, run in self.runs_of_refs().items():
            if run not in there and not self._is_young(self._box.code / ref, _BEGUN_S):
                yield Item(kind="branch", name=ref, size=0, why="its run is gone")

    def runs_of_refs(self) -> dict[str, str]:
        """Give the branches that belong to a run, each with that run."""
        if not (self._box.code / "HEAD").exists():
            return {}
        listing = self._git.text("for-each-ref", "--format=%(refname)", "refs/heads")
        found = {}
        for ref in listing.splitlines():
            if run := layout.RUN_ID.search(ref):
                found[ref] = run[0]
        return found

    def _drafts(self, stays: list[RunLook]) -> Iterator[Item]:
        """Give the drafts of tries that came to nothing, of stages that are done."""
        for look in stays:
            if look.runs or not look.is_known:
                continue
            for path in entries(self._box.run(look.run) / "attempts"):
                stage = path.name.rpartition(".")[0]
                if stage in look.sealed and not path.is_symlink():
                    why = "a try of a stage that is sealed"
                    item = self._item("draft", path, why)
                    if item.size > _WORTH_A_LINE:
                        yield item

    def _environments(self, stays: list[RunLook]) -> Iterator[Item]:
        needed = keeping.needed_environments(stays)
        if needed is None:
            return
        for path in entries(self._box.envs):
            found = _ENVIRONMENT.fullmatch(path.name)
            name = found["name"] if found else path.name
            if name in needed or path.name.startswith(".") or path.suffix == ".lock":
                if path.name.startswith(GONE):
                    yield self._item("leftover", path, "a deletion that was cut off")
                continue
            if not path.is_symlink() and not self._is_young(path, _HOUR_S):
                yield self._item("environment", path, "no kept run uses it")

    def _stored(self, stays: list[RunLook]) -> Iterator[Item]:
        needed = keeping.needed_files(stays)
        since = self.unused_since(stays)
        for entry in self._store.entries():
            if entry.used_at > since:
                continue
            if entry.is_draft:
                why = "a copy that was cut off"
            elif needed is None or entry.name in needed:
                continue
            else:
                why = "no kept run names it"
            yield Item(kind="store", name=entry.name, size=entry.size, why=why)

    def unused_since(self, stays: list[RunLook]) -> float:
        """Give the time since when a file must be unused: a run may be putting one."""
        lives = any(look.runs for look in stays)
        return self._now - (_HOUR_S if lives else 1.0)

    def _runners(self, stays: list[RunLook], pyz: str) -> Iterator[Item]:
        """Give runner.pyz of other versions; a living runner still reads its own.

        So does one that goes on with a run: a run is resumed by what began it.
        """
        if any(look.runs for look in stays):
            return
        needed = {pyz, *(self._program(look.run) for look in stays)}
        for path in entries(self._box.runner):
            if path.name not in needed and not self._is_young(path, _HOUR_S):
                yield self._item("runner", path, "of another version of pipeline")

    def _program(self, run: str) -> str:
        try:
            program = RunPaths(self._box.run(run), PurePosixPath()).program
            return program.read_text("utf-8", "replace").strip()
        except OSError:
            return ""

    def _item(self, kind: keeping.Kind, path: Path, why: str) -> Item:
        name = path.relative_to(self._box.root).as_posix()
        return Item(kind=kind, name=name, size=size_of(path, self._told), why=why)

    def _is_young(self, path: Path, span_s: float) -> bool:
        try:
            return self._now - path.lstat().st_mtime < span_s
        except OSError:
            return False
