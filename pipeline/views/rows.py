"""The stages of a run as rows of a terminal picture.

Every stage is one line; a failed or running one gets more where there is room. Where
there is not even one line for each, those that need no eye on them make room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.text import Text

from pipeline.frozen import dataclass
from pipeline.progress import elapsed_s
from pipeline.rails import Rail, rails
from pipeline.sketch import number_text, numbers_text
from pipeline.views.lines import Part, about, bar, fit, pace, shortened, wrapped
from pipeline.views.tame import tame, tame_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from pipeline.progress import StageState, Status

# Colours by name, so that a light terminal shows its own dark ones.
_SIGNS: dict[Status, tuple[str, str]] = {
    "sealed": ("✓", "green"),
    "running": ("●", "bold cyan"),
    "failed": ("✗", "bold red"),
    "rejected": ("✗", "bold yellow"),
    "skipped": ("╌", "dim"),
    "waiting": ("○", "dim"),
}
_CUT_OFF = ("✗", "bold yellow")
# Who makes room first when there are more stages than lines.
_HIDES: tuple[Status, ...] = (
    *("sealed", "skipped", "waiting"),
    *("running", "rejected", "failed"),
)
_MOST_LINES = 4  # of one stage
_HEADED = 30  # cells that hold more than the beginning of a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What all rows of one picture share. `is_live`: a runner may still be at work."""

    stages: Mapping[str, StageState]
    now: str
    is_live: bool
    console: Console


class _Block(NamedTuple):
    """All lines of one stage. `is_text`: they are one text, and a cut in it shows."""

    lines: list[Text]
    is_text: bool


def stage_rows(scene: Scene, *, width: int, room: int) -> list[Text]:
    """Draw the graph in at most `room` lines; failed and running stages come first."""
    shown = _shown(scene.stages, room)
    hidden = [s for name, s in scene.stages.items() if name not in shown]
    graph = {name: stage.needs for name, stage in scene.stages.items()}
    drawn = rails(graph, shown, most=max(width // 10, 2))
    longest = max((Text(tame(name)).cell_len for name in shown), default=0)
    longest = min(longest, max(width // 3, 8))
    blocks = [
        _block(scene.stages[name], rail, scene, longest, width)
        for name, rail in drawn.items()
    ]
    top = _count([s for s in hidden if s.status == "sealed"])
    end = _count([s for s in hidden if s.status != "sealed"])
    spare = room - len(blocks) - len(top) - len(end)
    return [*top, *_grown(blocks, spare, width), *end]


def _block(
    stage: StageState, rail: Rail, scene: Scene, longest: int, width: int
) -> _Block:
    mark, style = _sign(stage, scene)
    left = Text.assemble((rail.before, "dim"), (mark, style), (rail.after, "dim"))
    left.append(" ").append_text(_name(stage, longest, style)).append("  ")
    below = Text(rail.below.ljust(left.cell_len), "dim")
    first, *more = _says(stage, scene, max(width - left.cell_len, 1))
    lines = [left + first, *(Text.assemble(below, line) for line in more)]
    return _Block(lines, is_text=stage.status in ("failed", "rejected"))


def _shown(stages: Mapping[str, StageState], room: int) -> set[str]:
    """Choose who is shown: of those who make room, old seals and far stages first."""
    order = {name: at for at, name in enumerate(stages)}
    ranked = sorted(
        stages.values(),
        key=lambda s: (
            _HIDES.index(s.status),
            order[s.name] if s.status == "sealed" else -order[s.name],
        ),
    )
    for hidden in range(len(ranked) + 1):
        words = {s.status == "sealed" for s in ranked[:hidden]}
        if len(ranked) - hidden + len(words) <= room:
            return {s.name for s in ranked[hidden:]}
    return set()


def _count(hidden: Sequence[StageState]) -> list[Text]:
    """Say in one line how many are not shown."""
    many = [(s, sum(stage.status == s for stage in hidden)) for s in _HIDES]
    said = ", ".join(f"{count} {status}" for status, count in many if count)
    return [Text(f"… {said}", "dim")] if said else []


def _grown(blocks: Sequence[_Block], spare: int, width: int) -> list[Text]:
    """Give the first lines of all blocks, and further ones as far as `spare` goes."""
    lines: list[Text] = []
    for block in blocks:
        most = 1 + min(max(spare, 0), len(block.lines) - 1)
        spare -= most - 1
        whole = block.lines[:most]
        lines += shortened(block.lines, most, width) if block.is_text else whole
    return lines


def _sign(stage: StageState, scene: Scene) -> tuple[str, str]:
    is_cut = stage.status == "running" and not scene.is_live
    return _CUT_OFF if is_cut else _SIGNS[stage.status]


def _name(stage: StageState, width: int, style: str) -> Text:
    is_loud = stage.status in ("running", "failed", "rejected")
    name = Text(tame(stage.name), style if is_loud or style == "dim" else "")
    name.truncate(width, overflow="ellipsis", pad=True)
    return name


def _says(stage: StageState, scene: Scene, width: int) -> list[Text]:
    """Say how a stage stands: one line, and what more there would be."""
    if stage.status == "sealed":
        return [_sealed(stage, width)]
    if stage.status == "rejected":
        commit = tame(stage.commit[:7])
        return _reasoned(f"{commit} ", stage.reason, scene, width, "yellow")
    if stage.status == "failed":
        return _reasoned("failed:", stage.reason, scene, width, "red")
    if stage.status == "running" and scene.is_live:
        return _running(stage, scene, width)
    if stage.status == "running":
        return _cut_off(stage, width)
    said = tame(stage.reason) if _has_reason(stage, scene) else _waits(stage, scene)
    return [fit([Part(Text(said, "dim"))], width)]


def _has_reason(stage: StageState, scene: Scene) -> bool:
    """Tell whether its own words say more than that it waits: another run's GPU."""
    waits_for_a_run = stage.status == "waiting" and bool(stage.reason) and scene.is_live
    return stage.status == "skipped" or waits_for_a_run


def _sealed(stage: StageState, width: int) -> Text:
    took = f"{stage.took:>11}"
    line = fit(
        [
            Part(Text(tame(stage.commit[:7]), "dim"), 1),
            Part(Text(took, "dim"), 2),
            Part(Text(tame(stage.subject))),
        ],
        width,
    )
    untold = {k: v for k, v in stage.metrics.items() if k not in stage.subject}
    return line + _numbers(untold, width - line.cell_len, gap="  ")


def _numbers(numbers: Mapping[str, float], width: int, gap: str = "") -> Text:
    """Say as many numbers as fit in `width`, none of them in part."""
    for most in range(min(len(numbers), 6), 0, -1):
        said = Text(gap + tame(numbers_text(numbers, most)), "dim")
        if said.cell_len <= width:
            return said
    return Text()


def _reasoned(
    head: str, reason: str, scene: Scene, width: int, style: str
) -> list[Text]:
    """Say what went wrong, on as many lines as it takes; a narrow place has no head."""
    words = "; ".join(tame_lines(reason))
    told = f"{head} {words}" if width >= _HEADED or not words else words
    lines = wrapped(Text(told, style), scene.console, width)
    return shortened(lines, _MOST_LINES, width)


def _running(stage: StageState, scene: Scene, width: int) -> list[Text]:
    again = f"attempt {stage.attempt}" if stage.attempt > 1 else ""
    parts = [Part(Text(again, "yellow"), 2)]
    if stage.total > 0:
        parts += _bar_parts(stage, width)
    elif stage.done > 0:
        parts.append(Part(Text(f"{number_text(stage.done)} done")))
    parts += _pace_parts(stage, scene)
    numbers = _numbers({**stage.metrics, **stage.numbers}, width)
    more = [numbers] if numbers else []
    if stage.reason:
        head = f"attempt {stage.attempt} failed, tries again:"
        more += _reasoned(head, stage.reason, scene, width, "yellow")[:2]
    return [fit(parts, width), *more]


def _bar_parts(stage: StageState, width: int) -> list[Part]:
    cells = min(max(width - 38, 5), 28)
    return [
        Part(bar(stage.share, cells, "cyan"), 2),
        Part(Text(f"{100 * stage.share:.0f} %".rjust(5), "bold")),
        Part(Text(f"{number_text(stage.done)}/{number_text(stage.total)}"), 3),
    ]


def _pace_parts(stage: StageState, scene: Scene) -> list[Part]:
    if stage.silent_s > 0:
        said = f"no progress for {about(stage.silent_s)}"
        return [Part(Text(said, "yellow"), 1)]
    if stage.left_s is not None:
        return [
            Part(Text(pace(stage.rate), "dim"), 4),
            Part(Text(f"{about(stage.left_s)} left"), 1),
        ]
    return [Part(Text(f"for {about(elapsed_s(stage.started_at, scene.now))}"), 1)]


def _cut_off(stage: StageState, width: int) -> list[Text]:
    share = f" at {100 * stage.share:.0f} %" if stage.total > 0 else ""
    numbers = _numbers({**stage.metrics, **stage.numbers}, width)
    line = fit([Part(Text(f"cut off{share}", "yellow"))], width)
    return [line, numbers] if numbers else [line]


def _waits(stage: StageState, scene: Scene) -> str:
    open_ = [
        need
        for need in stage.needs
        if need not in scene.stages or scene.stages[need].status != "sealed"
    ]
    return f"waits for {', '.join(map(tame, open_))}" if open_ else "waits for its turn"
