"""Found states against what was done: unnamed, named elsewhere, and where they change.

States are named on the recordings that were sampled over and judged on others. Frames
without a label count nowhere, and a change across them is none.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import agreement, changes
from models.hsmm.changes import ChangeScore

if TYPE_CHECKING:
    from models.shapes import Array, IntArray
    from stages.sampling.spelling import Spelt

# Besides three steps of the model: one code frame's worth, and what ethologists allow.
TOLERANCES_S = (0.03, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
# Bouts without which a mean duration says little.
LEAST_BOUTS = 5
RESAMPLED = 500
LEVEL = 0.9


class Interval(NamedTuple):
    """A number, and the central nine tenths of it over resampled recordings."""

    value: float
    low: float
    high: float


class Compared(NamedTuple):
    """Labelled stretches of R recordings, as found and as done, in code frames.

    counts (R, J, K): frames by state and label
    found, true: for each recording its labelled stretches
    """

    counts: IntArray
    found: tuple[tuple[IntArray, ...], ...]
    true: tuple[tuple[IntArray, ...], ...]

    @property
    def together(self) -> IntArray:
        """Counts (J, K) of all recordings."""
        summed: IntArray = self.counts.sum(axis=0)
        return summed

    @property
    def is_labelled(self) -> bool:
        """Tell whether any frame is."""
        return bool(self.counts.any())


def compared(
    found: IntArray, truth: IntArray, n_states: int, n_labels: int
) -> Compared:
    """Lay found states (R, T) beside truth (R, T), either -1 where there is none."""
    counts, ours, theirs = [], [], []
    for row, own in zip(found, truth, strict=True):
        known = (row >= 0) & (own >= 0)
        counts.append(agreement.joint(row[known], own[known], n_states, n_labels))
        edges = np.flatnonzero(np.diff(np.concatenate([[0], known, [0]])))
        spans = [slice(a, b) for a, b in edges.reshape(-1, 2)]
        ours.append(tuple(row[span] for span in spans))
        theirs.append(tuple(own[span] for span in spans))
    return Compared(np.stack(counts), tuple(ours), tuple(theirs))


def nmi(of: Compared, rng: np.random.Generator) -> Interval:
    """Normalised mutual information, with its interval over recordings."""
    return resampled(
        len(of.counts), lambda rows: agreement.nmi(of.counts[rows].sum(axis=0)), rng
    )


def change_f1(of: Compared, tolerance: int, rng: np.random.Generator) -> Interval:
    """F1 of change points within `tolerance` code frames, each used once."""
    parts = [
        changes.change_score(found, true, tolerance)
        for found, true in zip(of.found, of.true, strict=True)
    ]
    table = np.array(parts, dtype=np.int64)
    return resampled(
        len(table), lambda rows: ChangeScore(*table[rows].sum(axis=0).tolist()).f1, rng
    )


def change_table(of: Compared, rate_hz: float) -> list[dict[str, float]]:
    """Give precision, recall and F1 for each tolerance."""
    found = [stretch for row in of.found for stretch in row]
    true = [stretch for row in of.true for stretch in row]
    rows = []
    for tolerance_s in TOLERANCES_S:
        scored = changes.change_score(found, true, round(tolerance_s * rate_hz))
        rows.append(
            {
                "tolerance_s": tolerance_s,
                "f1": scored.f1,
                "precision": scored.precision,
                "recall": scored.recall,
                "found": scored.found,
                "true": scored.true,
            }
        )
    return rows


def durations(
    of: Compared, named: IntArray, n_labels: int
) -> list[tuple[Array, Array]]:
    """Frames that whole bouts of each label last: as found under its name, as done.

    A bout that begins or ends with its stretch is not whole.
    """
    as_found: list[list[int]] = [[] for _ in range(n_labels)]
    as_true: list[list[int]] = [[] for _ in range(n_labels)]
    for row in zip(of.found, of.true, strict=True):
        for found, true in zip(*row, strict=True):
            _add_whole(named[found], as_found)
            _add_whole(true, as_true)
    return [
        (np.array(f, dtype=np.float64), np.array(t, dtype=np.float64))
        for f, t in zip(as_found, as_true, strict=True)
    ]


def lasting(
    bouts: list[tuple[Array, Array]], labels: list[str], rate_hz: float
) -> list[dict[str, float | str | None]]:
    """Describe the bouts of each label in seconds, and by how much means differ.

    The error is None where either side has fewer than LEAST_BOUTS.
    """
    rows: list[dict[str, float | str | None]] = []
    for name, (found, true) in zip(labels, bouts, strict=True):
        enough = min(len(found), len(true)) >= LEAST_BOUTS
        rows.append(
            {
                "behaviour": name,
                "bouts_found": len(found),
                "bouts_true": len(true),
                "mean_found_s": float(found.mean() / rate_hz) if len(found) else None,
                "mean_true_s": float(true.mean() / rate_hz) if len(true) else None,
                "error": float(found.mean() / true.mean() - 1.0) if enough else None,
            }
        )
    return rows


def mean_error(rows: list[dict[str, float | str | None]]) -> float:
    """Mean over behaviours of how far mean durations are off; nan for none."""
    errors = [abs(float(row["error"])) for row in rows if row["error"] is not None]
    return float(np.mean(errors)) if errors else float("nan")


def named_codes(read: Spelt) -> dict[str, float] | None:
    """Judge what labels would make of single codes: an outlook, and no part of the fit.

    Each code is named by its commonest label on the recordings sampled over.
    """
    codes, truth = read.codes.codes.astype(np.int64), read.codes.truth.astype(np.int64)
    tables = []
    for rows in (read.seen, read.judged):
        known = (truth[rows] >= 0) & (codes[rows] >= 0)
        pair = codes[rows][known], truth[rows][known]
        sizes = read.codes.n_codes, len(read.codes.labels)
        tables.append(agreement.joint(*pair, *sizes))
    own, other = tables
    if not own.any():
        return None
    name = agreement.commonest(own)
    merged = np.zeros((other.shape[1] + 1, other.shape[1]), dtype=np.int64)
    np.add.at(merged, name, other)
    return {
        "accuracy": agreement.share_right(other, name),
        "nmi": agreement.nmi(merged),
    }


def _add_whole(labels: IntArray, to: list[list[int]]) -> None:
    """Add the length of each whole bout of labels (T,) to its label's."""
    at = changes.change_points(labels)
    for begin, end in pairwise(at):
        if labels[begin] >= 0:
            to[int(labels[begin])].append(int(end - begin))


def resampled(
    n_rows: int, value: Callable[[IntArray], float], rng: np.random.Generator
) -> Interval:
    """Judge resampled recordings: those without any label leave the draw as it is."""
    every = np.arange(n_rows)
    drawn = []
    for _ in range(RESAMPLED):
        try:
            drawn.append(value(rng.choice(every, n_rows)))
        except ValueError:  # no frame of theirs is labelled
            continue
    tail = 0.5 * (1.0 - LEVEL)
    low, high = np.quantile(drawn or [value(every)], [tail, 1.0 - tail])
    return Interval(float(value(every)), float(low), float(high))
