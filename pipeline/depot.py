"""The verb `data` of the .pyz: what homes of data sets hold, and what comes and goes.

    look    list the homes, with the hashes that are known already
    hash    read what is not known, and list it
    take    take a stream in, below one home
    give    send files of one home as a stream
    drop    delete files of one home, by their names

The laptop does the same with its own homes, by the same functions.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline import codec, files, inventory, schema
from pipeline.data import holding
from pipeline.data.contents import Contents, kept_at
from pipeline.data.holding import WHOLE
from pipeline.data.intake import Intake
from pipeline.data.parcel import BLOCK, Giver
from pipeline.data.tending import Tended
from pipeline.errors import HostError, PipelineError
from pipeline.layout import PLAN, RunPaths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from pipeline.clock import Clock
    from pipeline.data.holding import Holding
    from pipeline.data.tending import Tending
    from pipeline.layout import BoxPaths

_TELL_EVERY_S = 0.5


class Depot:
    """The homes of data sets on this machine, for one project."""

    def __init__(self, box: BoxPaths, clock: Clock) -> None:
        """Remember in the cache of `box` what was hashed."""
        self._box = box
        self._clock = clock

    def look(self, home: Path) -> Holding:
        """List a home, with the hashes that hold still."""
        found = holding.look_into(home)
        if found.kind not in ("file", "folder"):
            return found
        hashes = self.contents(home).known
        used = tuple(self._used_by(home))
        return replace(found, hashes=_only(hashes, found.files), used_by=used)

    def hash(
        self,
        home: Path,
        told: Callable[[int, int], None],
        only: Collection[str] | None = None,
    ) -> Holding:
        """List a home with all hashes; `told` hears how much of how much is read."""
        contents = self.contents(home)
        total = contents.unread_of(only)
        turn, done, began = threading.Lock(), 0, self._clock.monotonic()

        def count(size: int) -> None:
            nonlocal done, began
            with turn:
                done += size
                if self._clock.monotonic() - began < _TELL_EVERY_S:
                    return
                began = self._clock.monotonic()
                told(done, total)

        hashes = contents.read(count, only)
        found = holding.look_into(home)
        return replace(found, hashes=_only(hashes, found.files))

    def contents(self, home: Path) -> Contents:
        """Look at the files of a home; nothing is read."""
        kept = kept_at(self._box.cache, home)
        return Contents(home, kept, self._clock)

    @contextlib.contextmanager
    def changing(self, home: Path) -> Iterator[None]:
        """Let nobody else change a home, and nobody who runs have it changed."""
        self._box.cache.mkdir(parents=True, exist_ok=True)
        kept = kept_at(self._box.cache, home)
        with contextlib.ExitStack() as opened:
            lock = files.open_lock(kept.with_suffix(".lock"))
            if lock is None:
                message = f"somebody else sends data there at this moment: {home}"
                raise HostError(message, hint="wait until that is done")
            opened.callback(os.close, lock)
            for run in self._used_by(home):
                message = f"run {run} is running, and uses what is in {home}"
                hint = f"nothing was changed; wait for it, or: pipeline stop {run}"
                raise HostError(message, hint=hint)
            yield

    def _used_by(self, home: Path) -> Iterator[str]:
        """Name the runs of this user that have a home linked, and a runner alive."""
        wanted = home.resolve()
        for lock in self._box.root.parent.glob("*/runs/*/runner.lock"):
            if not files.is_locked(lock):
                continue
            with contextlib.suppress(OSError, PipelineError):
                plan = schema.read_plan((lock.parent / PLAN).read_bytes())
                paths = RunPaths(lock.parent, PurePosixPath(plan.prefix))
                homes = map(holding.home_at, inventory.linked(plan, paths))
                if any(_meet(wanted, one.resolve()) for one in homes):
                    yield plan.run

    def drop(self, home: Path, names: Collection[str]) -> int:
        """Delete files and links of a home, and folders that are empty then."""
        root, count = home.resolve(), 0
        for name in names:
            holding.check_name(name)
            path = root / name
            parent = path.parent
            if name == WHOLE or parent.resolve() != parent:
                message = f"a link lies in the way of {name[:60]!r}"
                raise HostError(message)
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.rmdir()
                continue
            path.unlink(missing_ok=True)
            count += 1
            while parent != root:
                try:
                    parent.rmdir()
                except OSError:
                    break
                parent = parent.parent
        return count


def _meet(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _only(hashes: Mapping[str, str], found: Mapping[str, object]) -> dict[str, str]:
    return {name: hashes[name] for name in found if name in hashes}


def tend(asked: Tending, depot: Depot, write: Callable[[bytes], None]) -> None:
    """Do what was asked; answers and files go to `write`."""

    def say(line: Tended) -> None:
        write(codec.dumps(line).encode() + b"\n")

    for name, text in asked.homes.items():
        home = holding.home_at(text)
        if asked.act == "look":
            _say_holding(name, depot.look(home), say)
        elif asked.act == "hash":
            _hash(name, home, asked, depot, say)
        elif asked.act == "take":
            with depot.changing(home), _stdin() as stream:
                intake = Intake(home, stream, is_file=asked.is_file)
                taken = replace(intake.take(), hashes={})  # the laptop knows
                say(Tended(name=name, taken=taken))
        elif asked.act == "give":
            for piece in Giver(home, lambda _count, _name: None).give(asked.wanted):
                write(piece)
        else:
            with depot.changing(home):
                say(Tended(name=name, dropped=depot.drop(home, asked.only)))


def _stdin() -> BinaryIO:
    return open(0, "rb", buffering=BLOCK, closefd=False)


def _hash(
    name: str, home: Path, asked: Tending, depot: Depot, say: Callable[[Tended], None]
) -> None:
    def told(done: int, total: int) -> None:
        say(Tended(name=name, done=done, total=total))

    only = frozenset(asked.only) if asked.only else None
    _say_holding(name, depot.hash(home, told, only), say)


def _say_holding(name: str, found: Holding, say: Callable[[Tended], None]) -> None:
    for part in holding.parts_of(found):
        say(Tended(name=name, holding=part))
