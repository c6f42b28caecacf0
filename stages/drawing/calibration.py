"""Draw whether probabilities mean what they say, before and after a temperature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.calibration import temperature
from models.calibration.interval import Measures
from models.calibration.reliability import Diagram
from models.calibration.sets import Outcome
from models.calibration.uncertainty import entropy
from models.shapes import Array
from stages.drawing.style import (
    BLUE,
    COLUMN,
    GREY,
    ORANGE,
    PAGE,
    PALE,
    figure,
    lettered,
    plain,
    saved,
)
from stages.judging.judged import RAW, WARM, Judged

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMES = {
    "lac": "LAC",
    "aps": "APS",
    "by_class": "LAC by class",
    "by_subject": "LAC by subject",
}
SHOWN = 0.05
Look = tuple[str, str]
FIRST: Look = ("--", ORANGE)
SECOND: Look = ("-", BLUE)


def draw_reliability(path: Path, judged: Judged, _wanted: float) -> None:
    """Draw how often windows of each confidence are right, with their number below."""
    fig = figure(PAGE, 3.3)
    axes = fig.subplots(2, 2, sharex=True, height_ratios=(4, 1))
    columns = (
        (judged.before, judged.reports[RAW].ece, "before"),
        (judged.after, judged.reports[WARM].ece, "after"),
    )
    for (above, below), (diagram, error, name) in zip(axes.T, columns, strict=True):
        interval = f"{error.low:.3f} to {error.high:.3f}"
        _diagram(above, diagram, f"{name}: ECE {error.value:.3f}, 95% {interval}")
        width = np.diff(diagram.edges)
        below.bar(diagram.edges[:-1], diagram.frames, width, align="edge", color=GREY)
        # One window in a bin is to be seen beside thousands.
        below.set(xlabel="confidence", xlim=(0, 1.02), yscale="log")
        below.set_ylim(0.6, 2.0 * max(5, int(diagram.frames.max())))
        plain(below.yaxis)
    axes[0, 0].set_ylabel("share right")
    axes[0, 0].legend(loc="lower right")
    axes[1, 0].set_ylabel("windows")
    lettered(axes[0])
    saved(path, fig)


def _diagram(ax: Axes, diagram: Diagram, title: str) -> None:
    """Draw one diagram: share right with its interval, against mean confidence."""
    is_there = diagram.frames > 0
    right = Measures(*(part[is_there] for part in diagram.accuracy))
    sure = diagram.confidence[is_there]
    ax.plot([0, 1], [0, 1], ":", color=GREY, linewidth=0.8, label="as sure as right")
    ax.vlines(sure, sure, right.value, ORANGE, linewidth=3, alpha=0.5, label="gap")
    name = "with 95% interval"
    _dots(ax, sure, right, name)
    ax.set(ylim=(0, 1.02))
    ax.set_title(title, fontsize=8)


def _dots(ax: Axes, at: Array, measures: Measures, name: str | None = None) -> None:
    """Draw measures (K,) at their places (K,), each with its interval."""
    below, above = measures.value - measures.low, measures.high - measures.value
    bars = np.maximum(np.stack([below, above]), 0.0)
    ax.errorbar(
        at, measures.value, bars, fmt="o", color=BLUE, elinewidth=0.9, label=name
    )


def draw_confidence(path: Path, judged: Judged, _wanted: float) -> None:
    """Draw how sure the model is, and how much is open where it is right and wrong."""
    fig = figure(PAGE, 2.3)
    sure, open_ = fig.subplots(1, 2)
    _confidence(sure, dict(zip(("before", "after"), judged.confidence, strict=True)))
    bins = np.linspace(0.0, max(float(judged.entropy.max()), 1e-3), 25)
    for is_it, look, name in (
        (judged.is_right, SECOND, "right"),
        (~judged.is_right, FIRST, "wrong"),
    ):
        _shares(open_, judged.entropy[is_it], bins, f"{name} ({is_it.sum()})", look)
    open_.set(
        xlabel="entropy after temperature (nats)", ylabel="share of right, of wrong (%)"
    )
    open_.legend()
    lettered((sure, open_))
    saved(path, fig)


def unjudged(path: Path, logits: Array, warmth: float) -> None:
    """Draw how sure the model is of windows (N, K) of which no truth is known."""
    fig = figure(PAGE, 2.3)
    sure, open_ = fig.subplots(1, 2)
    probs = temperature.scaled(logits, warmth)
    both = {"before": temperature.scaled(logits, 1.0), "after": probs}
    _confidence(sure, {name: one.max(axis=1) for name, one in both.items()})
    found = entropy(probs)
    bins = np.linspace(0.0, max(float(found.max()), 1e-3), 25)
    _shares(open_, found, bins, "truth not known", SECOND)
    open_.set(xlabel="entropy after temperature (nats)", ylabel="share of windows (%)")
    open_.legend()
    lettered((sure, open_))
    saved(path, fig)


def _confidence(ax: Axes, sure: Mapping[str, Array]) -> None:
    """Draw histograms of confidence, before and after."""
    bins = np.linspace(0.0, 1.0, 26)
    _shares(ax, sure["before"], bins, "before", FIRST)
    _shares(ax, sure["after"], bins, "after temperature", SECOND)
    ax.set(xlabel="confidence", ylabel="share of windows (%)", xlim=(0, 1))
    ax.legend(loc="upper left")


def _shares(ax: Axes, values: Array, bins: Array, name: str, look: Look) -> None:
    """Draw a histogram as a line, in per cent of its own windows."""
    if not len(values):
        return
    share = 100 * np.histogram(values, bins)[0] / len(values)
    line, colour = look
    above = 3 if line == "--" else 2  # dashes, where two lines are one
    ax.stairs(
        share,
        bins,
        label=name,
        linestyle=line,
        color=colour,
        linewidth=1.2,
        zorder=above,
    )


def draw_conformal(path: Path, judged: Judged, wanted: float) -> None:
    """Draw how often sets hold the truth, how large they are, and for whom."""
    if not judged.sets:
        _said(path, "no conformal sets: there was nothing to fit on")
        return
    fig = figure(PAGE, 2.6)
    coverage, size, subjects = fig.subplots(1, 3, width_ratios=(1, 1, 1.4))
    # Sets of every class, of which there were too few subjects to fit, say nothing.
    told = {NAMES[m]: o for m, o in judged.sets.items() if o.sizes[-1] < o.sizes.sum()}
    _measures(coverage, [100 * np.array(o.coverage) for o in told.values()], list(told))
    _measures(size, [np.array(o.size) for o in told.values()], list(told))
    coverage.axvline(100 * wanted, color=GREY, linestyle=":", linewidth=0.8)
    coverage.annotate(
        "asked for",
        (100 * wanted, 0.5),
        xycoords=("data", "axes fraction"),
        xytext=(2, 0),
        textcoords="offset points",
        rotation=90,
        va="center",
        color=GREY,
        fontsize=7,
    )
    coverage.set(xlabel="windows covered (%)")
    coverage.locator_params(axis="x", nbins=4, integer=True)
    size.set(xlabel="classes in a set", xlim=(0, None))
    size.set_yticklabels([])
    _subjects(subjects, judged.sets["lac"], wanted)
    lettered((coverage, size, subjects))
    saved(path, fig)


def _said(path: Path, sentence: str) -> None:
    """Say in the place of a figure why there is none."""
    fig = figure(COLUMN, 0.6)
    fig.text(0.5, 0.5, sentence, ha="center", va="center")
    saved(path, fig)


def _measures(ax: Axes, rows: list[Array], names: list[str]) -> None:
    """Draw measures under each other, each with its interval."""
    at = np.arange(len(rows))
    value, low, high = np.stack(rows).T
    bars = np.maximum(np.stack([value - low, high - value]), 0.0)
    ax.errorbar(value, at, xerr=bars, fmt="o", color=BLUE, elinewidth=0.9)
    ax.set_yticks(at, names)
    ax.set(ylim=(len(rows) - 0.5, -0.5))


def _subjects(ax: Axes, outcome: Outcome, wanted: float) -> None:
    """Draw the coverage of each subject, the worst first."""
    shares = outcome.by_subject
    order = np.argsort(shares.value, kind="stable")
    ordered = Measures(*(100 * part[order] for part in shares))
    _dots(ax, np.linspace(1, len(order), len(order)), ordered)
    ax.axhline(100 * wanted, color=GREY, linestyle=":", linewidth=0.8)
    place = (0.99, 100 * wanted)
    ax.annotate(
        "asked for",
        place,
        xycoords=("axes fraction", "data"),
        xytext=(0, -2),
        textcoords="offset points",
        ha="right",
        va="top",
        color=GREY,
        fontsize=7,
    )
    ax.set(xlabel="unseen subject, worst first", ylabel="windows covered, LAC (%)")
    ax.set_xlim(0.5, len(order) + 0.5)
    ax.locator_params(axis="x", integer=True)


def draw_selective(path: Path, judged: Judged, _wanted: float) -> None:
    """Draw the share of wrong windows among those that the model is surest of."""
    found = judged.selective
    fig = figure(COLUMN, 2.4)
    ax = fig.subplots()
    # Among a handful of windows there is hardly a share.
    shown = found.coverage >= min(SHOWN, float(found.coverage[-1]))
    offered, risk = 100 * found.coverage[shown], 100 * np.stack(found.risk)[:, shown]
    _band(ax, offered, risk)
    ax.plot(offered, risk[0], color=BLUE, label="by confidence")
    wrong = float(found.risk.value[-1])
    shares = np.linspace(0.0, 1.0, 201)[1:]
    best = np.maximum(shares - (1.0 - wrong), 0.0) / shares
    ax.plot(100 * shares, 100 * best, ":", color=GREY, label="best order there is")
    ax.set(
        xlabel="windows offered (%), surest first",
        ylabel="wrong among them (%)",
        xlim=(0, 100),
        ylim=(0, None),
    )
    ax.legend(loc="lower left", bbox_to_anchor=(-0.05, 1.0), ncols=2)
    saved(path, fig)


def _band(ax: Axes, offered: Array, risk: Array) -> None:
    """Draw intervals of risks (3, M), otherwise where nothing is wrong at all.

    There only as many windows count as there are subjects, for nobody knows how alike
    a subject's windows would err; from the first that is wrong on it is measured.
    """
    value, low, high = risk
    is_none = value == 0.0
    first = int(is_none.argmin()) if not is_none.all() else len(value)
    if first < len(value):
        ax.fill_between(
            offered[first:],
            low[first:],
            high[first:],
            color=PALE,
            linewidth=0,
            label="95% interval",
        )
    if first:
        ax.plot(
            offered[:first],
            high[:first],
            "--",
            color=GREY,
            linewidth=0.8,
            label="95% bound, none wrong",
        )


FIGURES: Mapping[str, Callable[[Path, Judged, float], None]] = {
    "reliability.png": draw_reliability,
    "confidence.png": draw_confidence,
    "conformal.png": draw_conformal,
    "selective.png": draw_selective,
}
