"""What is asked for: the `data` of a run's parameters, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from models.recordings.units import QUICKEST_HZ
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCES = ("synthetic", "recordings", "uci_har", "dogs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where recordings come from, and how much of them is taken.

    source: one of SOURCES
    rate_hz: the grid that all are brought to
    labels: from a behaviour's name in the files to its name here; several may become
        one, and what is not named is not labelled; empty: all, as they are
    subjects: at most so many; None: all there are, of simulated ones the profile's
    seconds: at most so many of each recording; None: likewise
    shortest_s: what is shorter between two gaps is left out
    """

    source: str = "synthetic"
    rate_hz: float = 100.0
    labels: Mapping[str, str] = field(default_factory=dict)
    subjects: int | None = None
    seconds: float | None = None
    shortest_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be read."""
        if self.source not in SOURCES:
            raise Unreadable(
                "data.source",
                f"{shown(self.source)} is no source: wanted {', '.join(SOURCES)}",
                near(self.source, SOURCES),
            )
        _positive("data.rate_hz", self.rate_hz)
        if self.rate_hz > QUICKEST_HZ:
            reason = f"{self.rate_hz:g}: wanted {QUICKEST_HZ:g} or less"
            raise Unreadable("data.rate_hz", reason)
        _positive("data.shortest_s", self.shortest_s)
        if self.seconds is not None:
            _positive("data.seconds", self.seconds)
        if self.subjects is not None and not _is_count(self.subjects):
            reason = f"{shown(self.subjects)}: wanted a whole number, 1 or more"
            raise Unreadable("data.subjects", reason)
        _check_labels(self.labels)


def chosen(data: Mapping[str, Any]) -> Source:
    """Give the source that `data` describes; refuse a key nobody knows."""
    known = [each.name for each in fields(Source)]
    for key in data:
        if key not in known:
            reason = f"no such key: wanted {', '.join(known)}"
            raise Unreadable(f"data.{key}", reason, near(key, known))
    given = dict(data)
    if isinstance(given.get("labels"), list):
        given["labels"] = {name: name for name in given["labels"]}
    return Source(**given)


def _positive(where: str, value: object) -> None:
    """Refuse what is no positive number."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and 0.0 < float(str(value)) < math.inf):
        raise Unreadable(where, f"{shown(value)}: wanted a positive number")


def _is_count(value: object) -> bool:
    """Say whether this is a whole number, 1 or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _check_labels(labels: object) -> None:
    """Refuse labels that are no map from names to names."""
    is_map = isinstance(labels, dict) and all(
        isinstance(name, str) and name for pair in labels.items() for name in pair
    )
    if not is_map:
        reason = (
            f"{shown(labels)}: wanted a list of names, or a map from names to names"
        )
        raise Unreadable("data.labels", reason)
