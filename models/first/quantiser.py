"""Vector quantisation by moving averages (van den Oord et al. 2017, appendix A.1).

Each code is the sum of the points it won lately over their count, at all times: at the
start, at each update, and when a dead code is revived. A code that was moved without
its sum and count would be put back by the very next update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray


class Codebook(NamedTuple):
    """Codes (C, Z) with what they are made of: codes == sums (C, Z) / counts (C,)."""

    codes: Array
    counts: Array
    sums: Array


class Rates(NamedTuple):
    """How fast codes move, and below which share of a fair load a code is dead."""

    decay: float = 0.99
    dead_below: float = 0.05


class Epoch(NamedTuple):
    """A pass over the points: the codebook after it, its mean loss, codes revived."""

    book: Codebook
    loss: float
    revived: int


def start(
    points: Array, n_codes: int, load: float, rng: np.random.Generator
) -> Codebook:
    """Start at `n_codes` of the points (B, Z), each as if it had won `load` of them."""
    codes = points[rng.choice(len(points), n_codes, replace=False)]
    counts = np.full(n_codes, load)
    return Codebook(codes, counts, codes * counts[:, None])


def assign(codes: Array, points: Array) -> IntArray:
    """Nearest code of each point: codes (C, Z), points (B, Z) -> (B,).

    The point's own square is left out; it does not move the minimum.
    """
    squares = einsum("cz,cz->c", codes, codes)
    nearest: IntArray = (squares - 2.0 * (points @ codes.T)).argmin(axis=1)
    return nearest


def distortion(codes: Array, points: Array, nearest: IntArray) -> float:
    """Mean squared distance between points (B, Z) and their codes."""
    gap = points - codes[nearest]
    return float(einsum("bz,bz->", gap, gap)) / len(points)


def update(book: Codebook, points: Array, nearest: IntArray, decay: float) -> Codebook:
    """Move each code toward the mean of the points (B, Z) it won.

        counts <- decay counts + (1 - decay) n      sums <- decay sums + (1 - decay) s

    A code that won nothing keeps its place: its sum and count shrink alike.
    """
    won = np.bincount(nearest, minlength=len(book.counts))
    gathered = np.zeros_like(book.sums)
    np.add.at(gathered, nearest, points)
    counts = decay * book.counts + (1.0 - decay) * won
    sums = decay * book.sums + (1.0 - decay) * gathered
    return Codebook(sums / counts[:, None], counts, sums)


def dead(book: Codebook, below: float) -> BoolArray:
    """Tell which codes carry less than `below` of the mean load."""
    is_dead: BoolArray = book.counts < below * book.counts.mean()
    return is_dead


def revive(
    book: Codebook, which: BoolArray, points: Array, rng: np.random.Generator
) -> Codebook:
    """Move the codes of `which` (C,) onto points (B, Z), with a mean load each.

    Codes, counts and sums change together, so that the next update keeps them.
    """
    fresh = points[rng.choice(len(points), int(which.sum()))]
    codes, counts, sums = (part.copy() for part in book)
    codes[which] = fresh
    counts[which] = book.counts.mean()
    sums[which] = fresh * book.counts.mean()
    return Codebook(codes, counts, sums)


def epoch(
    book: Codebook, batches: list[Array], rates: Rates, rng: np.random.Generator
) -> Epoch:
    """Go once over the batches, each (B, Z): assign, judge, update, revive."""
    losses, revived = [], 0
    for points in batches:
        nearest = assign(book.codes, points)
        losses.append(distortion(book.codes, points, nearest))
        book = update(book, points, nearest, rates.decay)
        is_dead = dead(book, rates.dead_below)
        book = revive(book, is_dead, points, rng)
        revived += int(is_dead.sum())
    return Epoch(book, float(np.mean(losses)), revived)


def outside(codes: Array, points: Array) -> int:
    """Count the codes (C, Z) that lie outside the box around points (B, Z).

    A mean of points cannot, so one such code means that sums and counts disagree.
    """
    slack = 1e-9 * np.ptp(points, axis=0)
    low, high = points.min(axis=0) - slack, points.max(axis=0) + slack
    return int(((codes < low) | (codes > high)).any(axis=1).sum())
