"""Notice that this machine slept: what was true of the network then may be no more.

Two clocks are asked. In a sleep the one stands still and the other goes on, on some
systems; on others, and for a process that was stopped, both jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.clock import Clock

NAP_S = 5.0  # who is asked several times a second, and was not for so long, slept


class Naps:
    """Asked again and again; says when much more time went by than between two asks."""

    def __init__(self, clock: Clock) -> None:
        """Be awake now."""
        self._clock = clock
        self._last = self._now()

    def woke(self) -> bool:
        """Tell whether we slept since this was last asked."""
        before, self._last = self._last, self._now()
        gaps = (now - then for now, then in zip(self._last, before, strict=True))
        return max(gaps) > NAP_S

    def _now(self) -> tuple[float, float]:
        return self._clock.monotonic(), self._clock.now().timestamp()
