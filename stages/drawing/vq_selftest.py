"""Draw how a quantiser learned, and what became of the codes that were thrown away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.quantisers.health import Evidence
from models.quantisers.recount import Recount
from stages.drawing.style import BLUE, GREY, ORANGE, PAGE, figure, lettered, saved

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(path: Path, seen: Evidence, again: Recount) -> None:
    """Draw what is left unexplained, codes out of reach, and how often each is used."""
    fig = figure(PAGE, 2.1)
    loss, far, use = fig.subplots(1, 3)
    steps = np.arange(1, len(seen.losses) + 1)
    variance = seen.frames.var(axis=(0, 1)).mean()
    loss.plot(steps, 100 * seen.losses / variance, "o-", color=BLUE)
    loss.set(xlabel="training step", ylabel="variance unexplained (%)", ylim=(0, None))
    far.plot(np.arange(len(again.outside)), again.outside, "o-", color=BLUE)
    far.set(
        xlabel="after training step", ylabel="codes beyond the data", ylim=(0, None)
    )
    for ax in (loss, far):
        ax.locator_params(axis="x", integer=True, nbins=6)
        if seen.thrown_at is not None:
            ax.axvline(seen.thrown_at, color=GREY, linestyle=":", linewidth=1)
    _mark(loss, seen.thrown_at)
    _shares(use, seen)
    lettered((loss, far, use))
    saved(path, fig)


def _mark(ax: Axes, thrown_at: int | None) -> None:
    """Say what the dotted line is."""
    if thrown_at is None:
        return
    ax.annotate(
        "half thrown away",
        (thrown_at, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3, -2),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="top",
        color=GREY,
        fontsize=7,
    )


def _shares(ax: Axes, seen: Evidence) -> None:
    """Draw how often each code was taken, commonest first, in two of the steps."""
    for step, look, colour in (("first", "--", ORANGE), ("last", "-", BLUE)):
        wins = np.sort(seen.wins[0 if step == "first" else -1])[::-1]
        rank = np.arange(1, len(wins) + 1)
        ax.plot(rank, wins, look, color=colour, label=f"{step} step")
    ax.set(xlabel="code, commonest first", ylabel="frames in a batch", ylim=(0, None))
    ax.legend()
