"""Wall seconds of things, in turns, so that a noisy machine is noisy for all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """What was measured of one thing: seconds, in the order they came."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        """Write median, least and most."""
        low, high = min(self.seconds), max(self.seconds)
        return f"{self.median:.3f} s ({low:.3f}-{high:.3f})"


def wall(act: Callable[[], object]) -> float:
    """Give the seconds that `act` takes."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def in_turns(
    acts: Mapping[str, Callable[[], object]], *, rounds: int
) -> dict[str, Timing]:
    """Measure each act `rounds` times, one after the other, round by round."""
    found: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name, act in acts.items():
            found[name].append(wall(act))
    return {name: Timing(tuple(seconds)) for name, seconds in found.items()}


def paired_ratio(one: Timing, other: Timing) -> float:
    """Give the median of the ratios round by round: neighbours share their noise."""
    pairs = zip(one.seconds, other.seconds, strict=True)
    return statistics.median(a / b for a, b in pairs)


def percentile(values: list[float], share: float) -> float:
    """Give the value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
