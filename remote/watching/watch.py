"""What the laptop knows of a run: alive, unknown, dead, stalled, ended.

Pure. Ages are counted by the observer's own wakes, each worth two of them at most: a
laptop that slept for a night comes back to a run that is a moment old, not stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.views.telling import Knowing

LOST_AFTER_S = 15.0  # three times what a line that has nothing to say lets pass
DEAD_AFTER_S = 5.0  # a runner that was just launched needs a moment to take its lock


class Watch:
    """Counts the ages, and says what they mean."""

    def __init__(
        self, *, wake_s: float, stale_after_s: float, stalled_after_s: float
    ) -> None:
        """Begin with nothing known. wake_s: how often the observer means to wake."""
        self._wake_s = wake_s
        self._stale_after_s = stale_after_s
        self._stalled_after_s = stalled_after_s
        self._silence_s = 0.0
        self._lifeless_s = 0.0
        self._beat = -1
        self._is_connected = False
        self._was_connected = False
        self._lives: bool | None = None
        self._has_ended = False
        self.beat_age_s: float | None = None
        self.progress_age_s = 0.0

    def wake(self, elapsed_s: float) -> None:
        """Count the time since the last wake."""
        step = min(elapsed_s, 2 * self._wake_s)
        self._silence_s += step
        self.progress_age_s += step
        if self.beat_age_s is not None:
            self.beat_age_s += step
        self._lifeless_s = self._lifeless_s + step if self._lives is False else 0.0

    def heard(self) -> None:
        """Something came over the link."""
        if not self._is_connected or self.is_silent:
            # Beats and progress that nobody heard of are no sign of a stall.
            self.beat_age_s = None if self.beat_age_s is None else 0.0
            self.progress_age_s = 0.0
        self._silence_s = 0.0
        self._is_connected = self._was_connected = True

    def lost(self) -> None:
        """The link broke."""
        self._is_connected = False
        self._lives = None

    def felt(self, beat: int, progress_age_s: float) -> None:
        """A beat came; the same beat again says nothing new."""
        if beat != self._beat:
            self._beat = beat
            self.beat_age_s = 0.0
            self.progress_age_s = progress_age_s

    def moved(self) -> None:
        """The run made progress."""
        self.progress_age_s = 0.0

    def told_runner(self, *, lives: bool) -> None:
        """The box said whether a runner holds the lock."""
        self._lives = lives

    def told_end(self, *, has_ended: bool) -> None:
        """The story said the end, or that the run was taken up again."""
        self._has_ended = has_ended

    @property
    def knowing(self) -> Knowing:
        """Say what is known now."""
        if self._has_ended:
            return "ended"
        if not self._was_connected:
            return "unknown" if self.is_silent else "connecting"
        if not self._is_connected or self.is_silent:
            return "unknown"
        if self._lives is False and self._lifeless_s > DEAD_AFTER_S:
            return "dead"
        if self._is_stalled():
            return "stalled"
        return "alive"

    @property
    def breathes(self) -> bool:
        """Tell whether beats arrive: none for too long is no sign of life."""
        return self.beat_age_s is None or self.beat_age_s <= self._stale_after_s

    @property
    def is_silent(self) -> bool:
        """Tell whether nothing at all was heard for so long that the link is lost."""
        return self._silence_s > LOST_AFTER_S

    def _is_stalled(self) -> bool:
        return not self.breathes or self.progress_age_s > self._stalled_after_s
