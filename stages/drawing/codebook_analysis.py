"""Draw a codebook: how evenly it is used, what follows what, where codes lie, how long.

Whatever is not known has no panel.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.codes.order import order
from models.codes.shape import Shape
from models.codes.spoken import Spoken
from models.codes.usage import Usage
from models.hsmm.agreement import UNNAMED
from models.shapes import Array, IntArray
from stages.codebook.found import Found
from stages.drawing.style import (
    BLUE,
    COLUMN,
    GREY,
    ORANGE,
    PAGE,
    PALE,
    SEQUENTIAL,
    colours,
    figure,
    lettered,
    markers,
    plain,
    saved,
)
from stages.exchange import Codes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Panel = Callable[["Axes"], None]
HEIGHT = 2.75
SHOWN = 10  # clusters that a legend has room for


def draw(path: Path, found: Found, drawn: int) -> None:
    """Draw the panels that can be drawn, two in a row."""
    panels = _panels(found, drawn)
    rows = -(-len(panels) // 2)
    fig = figure(PAGE if len(panels) > 1 else COLUMN, HEIGHT * rows)
    axes = fig.subplots(rows, min(2, len(panels)), squeeze=False).ravel()
    for ax, panel in zip(axes, panels, strict=False):
        panel(ax)
    for ax in axes[len(panels) :]:
        ax.remove()
    lettered(axes[: len(panels)])
    saved(path, fig)


def _panels(found: Found, drawn: int) -> list[Panel]:
    """Give what can be drawn, in the order of reading."""
    panels: list[Panel] = []
    codes, heard, lie = found.codes, found.spoken, found.shape
    if codes is not None and heard is not None:
        panels.append(lambda ax: _use(ax, heard))
        panels.append(lambda ax: _changes(ax, heard, codes, drawn))
    if lie is not None:
        panels.append(lambda ax: _places(ax, lie, heard, codes))
    if codes is not None and heard is not None:
        panels.append(lambda ax: _runs(ax, heard, codes))
    elif lie is not None:
        panels.append(lambda ax: _nearest(ax, lie))
    return panels


def _use(ax: Axes, heard: Spoken) -> None:
    """Draw the share of frames of each code, commonest first."""
    for usage, name, look, colour in (
        (heard.seen, "seen", "--", ORANGE),
        (heard.unseen, "unseen", "-", BLUE),
    ):
        if usage is not None:
            _one_use(ax, usage, f"{name} subjects", look, colour)
    n_codes = heard.counts.shape[1]
    ax.axhline(100 / n_codes, color=GREY, linewidth=0.8, linestyle=":")
    place = (0.99, 100 / n_codes)
    ax.annotate(
        "all alike",
        place,
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        color=GREY,
        fontsize=7,
    )
    ax.set(xlabel="code, commonest first", xlim=(0, 1.02 * n_codes))
    ax.set(ylabel="share of frames (%)", yscale="log")
    plain(ax.yaxis)
    ax.legend(loc="upper right")


def _one_use(ax: Axes, usage: Usage, name: str, look: str, colour: str) -> None:
    share = 100 * np.sort(usage.counts)[::-1] / usage.counts.sum()
    share = share[share > 0]
    even = f"perplexity {usage.perplexity.value:.0f}"
    told = f"{name}: {usage.usage.value:.0%} used,\n{even}"
    ax.plot(np.arange(1, len(share) + 1), share, look, color=colour, label=told)


def _changes(ax: Axes, heard: Spoken, codes: Codes, drawn: int) -> None:
    """Draw which code follows which, where the code changes."""
    from matplotlib.colors import LogNorm

    chosen, group = _chosen(heard, drawn)
    follows = heard.changes.follows.astype(np.float64)
    leaving = np.maximum(follows.sum(axis=1, keepdims=True), 1.0)
    share = (100 * follows / leaving)[np.ix_(chosen, chosen)]
    shown = np.ma.masked_less_equal(share, 0.0)
    image = ax.imshow(
        shown,
        norm=LogNorm(0.1, 100, clip=True),
        cmap=SEQUENTIAL,
        interpolation="nearest",
        aspect="auto",
    )
    ax.set_facecolor(PALE)
    for spine in ax.spines.values():
        spine.set_visible(True)
    _grouped(ax, group, codes)
    label = "share of changes (%); pale: none"
    bar = ax.figure.colorbar(image, ax=ax, label=label, pad=0.02, aspect=30)
    plain(bar.ax.yaxis)


def _chosen(heard: Spoken, drawn: int) -> tuple[IntArray, IntArray]:
    """Choose codes to draw: the commonest of each behaviour, or of all."""
    frames, named = heard.counts.sum(axis=0), heard.named
    common = np.argsort(-frames, kind="stable")
    common = common[frames[common] > 0]
    behaviours = np.unique(named[common])
    behaviours = behaviours[behaviours != UNNAMED]
    if len(behaviours):
        each = max(1, drawn // len(behaviours))
        common = np.concatenate([common[named[common] == b][:each] for b in behaviours])
    chosen = common[:drawn]
    between = heard.changes.follows[np.ix_(chosen, chosen)].astype(np.float64)
    chosen = chosen[order(between, named[chosen])]
    return chosen, named[chosen]


def _grouped(ax: Axes, group: IntArray, codes: Codes) -> None:
    """Name the groups of codes beside the table, and draw lines between them."""
    begin = np.flatnonzero(np.diff(group, prepend=-2))
    middle = (begin + np.append(begin[1:], len(group)) - 1) / 2
    for edge in begin[1:] - 0.5:
        ax.axhline(edge, color="white", linewidth=0.5)
        ax.axvline(edge, color="white", linewidth=0.5)
    is_named = bool((group != UNNAMED).all())
    names = [str(codes.labels[g]) for g in group[begin]] if is_named else []
    ticks = middle if is_named else []
    ax.set_xticks(ticks, names, rotation=90, fontsize=7)
    ax.set_yticks(ticks, names, fontsize=7)
    ax.tick_params(length=0)
    by = ", by behaviour" if is_named else ""
    ax.set(xlabel=f"next code{by}", ylabel=f"code{by}")


def _places(ax: Axes, lie: Shape, heard: Spoken | None, codes: Codes | None) -> None:
    """Draw codes where they spread most, each as large as it is used."""
    places, explained = lie.principal.places, lie.principal.explained
    if places.shape[1] < 2:
        places = np.column_stack([places, np.zeros(len(places))])
        explained = np.append(explained, 0.0)
    frames = np.ones(len(places)) if heard is None else heard.counts.sum(axis=0)
    size = 1.5 + 40 * np.sqrt(frames / frames.max())
    kind, names = _kinds(lie, heard, codes)
    looks = [*zip(names, colours(len(names)), markers(len(names)), strict=True)]
    for number, look in (*enumerate(looks), (UNNAMED, ("others", GREY, "."))):
        is_it = (kind == number) & (frames > 0)
        if is_it.any():
            _dots(ax, places[is_it], size[is_it] / 2, *look)
    unit = [f"component {i + 1} ({explained[i]:.0%} of variance)" for i in range(2)]
    ax.set(xlabel=unit[0], ylabel=unit[1])
    ax.locator_params(nbins=6)
    ax.legend(
        loc="center left",
        bbox_to_anchor=(1, 0.5),
        borderpad=0,
        labelspacing=0.35,
        handletextpad=0.1,
    )


def _kinds(
    lie: Shape, heard: Spoken | None, codes: Codes | None
) -> tuple[IntArray, list[str]]:
    """Say by what codes are told apart: their behaviour, or their cluster (C,)."""
    if heard is not None and codes is not None and (heard.named != UNNAMED).any():
        return heard.named, [str(label) for label in codes.labels]
    shown = min(SHOWN, int(lie.groups.of_code.max()) + 1)
    kind = np.where(lie.groups.of_code < shown, lie.groups.of_code, UNNAMED)
    return kind, [f"cluster {number}" for number in range(shown)]


def _dots(
    ax: Axes, places: Array, size: Array, name: str, colour: str, marker: str
) -> None:
    """Draw the codes of one behaviour; in the legend all are of one size."""
    ax.scatter(
        places[:, 0],
        places[:, 1],
        size,
        color=colour,
        marker=marker,
        linewidths=0.3,
        edgecolors="white",
        alpha=0.85,
    )
    ax.scatter([], [], 16, color=colour, marker=marker, label=name)


def _runs(ax: Axes, heard: Spoken, codes: Codes) -> None:
    """Draw how many runs last how long, beside what no memory would give."""
    ms = 1e3 / codes.rate_hz
    runs = heard.lasting
    ax.step(
        ms * runs.frames, 100 * runs.at_least, where="pre", color=BLUE, label="codes"
    )
    frames = np.arange(1, max(2, runs.longest) + 1)
    stays = 1.0 - 1.0 / runs.mean
    ax.plot(
        ms * frames,
        100 * stays ** (frames - 1.0),
        ":",
        color=GREY,
        label=f"geometric,\nmean {ms * runs.mean:.0f} ms",
    )
    if heard.bouts is not None:
        bouts = heard.bouts
        ax.step(
            ms * bouts.frames,
            100 * bouts.at_least,
            "--",
            where="pre",
            color=ORANGE,
            label="behaviours",
        )
    least = 50 / runs.runs
    ax.set(
        xscale="log",
        yscale="log",
        ylim=(max(least, 1e-3), 130),
        xlabel="duration (ms)",
        ylabel="runs at least as long (%)",
    )
    plain(ax.xaxis, ax.yaxis)
    ax.legend(loc="lower left")


def _nearest(ax: Axes, lie: Shape) -> None:
    """Draw how far each code is from the nearest other."""
    known = lie.nearest[np.isfinite(lie.nearest)]
    ax.hist(known, bins=30, color=BLUE)
    ax.set(xlabel="distance to the nearest code", ylabel="codes")
