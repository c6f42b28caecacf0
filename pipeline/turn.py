"""Wait for one's turn on a box: `run --queue` stands behind the runs that are there.

A place in the queue is a file, `~/.pipeline/queue/<number>.<project>.<run>`; who waits
lives, as every runner does, by its lock. So there is nobody to keep the queue: each who
waits looks for itself, under one lock, and the first whose turn it is takes its file
away. A waiter that was killed is passed over, and has its old place when it goes on.

Nobody overtakes: a run that could start at once waits for those that came before it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline import eventlines, events, files
from pipeline.frozen import dataclass
from pipeline.layout import PLAN, RUN_ID, BoxPaths, ResultPaths, RunPaths, is_safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TICKET = re.compile(r"(?P<number>\d{8})\.(?P<project>[^.]+)\.(?P<run>[^.]+)")
_MOST_NAMED = 3
_SEALED = b'"kind":"stage_sealed"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run stands: behind which others, and that in words. Behind none: go."""

    behind: tuple[str, ...] = ()
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Other:
    """Another run that lives on this box. needs: the GPUs it still may take."""

    run: str
    name: str
    needs: int
    ticket: int = -1

    def __str__(self) -> str:
        return f"run {self.run} ({self.name})" if self.name else f"run {self.run}"


@dataclass(kw_only=True)
class Turn:
    """One run's way through the queue. gpus: how many the box has for this user."""

    paths: RunPaths
    needs: int
    gpus: int
    _known: dict[Path, dict[str, Any]] = field(default_factory=dict)

    def look(self) -> Place | None:
        """Say where the run stands; behind nobody, it has left the queue.

        Without a place yet, it takes the last one. None while another one looks: who
        waits for that could wait for a process that hangs, and hear no wish to stop.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = files.open_lock(self._folder / "lock")
        if lock is None:
            return None
        try:
            tickets = self._tickets()
            mine = tickets.get(self._me) or self._draw(tickets)
            place = self._place(mine, tickets)
            if not place.behind:
                self.leave()
            return place
        finally:
            os.close(lock)

    def leave(self) -> None:
        """Give the place up."""
        for path in self._folder.glob(f"*.{'.'.join(self._me)}"):
            path.unlink(missing_ok=True)

    @property
    def _folder(self) -> Path:
        return self.paths.box.gpus.with_name("queue")

    @property
    def _me(self) -> tuple[str, str]:
        return self.paths.box.root.name, self.paths.root.name

    def _tickets(self) -> dict[tuple[str, str], int]:
        """Give the places by project and run; those of runs that are gone go too."""
        found: dict[tuple[str, str], int] = {}
        for name in _names(self._folder):
            ticket = _TICKET.fullmatch(name)
            if ticket is None:
                continue
            if (self._run(ticket["project"], ticket["run"]) / PLAN).exists():
                key = (ticket["project"], ticket["run"])
                found.setdefault(key, int(ticket["number"]))
            else:
                (self._folder / name).unlink(missing_ok=True)
        return found

    def _draw(self, tickets: dict[tuple[str, str], int]) -> int:
        number = max(tickets.values(), default=0) + 1
        (self._folder / f"{number:08d}.{'.'.join(self._me)}").touch(mode=0o600)
        return number

    def _run(self, project: str, run: str) -> Path:
        return BoxPaths(self.paths.box.root.parent / project).run(run)

    def _place(self, mine: int, tickets: dict[tuple[str, str], int]) -> Place:
        others = list(self._others(tickets))
        before = sorted(
            (one for one in others if 0 <= one.ticket < mine),
            key=lambda one: one.ticket,
        )
        if before:
            because = f"waits in the queue behind {_named(before)}"
            return Place(behind=tuple(one.run for one in before), because=because)
        at_work = [one for one in others if one.ticket < 0]
        if not self.needs:
            return _behind(at_work, "waits for {} to end")
        takers = [one for one in at_work if one.needs]
        if sum(one.needs for one in takers) + self.needs <= self.gpus:
            return Place()
        what = "a GPU" if self.needs == 1 else f"{self.needs} GPUs"
        return _behind(takers, f"waits for {what}, behind {{}}")

    def _others(self, tickets: dict[tuple[str, str], int]) -> Iterator[_Other]:
        """Give all runs of this user here that live, other than this one."""
        home = self.paths.box.root.parent
        for project in filter(is_safe_name, _names(home)):
            for run in filter(RUN_ID.fullmatch, _names(BoxPaths(home / project).runs)):
                folder = self._run(project, run)
                is_me = (project, run) == self._me
                lock = RunPaths(folder, PurePosixPath()).runner_lock
                if not is_me and files.is_locked(lock):
                    yield self._other(folder, tickets.get((project, run), -1))

    def _other(self, folder: Path, ticket: int) -> _Other:
        if folder not in self._known:
            self._known[folder] = _plan(folder)
        plan = self._known[folder]
        try:
            name, needs = plan["pipeline"]["name"], self._needs(plan, folder)
        except (KeyError, TypeError, AttributeError):
            name, needs = "", self.gpus  # what cannot be read may take all there is
        return _Other(run=folder.name, name=name, needs=needs, ticket=ticket)

    def _needs(self, plan: dict[str, Any], folder: Path) -> int:
        """Give how many GPUs another run may still take at a time."""
        pipeline = plan["pipeline"]
        gpus = {stage["name"]: stage.get("gpus", 0) for stage in pipeline["stages"]}
        if any(gpus.values()):
            sealed = _sealed(RunPaths(folder, PurePosixPath(plan["prefix"])))
            gpus = {name: n for name, n in gpus.items() if name not in sealed}
        return peak(list(gpus.values()), pipeline["jobs"], self.gpus)


def peak(gpus: Sequence[int], jobs: int, most: int) -> int:
    """Give how many GPUs stages may take at a time, where so many may run at once."""
    return min(sum(sorted(gpus, reverse=True)[: max(jobs, 1)]), most)


def _behind(others: Sequence[_Other], words: str) -> Place:
    if not others:
        return Place()
    because = words.format(_named(others))
    return Place(behind=tuple(one.run for one in others), because=because)


def _named(others: Sequence[_Other]) -> str:
    said = ", ".join(map(str, others[:_MOST_NAMED]))
    more = len(others) - _MOST_NAMED
    return f"{said} and {more} more" if more > 0 else said


def _plan(folder: Path) -> dict[str, Any]:
    """Read what matters of a plan, of whatever version; nothing where it cannot be."""
    with contextlib.suppress(OSError, ValueError):
        plan = json.loads((folder / PLAN).read_bytes())
        if isinstance(plan, dict):
            return plan
    return {}


def _sealed(paths: RunPaths) -> set[str]:
    """Give the stages that the story of another run calls sealed."""
    try:
        lines = ResultPaths(paths.results).events.read_bytes().split(b"\n")
    except OSError:
        return set()
    told = eventlines.read_events(
        b"".join(s + b"\n" for s in lines if _SEALED in s[:90])
    )
    return {e.what.stage for e in told if isinstance(e.what, events.StageSealed)}


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []
