"""The best path of one record, followed from its middle to both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.hsmm.meeting import Half, meet
from models.hsmm.segments import Segments

if TYPE_CHECKING:
    from models.hsmm.edges import Weights
    from models.shapes import Array


def follow(
    weight: Weights, log_a: Array, left: Half, right: Half, record: int
) -> tuple[Segments, float]:
    """Give the segments of a record, and their log weight; -inf: it cannot happen."""
    n_left, n_right = len(left.gain), len(right.gain)
    if n_left == 0:
        return _one_frame(weight, right, record)
    middle = meet(weight, left, right)
    if middle.score == -np.inf:
        return _in_order([], record), middle.score
    k = middle.state
    if middle.before == 0:
        before = _path(weight.inner, left, log_a, n_left, k)
        lies = list[tuple[int, int]]()
    else:
        begin = n_left - middle.before
        before = _path_to(weight.inner, left, log_a, begin, k)
        lies = [(k, middle.before + middle.after)]
    after = _path_to(weight.inner, right, log_a.T, n_right - middle.after, k)
    path = before + lies + after[::-1]
    return _in_order(path, record), middle.score


def _one_frame(weight: Weights, half: Half, record: int) -> tuple[Segments, float]:
    """Give the only segment of a record of one frame, or nothing of one of none."""
    if len(half.gain) == 0:
        return _in_order([], record), 0.0
    values = weight.only[0] + half.gain[0]
    state = int(values.argmax())
    return _in_order([(state, 1)], record), float(values[state])


def _path_to(
    inner: Array, half: Half, log_a: Array, t: int, state: int
) -> list[tuple[int, int]]:
    """Follow the best path to boundary t, after which a segment of `state` begins."""
    if t == 0:
        return []
    return _path(inner, half, log_a, t, _before(half, log_a, t, state))


def _path(
    inner: Array, half: Half, log_a: Array, t: int, state: int
) -> list[tuple[int, int]]:
    """Follow the best path whose last segment, of `state`, ends at t: (state, length)s.

    In order from the half's own end of the record.
    """
    path: list[tuple[int, int]] = []
    while True:
        length = _lasted(inner[:, state], half, t, state)
        path.append((state, length))
        t -= length
        if t == 0:
            return path[::-1]
        state = _before(half, log_a, t, state)


def _before(half: Half, log_a: Array, t: int, state: int) -> int:
    return int((half.ends[t] + log_a[:, state]).argmax())


def _lasted(inner: Array, half: Half, t: int, state: int) -> int:
    """Give the length of the best segment of `state` that ends at t."""
    longest = min(len(inner), t)
    values = half.gain[t - longest : t, state][::-1].cumsum()
    whole = values[-1]
    values += inner[:longest]
    values += half.starts[t - longest : t, state][::-1]
    if longest == t:
        values[-1] = whole + half.first[t - 1, state]
    return 1 + int(values.argmax())


def _in_order(path: list[tuple[int, int]], record: int) -> Segments:
    state = np.array([state for state, _ in path], dtype=np.int64)
    length = np.array([length for _, length in path], dtype=np.int64)
    return Segments(
        np.full_like(state, record), state, length.cumsum() - length, length
    )
