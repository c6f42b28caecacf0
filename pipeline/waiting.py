"""A runner that waits for its turn: it breathes, tells for whom, and can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import events
from pipeline.turn import Place
from pipeline.walk import WISHED

if TYPE_CHECKING:
    from pipeline.turn import Turn
    from pipeline.walk import Walk
    from pipeline.workshop import Workshop

_WAKE_S = 0.2
_LOOK_S = 1.0


class Waiting:
    """One run's wait in the queue of its box."""

    def __init__(self, workshop: Workshop, walk: Walk, turn: Turn) -> None:
        """Wait as `turn` says; `walk` hears the wish to stop."""
        self._workshop = workshop
        self._walk = walk
        self._turn = turn
        self._told = Place()

    def wait(self) -> bool:
        """Wait until nobody stands before us; give False when the run was stopped.

        Who was stopped by a person gives the place up. A box that shuts down is not
        the user's wish: the place is kept for the runner that goes on.
        """
        clock, looked_at = self._workshop.clock, float("-inf")
        while True:
            self._walk.read_wishes()
            if self._walk.is_stopping():
                if self._walk.stopping == WISHED:
                    self._turn.leave()
                return False
            if clock.monotonic() - looked_at >= _LOOK_S:
                place = self._turn.look()
                if place is not None:
                    looked_at = clock.monotonic()
                    self._tell(place)
                if place is not None and not place.behind:
                    return True
            clock.sleep(_WAKE_S)
            # It waits for others: that is no stall of its own.
            self._workshop.story.marked()
            self._workshop.story.refresh()
            self._workshop.keeper.look()

    def _tell(self, place: Place) -> None:
        """Tell what changed; who never had to wait tells nothing."""
        if place == self._told:
            return
        self._told = place
        because = place.because or "its turn has come"
        self._workshop.story.tell(
            events.RunWaiting(
                because=because, behind=place.behind, is_over=not place.behind
            )
        )
