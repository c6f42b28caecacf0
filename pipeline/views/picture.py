"""A run as one picture for a terminal.

`picture` is pure: what is seen depends on the Sight and the size, and on nothing that
was seen before. It is drawn in Unicode and colour; the console leaves out the colour
where NO_COLOR says so, and a terminal of another encoding gets it sign by sign in
ASCII.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from pipeline.frozen import dataclass
from pipeline.views.lines import Part, about, bar, cut, flowed, spread
from pipeline.views.rows import Scene, stage_rows
from pipeline.views.sight import Sight
from pipeline.views.tame import tame
from pipeline.views.telling import Knowing

if TYPE_CHECKING:
    from rich.console import (
        Console,
        ConsoleOptions,
        RenderableType,
        RenderResult,
    )


STYLES = {
    "running": "cyan",
    "done": "green",
    "failed": "red",
    "dead": "red",
    "connecting": "dim",
    "waiting": "cyan",
}  # any other word is a warning
_ASCII = str.maketrans("━╸─│├┤┼╰╯┴✓●○✗╌·…", "=>-|||+`'++*ox-|~")
_TALL, _LOW = 20, 12  # terminals with room for air, and without room for a note
_LEAST_LOG = 4


def picture(sight: Sight, *, width: int, height: int) -> RenderableType:
    """Draw `sight` in at most `height` lines, none wider than `width`, none wrapped."""
    return _Picture(sight, width, height)


@dataclass(frozen=True, slots=True)
class _Picture:
    sight: Sight
    width: int
    height: int

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        width = min(self.width, options.max_width)
        lines = _lines(self.sight, console, width, self.height)
        yield sheet(lines, in_ascii=options.ascii_only)


def sheet(lines: list[Text], *, in_ascii: bool) -> Text:
    """Put lines below each other, none of them wrapped, sign by sign if it must be."""
    text = Text("\n").join(map(_in_ascii, lines) if in_ascii else lines)
    text.no_wrap, text.overflow = True, "crop"
    return text


def _in_ascii(line: Text) -> Text:
    """Change each sign in its place, so that the colours stay where they are."""
    plain = line.plain.translate(_ASCII).encode("ascii", "replace").decode()
    return Text(plain, spans=line.spans, style=line.style)


def _lines(sight: Sight, console: Console, width: int, height: int) -> list[Text]:
    """Share the height out: what is wrong first, then the graph, the log gets the rest.

    A run that has no log yet, and one with few stages, give a picture that is smaller.
    """
    head = [_header(sight, width), _progress(sight, width)]
    if (said := sight.state.aside) and sight.is_live:
        head.append(cut(Text(tame(said), "cyan"), width))
    heart = _heart(sight, console, width, height)
    note = cut(Text(tame(sight.note), "dim"), width)
    foot = [*heart, *([note] if note and height >= _LOW else [])]
    air = [Text()] if height >= _TALL else []
    spare = height - len(head) - len(foot) - len(air)
    log_room = min(len(sight.log) + 1, _LEAST_LOG) if air and sight.log else 0
    stages = sight.state.stages
    scene = Scene(stages=stages, now=sight.now, is_live=sight.is_live, console=console)
    rows = stage_rows(scene, width=width, room=max(spare - log_room, 1))
    above = [*head, *rows, *(air if rows else []), *foot]
    return [*above, *_log(sight, width, height - len(above))][:height]


def _header(sight: Sight, width: int) -> Text:
    state = sight.state
    style = STYLES.get(sight.word, "yellow")
    return spread(
        [
            Part(Text(tame(state.name), "bold"), 3),
            Part(Text(tame(state.run)), 1),
            Part(Text(f"on {tame(state.host)}" if state.host else "", "dim"), 5),
            Part(Text("with uncommitted changes" if state.is_dirty else "", "dim"), 6),
        ],
        [
            Part(
                Text(f"{state.closed}/{len(state.stages)}" if state.stages else ""), 4
            ),
            Part(Text(about(sight.elapsed_s) if state.started_at else ""), 2),
            Part(Text(f"● {sight.word}", f"bold {style}")),
        ],
        width,
    )


def _progress(sight: Sight, width: int) -> Text:
    """Draw the line under the header: how much of the graph is done."""
    return bar(sight.state.share, width, STYLES.get(sight.word, "yellow"))


def _heart(sight: Sight, console: Console, width: int, height: int) -> list[Text]:
    """Say what is known of the run, and how its box is."""
    word = sight.word if sight.state.has_ended else sight.knowing
    style = "green" if word == "alive" else STYLES.get(word, "yellow")
    said = flowed([Text(part, style) for part in _knows(sight)], console, width, " ")
    if not sight.is_live or sight.knowing not in ("alive", "stalled"):
        return said
    box = [Text(part, "dim") for part in _box(sight.pulse)]
    most = max(1 if height < _TALL else 2, len(said))
    return flowed([*said, *box], console, width, " · ")[:most]


def _knows(sight: Sight) -> list[str]:
    state, beat = sight.state, tame(sight.pulse.get("beat", "?"))
    age = "" if sight.age_s is None else f"{about(sight.age_s)} ago"
    if state.has_ended:
        reason = tame(state.reason)
        return [f"ended with {state.exit_code}" + (f": {reason}" if reason else "")]
    run = tame(state.run)
    told: dict[Knowing, list[str]] = {
        "alive": [f"alive, beat {beat}, {age}" if age else "alive, no beat yet"],
        "unknown": [
            "unknown: the link is lost; the run itself is not affected",
            f"(beat {beat}, {age})" if age else "",
        ],
        "dead": [
            "dead: no runner lives and no end was told;",
            "resume with:",
            f"pipeline resume {run}",
        ],
        "stalled": [
            f"stalled: beats arrive, but no progress for {_silence(sight)}"
            if sight.breathes
            else f"stalled: no beat for {about(sight.age_s or 0.0)}, but the link is up"
        ],
        "ended": ["ended"],
        "connecting": [f"connecting to {tame(state.host) or 'the host'} …"],
    }
    return [part for part in told[sight.knowing] if part]


def _silence(sight: Sight) -> str:
    """Say how long nothing moved: the runner's own word, or else its last event's."""
    number, _, unit = sight.pulse.get("progress age", "").partition(" ")
    if number.isdecimal() and unit == "s":
        return about(float(number))
    return about(max((s.silent_s for s in sight.state.stages.values()), default=0.0))


def _box(pulse: Mapping[str, str]) -> list[str]:
    keys = ["load", "memory", *(k for k in pulse if k.startswith("gpu ")), "disk"]
    return [tame(f"{key} {pulse[key]}") for key in keys if key in pulse]


def _log(sight: Sight, width: int, room: int) -> list[Text]:
    least = 2  # the rule, and one line to be ruled off
    if room < least or not sight.log:
        return []
    title = f" log of {tame(sight.log_stage)} " if sight.log_stage else " log "
    rule = Text(f"──{title}", "dim")
    rule.append("─" * (width - rule.cell_len))
    lines = [Text(tame(line)) for line in sight.log[1 - room :]]
    return [cut(line, width) for line in (rule, *lines)]
