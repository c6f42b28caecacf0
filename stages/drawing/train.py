"""Draw how the network learned, and what it takes for what."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.shapes import IntArray
from stages.drawing.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PAGE,
    PURPLE,
    VERMILION,
    figure,
    lettered,
    saved,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from models.synthetic.limit import Limit
    from models.training.learner import Epoch

PARTS = (
    ("window", "-", BLUE),
    ("frames", "--", ORANGE),
    ("reconstruction", "-.", GREEN),
    ("quantiser", ":", PURPLE),
)


def curves(
    path: Path, epochs: Sequence[Epoch], opening: int, best: int, bound: Limit | None
) -> None:
    """Draw the parts of the loss, validation accuracy beside its limit, perplexity."""
    fig = figure(PAGE, 2.3)
    losses, accuracy, perplexity = fig.subplots(1, 3)
    numbers = [each.number for each in epochs]
    for name, line, colour in PARTS:
        # What is not there yet has no place on a logarithmic axis.
        values = [getattr(each.means, name) or np.nan for each in epochs]
        losses.plot(numbers, values, line, color=colour, label=name)
    losses.set(ylabel="training loss, by part", yscale="log")
    _plain_numbers(losses)
    losses.legend()
    _accuracy(accuracy, epochs, bound)
    codes = [each for each in epochs if each.number > opening]
    values = [each.grade.perplexity for each in codes]
    perplexity.plot([each.number for each in codes], values, "o-", color=BLUE)
    top = 1.1 * max(values, default=1.0)
    perplexity.set(ylabel="validation perplexity", ylim=(0, top))
    for ax in (losses, accuracy, perplexity):
        _epochs(ax, numbers, opening, best)
    _explain(perplexity, opening, best)
    lettered((losses, accuracy, perplexity))
    saved(path, fig)


def _explain(ax: Axes, opening: int, best: int) -> None:
    """Say once what grey and the dotted line mean in all panels."""
    if opening:
        _upright(ax, 0.5 + opening / 2, "no codes yet", "center")
    _upright(ax, best, "kept ", "right")


def _upright(ax: Axes, at: float, said: str, side: str) -> None:
    """Write upwards at an epoch, above the axis."""
    ax.annotate(
        said,
        (at, 0.04),
        xycoords=("data", "axes fraction"),
        rotation=90,
        ha=side,
        va="bottom",
        fontsize=7,
    )


def _accuracy(ax: Axes, epochs: Sequence[Epoch], bound: Limit | None) -> None:
    """Draw the validation accuracy of windows and frames."""
    numbers = [each.number for each in epochs]
    for field, name, line, colour in (
        ("accuracy", "windows", "o-", BLUE),
        ("frames", "frames", "s--", ORANGE),
    ):
        values = [100 * getattr(each.grade, field) for each in epochs]
        ax.plot(numbers, values, line, color=colour, label=name)
    if bound is not None:
        ax.axhline(100 * bound.windows.value, color=BLACK, linewidth=0.8)
        ax.annotate(
            "Bayes limit",
            (1, 100 * bound.windows.value),
            xycoords=("axes fraction", "data"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7,
        )
    ax.set(ylabel="validation accuracy (%)", ylim=(None, 102))
    ax.legend(loc="lower right")


def _epochs(ax: Axes, numbers: Sequence[int], opening: int, best: int) -> None:
    """Label the axis of epochs; mark where codes begin and which epoch was kept."""
    ax.set_xlabel("epoch")
    ax.set_xlim(0.5, max(numbers) + 0.5)
    ax.locator_params(axis="x", integer=True, nbins=6)
    if 0 < opening < max(numbers):
        ax.axvspan(0.5, opening + 0.5, color=GREY, alpha=0.15, linewidth=0)
    ax.axvline(best, color=VERMILION, linewidth=0.8, linestyle=":")


def _plain_numbers(ax: Axes) -> None:
    """Write the numbers of a logarithmic axis out, at 1, 2 and 5."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def mistaken(path: Path, counts: IntArray, labels: Sequence[str]) -> None:
    """Draw counts (K, K) of windows by label and prediction, shares of each label."""
    k = len(labels)
    size = min(PAGE, 1.6 + 0.36 * k)
    fig = figure(size, 0.86 * size)
    ax = fig.subplots()
    total = counts.sum(axis=1, keepdims=True)
    shares = 100 * counts / np.maximum(total, 1)
    image = ax.imshow(shares, vmin=0, vmax=100, cmap="Blues")
    for row, column in np.ndindex(k, k):
        if counts[row, column]:
            _cell(ax, row, column, shares[row, column], int(counts[row, column]))
    names = [f"{name} ({n})" for name, n in zip(labels, total[:, 0], strict=True)]
    ax.set_xticks(range(k), labels, rotation=45, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(k), names)
    ax.set(xlabel="predicted", ylabel="true (windows)")
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    bar = fig.colorbar(image, ax=ax, shrink=0.8)
    bar.set_label("share of true windows (%)")
    saved(path, fig)


def _cell(ax: Axes, row: int, column: int, share: float, count: int) -> None:
    """Write the share of a cell, and the count below it."""
    said = f"{share:.0f}" if share >= 0.5 else "<1"
    ax.text(
        column,
        row,
        f"{said}\n{count}",
        ha="center",
        va="center",
        fontsize=5.5,
        linespacing=1.1,
        color="white" if share > 55 else BLACK,
    )
