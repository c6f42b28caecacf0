"""The definitions in plain Python, one frame at a time: what ours must equal."""

from __future__ import annotations

import math
from collections.abc import Sequence

Rows = Sequence[Sequence[float]]


def confidence(row: Sequence[float]) -> tuple[float, int]:
    """The largest probability, and the first class that has it."""
    top = max(row)
    return top, list(row).index(top)


def bin_of(value: float, n_bins: int) -> int:
    """The bin [m / n, (m + 1) / n) that holds a value; the last holds 1 too."""
    return min(math.floor(value * n_bins), n_bins - 1)


def gaps(
    values: Sequence[float], hits: Sequence[bool], places: Sequence[int]
) -> list[tuple[float, float]]:
    """Weight and |mean value - share of hits| of each bin that is used."""
    found = []
    for m in sorted(set(places)):
        mine = [i for i, place in enumerate(places) if place == m]
        mean = math.fsum(values[i] for i in mine) / len(mine)
        share = sum(hits[i] for i in mine) / len(mine)
        found.append((len(mine) / len(values), abs(mean - share)))
    return found


def ece(probs: Rows, labels: Sequence[int], n_bins: int) -> float:
    """Expected calibration error, by its definition."""
    return math.fsum(w * g for w, g in _of_predictions(probs, labels, n_bins))


def mce(probs: Rows, labels: Sequence[int], n_bins: int) -> float:
    """Maximum calibration error, by its definition."""
    return max(g for _, g in _of_predictions(probs, labels, n_bins))


def _of_predictions(
    probs: Rows, labels: Sequence[int], n_bins: int
) -> list[tuple[float, float]]:
    seen = [confidence(row) for row in probs]
    hits = [k == label for (_, k), label in zip(seen, labels, strict=True)]
    values = [top for top, _ in seen]
    return gaps(values, hits, [bin_of(top, n_bins) for top in values])


def classwise(probs: Rows, labels: Sequence[int], n_bins: int) -> float:
    """Mean over classes of the error of that class's probability."""
    n_classes = len(probs[0])
    total = 0.0
    for k in range(n_classes):
        values = [row[k] for row in probs]
        hits = [label == k for label in labels]
        places = [bin_of(value, n_bins) for value in values]
        total += math.fsum(w * g for w, g in gaps(values, hits, places))
    return total / n_classes


def brier(probs: Rows, labels: Sequence[int]) -> float:
    """Mean squared error against the one-hot label."""
    return math.fsum(
        (p - (k == label)) ** 2
        for row, label in zip(probs, labels, strict=True)
        for k, p in enumerate(row)
    ) / len(labels)


def adaptive_score(row: Sequence[float], k: int, share: float) -> float:
    """Mass of the classes before k, and a share of its own; equals rank by number."""
    before = [p for j, p in enumerate(row) if p > row[k] or (p == row[k] and j < k)]
    return math.fsum(before) + share * row[k]


def rank(row: Sequence[float], k: int) -> int:
    """Place of class k in falling order, from 1."""
    return 1 + sum(p > row[k] or (p == row[k] and j < k) for j, p in enumerate(row))


def entropy(row: Sequence[float]) -> float:
    """Entropy in nats, where 0 log 0 is 0."""
    return -math.fsum(p * math.log(p) for p in row if p > 0.0)
