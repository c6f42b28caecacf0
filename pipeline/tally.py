"""What each kind of event changes of the stage it names.

`said` holds the fields of a StageState by name, while a story is added up: that is one
place in memory for a hundred thousand ticks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import events

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = dict[str, Any]


def _started(said: Said, at: str, what: events.StageStarted) -> None:
    fresh = {"name": said["name"], "needs": said["needs"]}
    said.clear()
    said.update(fresh, status="running", attempt=what.attempt, started_at=at)


def _ticked(said: Said, at: str, what: events.StageTicked) -> None:
    if not said.get("first_tick_at"):
        said["first_tick_at"] = at
        said["first_done"] = what.done
    said["last_tick_at"] = at
    said["done"] = what.done
    said["total"] = what.total
    if what.numbers:
        said["numbers"] = {**said.get("numbers", {}), **what.numbers}
    said["silent_s"] = 0.0


def _measured(said: Said, _at: str, what: events.StageMeasured) -> None:
    said["metrics"] = {**said.get("metrics", {}), **what.numbers}
    said["silent_s"] = 0.0


def _stalled(said: Said, _at: str, what: events.StageStalled) -> None:
    said["silent_s"] = what.silent_s


def _tried(said: Said, _at: str, what: events.AttemptFailed) -> None:
    said["reason"] = what.reason


def _sealed(said: Said, _at: str, what: events.StageSealed) -> None:
    said["status"] = "sealed" if what.verdict == "pass" else "rejected"
    said["attempt"] = what.attempt
    said["commit"] = what.commit
    said["subject"] = what.subject
    said["duration_s"] = what.duration_s
    said["reuses"] = what.reuses
    said["kept_back"] = what.kept_back
    said["metrics"] = what.metrics
    said["reason"] = "; ".join(what.failures)


def _failed(said: Said, _at: str, what: events.StageFailed) -> None:
    said["status"] = "failed"
    said["reason"] = what.reason


def _skipped(said: Said, _at: str, what: events.StageSkipped) -> None:
    said["status"] = "skipped"
    said["reason"] = what.because


def _waits(said: Said, _at: str, what: events.StageWaiting) -> None:
    if said["status"] == "waiting":
        said["reason"] = what.because


CHANGES: dict[type[Any], Callable[[Said, str, Any], None]] = {
    events.StageWaiting: _waits,
    events.StageStarted: _started,
    events.StageTicked: _ticked,
    events.StageMeasured: _measured,
    events.StageStalled: _stalled,
    events.AttemptFailed: _tried,
    events.StageSealed: _sealed,
    events.StageFailed: _failed,
    events.StageSkipped: _skipped,
}
