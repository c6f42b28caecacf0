"""What is heard of a stage while it runs: reports, ticks, its log, or nothing."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from pipeline import events
from pipeline.logs import LogFollower
from pipeline.notify import Notice, notify
from pipeline.secrets.blot import blot_text, secret_values

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.logs import Tick
    from pipeline.schema import Stage
    from pipeline.workshop import Workshop

_TICK_EVERY_S = 0.5


class Listener:
    """Hears one attempt of a stage, and passes on what is worth telling."""

    def __init__(
        self,
        stage: Stage,
        workshop: Workshop,
        *,
        raw: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Follow the raw log at `raw`; secrets are those of the stage's environment."""
        self._stage = stage
        self._workshop = workshop
        self._story = workshop.story
        self._clock = workshop.clock
        all_there_are = {**environment, **workshop.secrets}
        self._secrets = secret_values(all_there_are, named=workshop.secrets)
        self._moved_at = self._clock.monotonic()
        self._ticked_at = float("-inf")
        self._held_tick: events.StageTicked | None = None
        self._is_stalled = False
        self._log = LogFollower(
            raw,
            workshop.results.log(stage.name),
            secrets=self._secrets,
            on_tick=self._on_tick,
        )
        self.metrics: dict[str, float] = {}
        self.error = ""

    @property
    def last_line(self) -> str:
        """The last line it printed."""
        return self._log.last_line

    def report(self, report: Mapping[str, Any]) -> None:
        """Take one report of the child; what is no report is passed over."""
        self._moved()
        if isinstance(error := report.get("error"), str):
            self.error = self._without_secrets(error)[: events.MOST_REASON]
        if metrics := self._numbers(report.get("metric")):
            self.metrics.update(metrics)
            self._story.tell(
                events.StageMeasured(stage=self._stage.name, numbers=metrics)
            )
        tick = report.get("tick")
        if isinstance(tick, list) and len(tick) == 2 and all(map(_is_number, tick)):
            numbers = self._numbers(report.get("numbers"))
            self._on_tick((tick[0], tick[1], numbers))

    def _numbers(self, raw: object) -> dict[str, float]:
        """Keep what is a number with a name."""
        if not isinstance(raw, dict):
            return {}
        clean = self._without_secrets
        return {clean(str(k)): v for k, v in raw.items() if _is_number(v)}

    def _without_secrets(self, text: str) -> str:
        return blot_text(text, self._secrets)

    def look(self) -> None:
        """Follow the log a little, so that one who prints much holds nothing up."""
        if self._log.pump():
            self._moved()
        self._look_for_stall()

    def _moved(self) -> None:
        self._story.marked()
        self._moved_at = self._clock.monotonic()
        self._is_stalled = False

    def _look_for_stall(self) -> None:
        silent_s = self._clock.monotonic() - self._moved_at
        limit_s = self._workshop.plan.pipeline.heartbeat.stalled_after_s
        if silent_s < limit_s or self._is_stalled:
            return
        self._is_stalled = True
        name = self._stage.name
        self._story.tell(events.StageStalled(stage=name, silent_s=silent_s))
        text = f"stage {name!r} shows no progress for {silent_s:.0f} s"
        notice = Notice(what="stall", reason=text, stage=name)
        told = (self._workshop.plan, self._workshop.paths, notice)
        # Whatever the user's command does, the stage's time goes on being watched.
        threading.Thread(target=notify, args=told, daemon=True).start()

    def _on_tick(self, tick: Tick) -> None:
        """Tell a tick at most every half second; the last one is always told."""
        self._moved()
        done, total, numbers = tick
        self._held_tick = events.StageTicked(
            stage=self._stage.name, done=done, total=total, numbers=numbers
        )
        now = self._clock.monotonic()
        if now - self._ticked_at >= _TICK_EVERY_S:
            self._ticked_at = now
            self._flush_tick()

    def _flush_tick(self) -> None:
        if self._held_tick is not None:
            self._story.tell(self._held_tick)
            self._held_tick = None

    def close(self) -> None:
        """Take in what is left, when nobody of the attempt lives any more."""
        self._log.close()
        self._flush_tick()


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
