"""A step of moving averages done again in plain sums, to compare a quantiser with.

    N_c <- max(decay N_c + (1 - decay) n_c, epsilon)
    m_c <- decay m_c + (1 - decay) sum of z over the frames of c,     e_c = m_c / N_c

This is the textbook's form, with the sums kept apart; ours never writes them down. And
codes that were thrown away have come back when they lie among the frames again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.quantisers.health import Evidence
from models.shapes import Array, BoolArray


class Recount(NamedTuple):
    """What a quantiser left, beside what it should have left.

    error: largest |e_c - m_c / N_c| after the last step over the reach of its frames,
    of codes that were not revived in it
    survival: share of the codes thrown away that lie among the frames at the end;
    nan when none was thrown away
    outside (S+1,): codes beyond the farthest frame, before the first step and after
    each
    """

    error: float
    survival: float
    outside: Array


def recount(
    seen: Evidence, *, decay: float, epsilon: float = 1e-5, dead: float = 0.01
) -> Recount:
    """Recount what was seen; `dead` is the share of a mean count that revives a code.

    Raise ValueError where codes or counts were not kept.
    """
    if seen.books is None or seen.counts is None:
        raise ValueError("evidence holds no books or no counts: both are wanted")
    rows = seen.frames.reshape(-1, seen.frames.shape[2]).astype(np.float64)
    middle = rows.mean(axis=0)
    reach = float(np.linalg.norm(rows - middle, axis=1).max())
    is_far = np.linalg.norm(seen.books - middle, axis=2) > reach
    gaps, is_kept = _gaps(seen, decay, epsilon, dead)
    error = float(gaps[is_kept].max(initial=0.0)) / reach
    return Recount(error, _survival(is_far, seen.thrown_at), is_far.sum(axis=1) + 0.0)


def _gaps(
    seen: Evidence, decay: float, epsilon: float, dead: float
) -> tuple[Array, BoolArray]:
    """Distance of each code from its textbook place, and whether it was left alone."""
    assert seen.books is not None
    assert seen.counts is not None
    before, frames = seen.books[-2].astype(np.float64), seen.frames[-1]
    squares = (before**2).sum(axis=1)
    index = (squares - 2.0 * frames @ before.T).argmin(axis=1)
    won = np.bincount(index, minlength=len(before))
    sums = np.zeros_like(before)
    np.add.at(sums, index, frames)
    counts = decay * seen.counts[-2] + (1.0 - decay) * won
    held = decay * seen.counts[-2][:, None] * before + (1.0 - decay) * sums
    places = held / np.maximum(counts, epsilon)[:, None]
    gaps: Array = np.linalg.norm(seen.books[-1] - places, axis=1)
    return gaps, counts >= dead * counts.mean()


def _survival(is_far: BoolArray, thrown_at: int | None) -> float:
    """Share of codes far off before step `thrown_at` that are near at the end."""
    if thrown_at is None or not is_far[thrown_at].any():
        return float("nan")
    return float(1.0 - is_far[-1][is_far[thrown_at]].mean())
