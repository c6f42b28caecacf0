"""Data sets are hashed beside the stages that do not need them.

A thread reads what is not known yet of each set, in the order in which stages will want
them. The walk asks `is_done` before it starts a stage; nothing else waits. What went
wrong with a set is met again by the stage that needs it, and told there.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from pipeline import events, inventory
from pipeline.data import contents
from pipeline.errors import PipelineError
from pipeline.pulse import size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.schema import Stage
    from pipeline.workshop import Workshop

_TELL_EVERY_S = 5.0


class _Stopped(Exception):
    """Nobody waits for the hashes any more."""


class Hashing:
    """Hashes the data sets of some stages, until all are known or it is closed."""

    def __init__(
        self, workshop: Workshop, stages: Iterable[Stage], wake: Callable[[], None]
    ) -> None:
        """Begin; `wake` is called whenever one more is known."""
        names = [ref.data for stage in stages for ref in stage.inputs if ref.data]
        self._workshop = workshop
        self._wake = wake
        self._left = list(dict.fromkeys(names))
        self._is_over = threading.Event()
        self._turn = threading.Lock()
        self._done = self._total = 0
        self._told_at = workshop.clock.monotonic()
        self._has_told = False
        self._thread = threading.Thread(target=self._run, name="hashing", daemon=True)
        if self._left:
            self._thread.start()

    def is_done(self, stage: Stage) -> bool:
        """Tell whether all the data of a stage is known."""
        return not any(ref.data in self._left for ref in stage.inputs)

    def close(self) -> None:
        """Stop; what is hashed so far is remembered."""
        self._is_over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            for name in tuple(self._left):
                # The stage that needs it meets the same trouble, and says so.
                with contextlib.suppress(PipelineError, OSError, _Stopped):
                    self._hash(name)
                if self._is_over.is_set():
                    return
                self._left.remove(name)
                self._wake()
        finally:  # whatever became of this thread, no stage waits for it any more
            self._left.clear()
            self._wake()

    def _hash(self, name: str) -> None:
        workshop = self._workshop
        plan, box = workshop.plan, workshop.paths.box
        declared = inventory.declared_as(plan, name)
        home = inventory.home_of(plan, name, box)
        if home is None:
            self._tell(f"data {name}: absent, and optional", is_ready=True)
        if home is None or declared.by != "content":
            return
        kept = contents.kept_at(box.cache, home)
        found = contents.Contents(home, kept, workshop.clock)
        self._total, self._done = found.total, found.total - found.unread
        self._has_told = False
        found.read(lambda count: self._count(name, count))
        if self._has_told:
            self._tell(f"data {name}: {size(self._total)} hashed", is_ready=True)

    def _count(self, name: str, count: int) -> None:
        if self._is_over.is_set():
            raise _Stopped
        story, clock = self._workshop.story, self._workshop.clock
        story.marked()  # a set that is read is no run that stands still
        with self._turn:
            self._done += count
            if clock.monotonic() - self._told_at < _TELL_EVERY_S:
                return
            self._told_at = clock.monotonic()
        amount = f"{size(self._done)} of {size(self._total)}"
        self._tell(f"hashing data {name}: {amount}", is_ready=False)

    def _tell(self, said: str, *, is_ready: bool) -> None:
        self._has_told = True
        told = events.DataToldOf(said=said, is_ready=is_ready)
        self._workshop.story.tell(told)
