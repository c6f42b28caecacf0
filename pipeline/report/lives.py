"""When each try of each stage began and ended, as the story tells. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from pipeline import events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.events import Event

End = Literal["pass", "gate", "failed", "stopped"]


class Life(NamedTuple):
    """One try: its times, how it ended, and the older seal it took over, if any."""

    number: int
    began_at: str
    ended_at: str
    end: End
    reuses: str = ""


def lives_of(story: Iterable[Event]) -> dict[str, list[Life]]:
    """Give the tries of each stage in order; what was cut off ended with its runner."""
    found: dict[str, list[Life]] = {}
    going: dict[str, tuple[int, str]] = {}
    last_at = ""

    def ends(stage: str, at: str, end: End) -> None:
        if stage in going:
            number, began_at = going.pop(stage)
            found.setdefault(stage, []).append(Life(number, began_at, at, end))

    for event in story:
        what = event.what
        match what:
            case events.StageStarted():
                going[what.stage] = (what.attempt, event.at)
            case events.StageSealed(reuses=str(older)) if older:
                life = Life(what.attempt, event.at, event.at, _end(what), older)
                found.setdefault(what.stage, []).append(life)
            case events.StageSealed():
                ends(what.stage, event.at, _end(what))
            case events.AttemptFailed() | events.StageFailed():
                ends(what.stage, event.at, "failed")
            case events.RunResumed() | events.RunEnded():
                at = event.at if isinstance(what, events.RunEnded) else last_at
                for stage in tuple(going):
                    ends(stage, at, "stopped")
        last_at = event.at
    return found


def _end(what: events.StageSealed) -> End:
    return "pass" if what.verdict == "pass" else "gate"
