"""Several runs in one picture: a line for each, and one of them at length.

Pure, as `picture` is: the first run that has not ended is the one that is drawn whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pipeline.frozen import dataclass
from pipeline.views.lines import Part, about, bar, fit
from pipeline.views.picture import STYLES, picture, sheet
from pipeline.views.sight import Sight
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import (
        Console,
        ConsoleOptions,
        RenderableType,
        RenderResult,
    )

_BAR = 12
_LEAST_PICTURE = 8  # lines; with fewer there are rows alone


def several(sights: Sequence[Sight], *, width: int, height: int) -> RenderableType:
    """Draw `sights` in at most `height` lines."""
    return _Several(tuple(sights), width, height)


@dataclass(frozen=True, slots=True)
class _Several:
    sights: tuple[Sight, ...]
    width: int
    height: int

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        width = min(self.width, options.max_width)
        rows = _rows(self.sights, width, self.height)
        yield sheet(rows, in_ascii=options.ascii_only)
        room = self.height - len(rows) - 1
        focus = next((sight for sight in self.sights if sight.is_live), None)
        if focus is not None and room >= _LEAST_PICTURE:
            yield Text()
            yield picture(focus, width=width, height=room)


def _rows(sights: Sequence[Sight], width: int, height: int) -> list[Text]:
    """Give a line for each run; where there are too many, the live ones first."""
    most = max(height - 1, 1)
    shown = sorted(sights, key=lambda sight: not sight.is_live)[:most]
    names = max((len(sight.state.run) for sight in shown), default=0)
    hosts = max((len(tame(sight.state.host)) for sight in shown), default=0)
    rows = [_row(s, names, hosts, width) for s in sights if s in shown]
    left = len(sights) - len(shown)
    return [*rows, Text(f"… {left} more", "dim")] if left else rows


def _row(sight: Sight, names: int, hosts: int, width: int) -> Text:
    state = sight.state
    style = STYLES.get(sight.word, "yellow")
    return fit(
        [
            Part(Text(f"● {sight.word:<11}", f"bold {style}")),
            Part(Text(f"{tame(state.run):<{names}}")),
            Part(Text(f"{tame(state.host):<{hosts}}", "dim"), 3),
            Part(bar(state.share, _BAR, style), 2),
            Part(Text(f"{state.closed}/{len(state.stages)}".rjust(5)), 1),
            Part(Text(about(sight.elapsed_s).rjust(9) if state.started_at else ""), 4),
            Part(Text(tame(_says(sight)), "dim")),
        ],
        width,
    )


def _says(sight: Sight) -> str:
    """Say what goes on: the stages that run, what is waited for, or how it ended."""
    state = sight.state
    running = [stage for stage in state.stages.values() if stage.status == "running"]
    if state.has_ended:
        return state.reason
    if state.waiting or not running:
        return state.aside or sight.note
    shares = (f"{s.name} {100 * s.share:.0f} %" if s.total else s.name for s in running)
    return ", ".join(shares)
