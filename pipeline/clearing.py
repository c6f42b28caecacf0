"""Clear a project's folder on its box: list what can go; delete it if that is meant.

Killed at any instant, it leaves what the next one finishes: a run's folder is renamed
before anything in it goes, and what nobody names is found by having no run.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import census, files, keeping, layout, unit
from pipeline.attempt import AttemptPaths
from pipeline.census import GONE, entries, size_of
from pipeline.clock import spoken
from pipeline.errors import HostError, PipelineError
from pipeline.fence import fence
from pipeline.git import Git
from pipeline.keeping import Item, Kept, RunLook, Told
from pipeline.leavings import Leavings
from pipeline.pulse import many
from pipeline.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.clock import Clock
    from pipeline.layout import BoxPaths
    from pipeline.wire import Clearing

_TELL_EVERY_S = 1.0
_YOUNG = "10.minutes.ago"


class Clearance:
    """One clearing of one project's folder."""

    def __init__(
        self, box: BoxPaths, pyz: Path, clock: Clock, say: Callable[[Told], None]
    ) -> None:
        """Clear `box`, whose runner.pyz is `pyz`, and say what is found as it comes."""
        self._box = box
        self._pyz = pyz
        self._clock = clock
        self._say = say
        self._git = Git(box.code)
        self._store = Store(box.store)
        self._told_at = float("-inf")
        self._began_at = clock.now().timestamp()
        self._leavings = Leavings(
            box, self._git, self._store, now=self._began_at, told=self._working
        )

    def clear(self, asked: Clearing) -> None:
        """List what can go; where it is meant, delete it."""
        looks = list(census.runs(self._box, self._git, self._working))
        stored = [entry.name for entry in self._store.entries()]
        why = keeping.kept(looks, asked, stored, self._began_at)
        for look in looks:
            if look.run in why:
                self._say(Told(kept=_kept(look, why[look.run])))
        stays = [look for look in looks if look.run in why]
        goes = [look for look in looks if look.run not in why]
        items = [*self._runs(goes), *self._leavings.found(stays, self._pyz.name)]
        for item in sorted(items, key=lambda one: (-one.size, one.name)):
            self._say(Told(item=item))
        if asked.is_meant:
            self._delete(items, stays)
        self._say(Told(ended=True))

    def _runs(self, goes: list[RunLook]) -> Iterator[Item]:
        for look in goes:
            age = _spoken_age(self._began_at - look.last_at)
            why = f"{look.word}, {age} ago"
            yield Item(kind="run", name=look.run, size=look.size, why=why)

    def _working(self, at: str) -> None:
        """Say now and then that the box is at work: silence would mean a lost link."""
        now = self._clock.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self._say(Told(at=at))

    def _delete(self, items: list[Item], stays: list[RunLook]) -> None:
        """Delete; what cannot be is said, and the rest goes all the same."""
        acts: dict[str, Callable[[Item], None]] = {
            "run": self._delete_run,
            "branch": self._delete_branch,
            "store": lambda item: self._delete_stored(item, stays),
            "environment": lambda item: self._delete_environment(item, stays),
        }
        for item in sorted(items, key=lambda one: (_ORDER.index(one.kind), one.name)):
            self._told_at = float("-inf")
            self._working(item.name)
            try:
                acts.get(item.kind, self._delete_path)(item)
            except (PipelineError, OSError) as error:
                self._say(Told(left=replace(item, why=str(error))))
            else:
                self._say(Told(gone=item))
        if any(item.kind in ("run", "branch", "leftover") for item in items):
            self._repack()

    def _delete_run(self, item: Item) -> None:
        """Rename the folder, then remove it, then its branches: in this order."""
        folder = self._box.run(item.name)
        gone = folder.with_name(f"{GONE}{item.name}.{os.getpid()}")
        # A runner that starts at this instant finds the lock held, and then no folder.
        lock = files.open_lock(folder / "runner.lock")
        if lock is None:
            message = "it is running now"
            raise HostError(message)
        try:
            for attempt in entries(folder / "attempts"):
                if (attempt / "attempt.lock").exists():
                    fence(AttemptPaths(attempt), self._clock)
            unit.disarm(self._box, item.name)
            with files.waiting_lock(self._box.root / "begin.lock"):
                files.move(folder, gone)
            files.sync_folder(self._box.runs)
            _remove(gone, self._working)
        finally:
            os.close(lock)
        for ref, run in self._leavings.runs_of_refs().items():
            if run == item.name:
                self._git.out("update-ref", "-d", ref)

    def _delete_branch(self, item: Item) -> None:
        run = layout.RUN_ID.search(item.name)
        if run and self._box.run(run[0]).exists():
            message = "its run began meanwhile"
            raise HostError(message)
        self._git.out("update-ref", "-d", item.name)

    def _delete_stored(self, item: Item, stays: list[RunLook]) -> None:
        for entry in self._store.entries():
            if entry.name == item.name:
                since = self._leavings.unused_since(stays)
                if not self._store.remove(entry, unused_since=since):
                    message = "it is used again"
                    raise HostError(message)

    def _delete_environment(self, item: Item, stays: list[RunLook]) -> None:
        """Under the lock of who builds: first the link goes, then what it points to."""
        self._check_nobody_new(stays)
        folder = self._box.root / item.name
        name = folder.name.partition(".")[0]
        lock = files.open_lock(folder.with_name(f"{name}.lock"))
        if lock is None:
            message = "it is being built"
            raise HostError(message)
        try:
            link = folder.with_name(name)
            with contextlib.suppress(OSError):
                if link.readlink() == Path(folder.name):
                    link.unlink()
            gone = folder.with_name(f"{GONE}{folder.name}.{os.getpid()}")
            files.move(folder, gone)
            _remove(gone, self._working)
        finally:
            os.close(lock)

    def _check_nobody_new(self, stays: list[RunLook]) -> None:
        """Refuse when a runner started since we looked: what it needs is not known."""
        known = {look.run for look in stays if look.runs}
        for path in entries(self._box.runs):
            if path.name not in known and files.is_locked(path / "runner.lock"):
                message = f"run {path.name} started meanwhile"
                raise HostError(message, hint="do it again")

    def _delete_path(self, item: Item) -> None:
        _remove(self._box.root / item.name, self._working)

    def _repack(self) -> None:
        """Let go of the objects that no branch needs any more.

        Not while anything runs: it may be sealing anew what a deleted run had sealed.
        What is young stays: somebody may be shipping what no branch names yet.
        """
        with contextlib.suppress(HostError):
            self._check_nobody_new([])
            self._pack()

    def _pack(self) -> None:
        before = size_of(self._box.code)
        item = Item(kind="leftover", name="code.git", size=0, why="no branch needs it")
        try:
            self._git.out("worktree", "prune")
            self._git.out("prune", f"--expire={_YOUNG}")
            drop = f"--unpack-unreachable={_YOUNG}"
            self._git.out("repack", "-q", "-A", "-d", drop)
        except PipelineError as error:
            said = f"it is whole, but could not be packed: {error}"
            self._say(Told(left=replace(item, why=said)))
        freed = before - size_of(self._box.code)
        if freed > 0:
            self._say(Told(gone=replace(item, size=freed)))


# What others may need goes after what needs it.
_ORDER: tuple[keeping.Kind, ...] = (
    *("leftover", "run", "draft", "branch", "environment", "store", "runner", "here"),
)


def _spoken_age(seconds: float) -> str:
    days = int(seconds // 86400)
    if days > 0:
        return many(days, "day")
    return spoken(max(seconds, 0.0))


def _kept(look: RunLook, why: str) -> Kept:
    return Kept(run=look.run, size=look.size, word=look.word, why=why)


def _remove(path: Path, told: Callable[[str], None]) -> None:
    """Remove a tree a level at a time, so that it can be said that we are at work."""
    if path.is_dir() and not path.is_symlink():
        files.open_folders(path)
        for inner in entries(path):
            told(inner.name)
            files.remove_tree(inner)
    files.remove_tree(path)
