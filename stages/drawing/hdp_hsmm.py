"""Draw states that were found: beside what was done, how long, how sure, how met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.shapes import Array, IntArray
from stages.drawing.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PAGE,
    PALE,
    VERMILION,
    colours,
    figure,
    lettered,
    saved,
)
from stages.sampling.agreeing import Interval
from stages.sampling.convergence import MET, Met
from stages.sampling.decoding import Decoded, Named
from stages.sampling.spelling import Spelt
from stages.sampling.weighing import Weighed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 4
SPAN_S = 60.0
WORDED_S = 3.0  # a shorter run has no room for its word
COLUMNS = 5
TRUE, FOUND = (BLACK, "--"), (BLUE, "-")
MODELS = ("bag", "hmm", "hsmm")
CALLED = ("bag of words", "Markov (HMM)", "semi-Markov (HDP-HSMM)")


def raster(path: Path, found: Decoded, names: Named, read: Spelt) -> None:
    """Draw what was found above what was done, for some recordings that were judged.

    Where no state has a name, states are told by their numbers, and alone.
    """
    rows = np.flatnonzero(read.judged)[:SHOWN]
    is_named = bool((names.commonest >= 0).any())
    labels = [str(label) for label in read.codes.labels]
    if not is_named:
        labels = [f"state {j}" for j in range(found.n_states)]
    called = names.commonest if is_named else np.arange(found.n_states)
    fig = figure(PAGE, 0.9 + 0.62 * len(rows))
    axes = fig.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
    kinds, rate = [*colours(len(labels)), PALE], read.codes.rate_hz
    shown: set[int] = set()
    for ax, row in zip(axes, rows, strict=True):
        n_frames = min(int(read.codes.lengths[row]), round(SPAN_S * rate))
        states = found.states[row][:n_frames]
        words = [*labels, ""]
        shown |= _ribbon(ax, 1.0, states, called[states], kinds, rate, words)
        done = read.codes.truth[row][:n_frames]
        if is_named:
            did = np.where(done < 0, -2, done)
            shown |= _ribbon(ax, 0.0, done, did, kinds, rate, words)
        ax.set(yticks=(0.4, 1.4), yticklabels=("done", "found"), ylim=(-0.1, 1.9))
        ax.set_title(str(read.codes.subject[row]), loc="left", pad=2)
        ax.set_xlim(0.0, n_frames / rate)
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        if not is_named:
            ax.set(yticks=(1.4,), yticklabels=("found",), ylim=(0.9, 1.9))
    axes[-1].set_xlabel("time (s)")
    _legend(axes[0], [*labels, "unnamed"], kinds, shown)
    saved(path, fig)


def _ribbon(
    ax: Axes,
    low: float,
    labels: IntArray,
    called: IntArray,
    kinds: list[str],
    rate_hz: float,
    words: list[str],
) -> set[int]:
    """Draw runs of labels, parted by thin lines; give what they were called.

    What is called -2 is left out. A long run says its word: not colour alone.
    """
    edges = np.flatnonzero(np.diff(labels)) + 1
    for begin, end in zip(
        np.append(0, edges), np.append(edges, len(labels)), strict=True
    ):
        if called[begin] < -1:
            continue
        ax.broken_barh(
            [(begin / rate_hz, (end - begin) / rate_hz)],
            (low, 0.8),
            facecolors=kinds[called[begin]],
            edgecolors="white",
            linewidth=0.4,
        )
        if end - begin >= WORDED_S * rate_hz:
            middle = 0.5 * (begin + end) / rate_hz
            _word(ax, middle, low + 0.38, words[called[begin]])
    return {int(kind) for kind in called if kind >= -1}


def _word(ax: Axes, x: float, y: float, word: str) -> None:
    ax.text(x, y, word, ha="center", va="center", fontsize=5.5, color="white")


def _legend(ax: Axes, labels: list[str], kinds: list[str], shown: set[int]) -> None:
    """Say which colour is which, of those that are there; -1 is the last."""
    from matplotlib.patches import Patch

    order = sorted(shown, key=lambda kind: kind if kind >= 0 else len(kinds))
    handles = [Patch(color=kinds[kind], label=labels[kind]) for kind in order]
    ax.figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(6, len(handles)),
        handlelength=1.0,
    )


def durations(
    path: Path, bouts: list[tuple[Array, Array]], labels: list[str], rate_hz: float
) -> None:
    """Draw the share of whole bouts that last longer, found and true, by behaviour."""
    n_rows = -(-len(labels) // COLUMNS)
    fig = figure(PAGE, 0.5 + 1.35 * n_rows)
    axes = fig.subplots(n_rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    longest = max([1.0, *(x.max() / rate_hz for pair in bouts for x in pair if len(x))])
    for ax, label, pair in zip(axes.flat, labels, bouts, strict=False):
        found, true = pair
        _surviving(ax, true / rate_hz, *TRUE)
        _surviving(ax, found / rate_hz, *FOUND)
        ax.set(xlim=(0.0, longest), ylim=(0.0, 1.03))
        ax.set_title(f"{label} ({len(true)} / {len(found)})", fontsize=8)
    for ax in list(axes.flat)[len(labels) :]:
        ax.set_axis_off()
    _lines(axes[0, 0])
    fig.supxlabel("duration (s)", fontsize=8)
    fig.supylabel("share of bouts that last longer", fontsize=8)
    saved(path, fig)


def _lines(ax: Axes) -> None:
    """Say which line is which, drawn here or not."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label="true"), Line2D([], [], label="found")]
    for handle, (colour, line) in zip(handles, (TRUE, FOUND), strict=True):
        handle.set(color=colour, linestyle=line)
    title = "bouts\n(true / found)"
    ax.legend(handles=handles, loc="upper right", title=title, title_fontsize=7)


def _surviving(ax: Axes, lasting: Array, colour: str, line: str) -> None:
    """Draw the survival of durations, in seconds; nothing of none."""
    if not len(lasting):
        return
    at = np.concatenate([[0.0], np.sort(lasting)])
    left = 1.0 - np.arange(len(at)) / len(lasting)
    ax.step(at, left, where="post", color=colour, linestyle=line)


def evidence(
    path: Path, nats: Weighed, told: dict[str, Interval], *, is_held_out: bool
) -> None:
    """Draw nats a step of three models, and of each recording beside them."""
    fig = figure(PAGE, 2.0)
    whole, apart = fig.subplots(1, 2)
    for at, model in enumerate(MODELS):
        own = told[model]
        single = getattr(nats, model) / nats.steps
        spread = at + np.linspace(-0.18, 0.18, len(single))
        whole.plot(single, spread, ".", color=GREY, markersize=3)
        _error(whole, own, at, BLUE)
    whole.set(yticks=range(len(MODELS)), yticklabels=CALLED, ylim=(-0.5, 2.5))
    told_of = "held out" if is_held_out else "of those sampled over"
    whole.set_xlabel(f"log evidence, {told_of} (nats a step)")
    over = (nats.hsmm - nats.hmm) / nats.steps
    apart.plot(np.sort(over), np.arange(1, len(over) + 1), "o", color=GREEN)
    apart.axvline(0.0, color=BLACK, linewidth=0.6)
    own = told["hsmm_over_hmm"]
    apart.axvspan(own.low, own.high, color=PALE, zorder=0, label="95% interval")
    apart.axvline(own.value, color=GREEN, linestyle="--", label="mean")
    apart.legend(loc="upper left")
    apart.set(
        xlabel="semi-Markov over Markov (nats a step)",
        ylabel="recording, sorted",
        ylim=(0, len(over) + 1),
    )
    apart.locator_params(axis="x", nbins=5)
    apart.locator_params(axis="y", integer=True, nbins=6)
    lettered((whole, apart))
    saved(path, fig)


def _error(ax: Axes, own: Interval, at: float, colour: str) -> None:
    low, high = max(own.value - own.low, 0.0), max(own.high - own.value, 0.0)
    ax.errorbar(
        [own.value], [at], xerr=[[low], [high]], fmt="o", color=colour, capsize=2
    )


def convergence(path: Path, traces: dict[str, Array], met: Met) -> None:
    """Draw what chains did sweep by sweep; what was kept is the half not shaded."""
    fig = figure(PAGE, 2.0)
    axes = fig.subplots(1, 3)
    for ax, (name, label) in zip(axes, _TRACED.items(), strict=True):
        each = traces[name]
        n_chains, n_sweeps = each.shape
        for trace, colour in zip(each, colours(n_chains), strict=True):
            ax.plot(np.arange(1, n_sweeps + 1), trace, color=colour, linewidth=0.9)
        later = each[:, n_sweeps // 2 :]
        spread = max(float(np.ptp(later)), 1e-3 * float(np.abs(later).max()), 0.5)
        low, high = later.min() - 1.5 * spread, later.max() + 0.7 * spread
        ax.set_ylim(max(0.0, low) if later.min() >= 0.0 else low, high)
        ax.axvspan(0.5, n_sweeps // 2 + 0.5, color=PALE, alpha=0.6, zorder=0)
        ax.locator_params(integer=True, nbins=6)
        ax.set(xlabel="sweep", ylabel=label, xlim=(0.5, n_sweeps + 0.5))
        r_hat = met.each[name]
        colour = BLACK if r_hat <= MET else VERMILION
        said = f"R-hat {r_hat:.3f} (met: {MET:g})"
        ax.set_title(said, loc="right", color=colour, fontsize=7.5)
    said, within = f"{n_chains} chains; shaded: not kept", axes[0].transAxes
    axes[0].text(0.02, 0.03, said, transform=within, fontsize=7, color=GREY)
    lettered(axes)
    saved(path, fig)


_TRACED = {
    "log_evidence": "log evidence (nats)",
    "occupied": "states in use",
    "top": "concentration of states",
}
