"""Where the best paths from both ends of a record meet: the segment in its middle.

A record of T frames is cut at m. The best path either has a boundary there, or one
segment that begins e frames before m and ends l frames after it:

    max over e, l, k of  starts[m-e, k] + lik(m-e .. m+l, k) + d[e+l, k] + after[m+l, k]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.hsmm.edges import Weights
    from models.shapes import Array


class Half(NamedTuple):
    """One half of one record, from its end inwards: ends, starts (t+1, K), gain (t, K).

    `first` (D, K) weighs the segment at its own end of the record.
    """

    ends: Array
    starts: Array
    gain: Array
    first: Array


class Middle(NamedTuple):
    """The segment around the cut: its state, frames before and after, and log weight.

    Without frames on a side it ends, or begins, at the cut: that side is not decided.
    """

    state: int
    before: int
    after: int
    score: float


def meet(weight: Weights, left: Half, right: Half) -> Middle:
    """Find the best segment that covers the cut, from one frame before it at least.

    Both halves have frames. Of equals, the one that began last is taken, then the one
    that ends first, then the lowest state.
    """
    n_durations = len(weight.inner)
    began = _open(left, n_durations)
    ended = _open(right, n_durations)
    # A boundary at the cut: the state before it, with the best of what may follow.
    turn = left.ends[-1] + right.starts[-1]
    best = Middle(int(turn.argmax()), 0, 0, float(turn.max()))
    for before in range(1, len(began)):
        reach = min(len(ended), n_durations - before + 1)
        law = weight.inner[before : before + reach - 1] + ended[1:reach]
        values = law + began[before]
        best = _better(best, values, before)
    return _touching(best, weight, left, right, (began, ended))


def _open(half: Half, n_durations: int) -> Array:
    """Log weight (e, K) of what began e frames before the cut, and survives to it."""
    reach = min(n_durations, len(half.gain) + 1)
    found: Array = np.zeros((reach, half.gain.shape[1]))
    np.cumsum(half.gain[::-1][: reach - 1], axis=0, out=found[1:])
    found += half.starts[::-1][:reach]
    return found


def _better(best: Middle, values: Array, before: int) -> Middle:
    """Take the greatest of values (l, K), l = 1.., if it is above the best so far."""
    if values.size == 0:
        return best
    after, state = divmod(int(values.argmax()), values.shape[1])
    score = float(values[after, state])
    if score > best.score:
        return Middle(state, before, after + 1, score)
    return best


def _touching(
    best: Middle,
    weight: Weights,
    left: Half,
    right: Half,
    opened: tuple[Array, Array],
) -> Middle:
    """Try the segments that reach an end of the record, or both."""
    began, ended = opened
    n_left, n_right = len(left.gain), len(right.gain)
    whole_left, whole_right = left.gain.sum(axis=0), right.gain.sum(axis=0)
    n_durations = len(weight.inner)
    if n_left < n_durations:
        reach = min(len(ended), n_durations - n_left + 1)
        law = weight.first[n_left : n_left + reach - 1] + ended[1:reach]
        best = _better(best, law + whole_left, n_left)
    if n_right < n_durations:
        reach = min(len(began), n_durations - n_right + 1)
        law = weight.last[n_right : n_right + reach - 1] + began[1:reach]
        values = law + whole_right
        top = _better(best, values, 0)
        if top is not best:
            best = Middle(top.state, top.after, n_right, top.score)
    if n_left + n_right <= n_durations:
        value = weight.only[n_left + n_right - 1] + whole_left + whole_right
        if value.max() > best.score:
            return Middle(int(value.argmax()), n_left, n_right, float(value.max()))
    return best
