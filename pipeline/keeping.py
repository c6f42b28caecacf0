"""What is kept, and why: the decision of `gc`, over what was seen. It touches nothing.

A run is kept while it runs, while it may still go on, and while it is new; what is not
kept can go, and so can all that only such runs needed. A run that is named goes at any
age, but not while it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.wire import Clearing

KEEP = 10
KEEP_DAYS = 30.0
_DAY_S = 86400.0
Kind = Literal[
    "run", "draft", "environment", "store", "branch", "leftover", "runner", "here"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLook:
    """A run's folder as it was seen. Times in seconds since 1970.

    word: how it ended, "running", "dead" (no runner, no end told), or "unreadable".
    large: its files that git has not, by sha256, with their sizes; `has`: those
    that lie in its own folder. environment: which of envs/ it uses; None when that is
    not known. sealed: its stages that are done. is_known: whether all its lists could
    be read.
    """

    run: str
    size: int
    word: str
    began_at: float
    last_at: float
    branch: str = ""
    large: Mapping[str, int] = field(default_factory=dict)
    has: frozenset[str] = frozenset()
    environment: str | None = ""
    sealed: frozenset[str] = frozenset()
    is_known: bool = True

    @property
    def runs(self) -> bool:
        """Tell whether a runner lives."""
        return self.word == "running"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that can go. Bytes are what it takes on the disk."""

    kind: Kind
    name: str
    size: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A run that stays, and why."""

    run: str
    size: int
    word: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One line of the answer; one with nothing said tells that the box is at work."""

    at: str = ""
    item: Item | None = None
    kept: Kept | None = None
    gone: Item | None = None
    left: Item | None = None
    ended: bool = False


def kept(
    looks: Sequence[RunLook], asked: Clearing, stored: Iterable[str], now: float
) -> dict[str, str]:
    """Say which runs stay, and why. `stored` are the names in the store."""
    if asked.runs:
        _check_named(looks, asked)
        why = {one.run: "not named" for one in looks if one.run not in asked.runs}
    else:
        why = _by_age(looks, asked, now)
    return _with_sources(looks, why, frozenset(stored))


def _check_named(looks: Sequence[RunLook], asked: Clearing) -> None:
    known = {one.run: one for one in looks}
    for name in asked.runs:
        if name in known and known[name].runs:
            message = f"run {name} is running"
            raise HostError(message, hint=f"stop it first: pipeline stop {name}")


def _by_age(looks: Sequence[RunLook], asked: Clearing, now: float) -> dict[str, str]:
    """Keep what runs, what may go on, and what is new.

    One of the two limits said alone is the only one; with none said both keep.
    """
    is_plain = asked.keep < 0 and asked.keep_days < 0
    newest = asked.keep if asked.keep >= 0 else KEEP if is_plain else 0
    days = asked.keep_days if asked.keep_days >= 0 else KEEP_DAYS if is_plain else 0.0
    in_order = sorted(looks, key=lambda one: (one.began_at, one.run), reverse=True)
    why = {}
    for place, one in enumerate(in_order):
        if one.runs:
            why[one.run] = "running"
        elif one.word in ("stopped", "dead"):
            why[one.run] = f"{one.word}: it can go on"
        elif one.word == "unreadable":
            why[one.run] = "its plan cannot be read by this version"
        elif place < newest:
            why[one.run] = f"one of the newest {newest}"
        elif now - one.last_at < days * _DAY_S:
            why[one.run] = f"younger than {days:g} days"
    return why


def _with_sources(
    looks: Sequence[RunLook], why: dict[str, str], stored: frozenset[str]
) -> dict[str, str]:
    """Keep also a run whose folder alone has what a kept run sealed."""
    why = dict(why)
    stays = [one for one in looks if one.run in why]
    needed = {sha: one.run for one in stays for sha in one.large}
    had = stored.union(*(one.has for one in stays))
    for one in looks:
        only_here = [sha for sha in one.has if sha in needed and sha not in had]
        if one.run not in why and only_here:
            why[one.run] = f"run {needed[only_here[0]]} needs an artifact of it"
    return why


def needed_files(looks: Iterable[RunLook]) -> frozenset[str] | None:
    """Give the names that kept runs need in the store; None when that is not known."""
    names: set[str] = set()
    for one in looks:
        if not one.is_known:
            return None
        names.update(one.large)
    return frozenset(names)


def needed_environments(looks: Iterable[RunLook]) -> frozenset[str] | None:
    """Give the names that kept runs need in envs/; None when that is not known."""
    names: set[str] = set()
    for one in looks:
        if one.environment is None or not one.is_known:
            return None
        names.add(one.environment)
    return frozenset(names)
