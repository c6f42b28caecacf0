"""Expected durations: how many segments of each length, in each state.

Three kinds of segments, since their weights differ: the first of a record, the last,
and those between. (One that is first and last is told in the evidence.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm.exact import LOG_2
from models.hsmm.expected_moves import SAFE

if TYPE_CHECKING:
    from models.hsmm.edges import Edges, Weights
    from models.hsmm.exact import Messages
    from models.hsmm.messages import Evidence
    from models.hsmm.process import Process
    from models.hsmm.records import Records
    from models.shapes import Array, IntArray

# Segments that cross a mark are counted by matrix products, the short ones between two
# marks one by one: at 16 frames both take alike.
MARK = 16
# Numbers held at a time: 4 MiB.
ROOM = 1 << 19


class ByEdge(NamedTuple):
    """Expected segments (D, K): whole, or cut by the right, the left, both edges."""

    whole: Array
    right: Array
    left: Array
    both: Array


def by_edge(
    edges: Edges, inner: Array, first: Array, last: Array, only: Array
) -> ByEdge:
    """Say which segments were whole, given what is known of the edges."""
    none = np.zeros_like(inner)
    cut_left, cut_right = edges.left == "censored", edges.right == "censored"
    whole = inner + (none if cut_left else first) + (none if cut_right else last)
    whole += none if cut_left or cut_right else only
    return ByEdge(
        whole,
        (last if cut_right else none) + (only if cut_right and not cut_left else none),
        (first if cut_left else none) + (only if cut_left and not cut_right else none),
        only if cut_left and cut_right else none,
    )


def first(
    weight: Weights, records: Records, evidence: Evidence, future: Messages
) -> Array:
    """P(first segment is of state k and d frames, with more to come | y) (D, K, N)."""
    reach = min(len(weight.first), len(records.gain))
    since = records.gain[:reach].cumsum(axis=0)
    power = (future.power[1 : reach + 1] - evidence.power)[:, None, :]
    log_p = weight.first[:reach, :, None] + since + future.starts[1 : reach + 1]
    log_p += power * LOG_2 - evidence.rest
    inside = np.arange(1, reach + 1)[:, None] < records.lengths
    found = np.zeros((len(weight.first), *log_p.shape[1:]))
    found[:reach] = np.exp(np.where(inside[:, None, :], log_p, -np.inf))
    return found


def only(weight: Weights, records: Records, evidence: Evidence) -> Array:
    """P(the record is one segment, of state k and d frames | y) (D, K, N)."""
    n_durations = len(weight.only)
    found = np.zeros((n_durations, *evidence.only.shape))
    n = np.flatnonzero((records.lengths > 0) & (records.lengths <= n_durations))
    found[records.lengths[n] - 1, :, n] = np.exp(evidence.only - evidence.rest)[:, n].T
    return found


def inner(
    process: Process, records: Records, past: Messages, future: Messages, apart: Array
) -> Array:
    """Expected number (D, K) of segments that are neither first nor last.

        starts[s, k] lik(s .. t, k) d[t-s, k] after[t, k] / evidence,  0 < s < t < T

    Frames are marked every MARK. Of a segment that crosses a mark, the part before it
    depends on s alone and the part after it on t alone: so the sum over marks is one
    matrix product for each state.
    """
    n_durations, n_states = process.log_d.shape
    joined = np.zeros((n_states, n_durations + MARK))
    apiece = np.zeros_like(joined)
    n_numbers = n_durations * n_states * max(1, len(records.lengths))
    at_once = max(1, ROOM // n_numbers)
    marks = np.arange(0, len(records.gain), MARK)
    for begin in range(0, len(marks), at_once):
        some = marks[begin : begin + at_once]
        near = _near(some, records, past, future, apart)
        left = _before(some, records, past, n_durations)
        _cross(left, near, process.log_d, joined, apiece)
        _between(near, process.log_d, apiece)
    counted: Array = joined[:, :n_durations].T * np.exp(process.log_d)
    counted += apiece[:, :n_durations].T
    return counted


class _Near(NamedTuple):
    """What follows each of M marks: (M, MARK, K, N) for the boundaries mark + 1, ...

    starts and after are short of the powers at the mark, as `apart` (M, 1, N) is;
    gain is of the frame that ends at the boundary.
    """

    starts: Array
    after: Array
    gain: Array
    apart: Array


def _near(
    marks: IntArray, records: Records, past: Messages, future: Messages, apart: Array
) -> _Near:
    at = marks[:, None] + np.arange(1, MARK + 1)
    inside = (at[:, :, None] < records.lengths)[:, :, None, :]
    at = np.minimum(at, len(records.gain))
    starts = past.starts[at] + _steps(past.power, at, marks)
    after = future.starts[at] + _steps(future.power, at, marks)
    return _Near(
        np.where(inside, starts, -np.inf),
        np.where(inside, after, -np.inf),
        records.gain[at - 1],
        apart[marks][:, None, :],
    )


def _before(
    marks: IntArray, records: Records, past: Messages, n_durations: int
) -> Array:
    """Log of starts[mark-e] lik(mark-e .. mark) (M, D, K, N), e = 0..D-1."""
    at = marks[:, None] - np.arange(n_durations)
    inside = (at > 0)[:, :, None, None]
    at = np.maximum(at, 0)
    since = records.gain[at]
    since[:, 0] = 0.0
    np.cumsum(since, axis=1, out=since)
    since += past.starts[at]
    since += _steps(past.power, at, marks)
    return np.where(inside, since, -np.inf)


def _steps(power: Array, at: IntArray, marks: IntArray) -> Array:
    """Log of how powers of two (T+1, N) have grown since the mark (M, x, 1, N)."""
    grown: Array = (power[at] - power[marks][:, None])[:, :, None, :] * LOG_2
    return grown


def _cross(
    left: Array, near: _Near, log_d: Array, joined: Array, apiece: Array
) -> None:
    """Add the segments that cross a mark, by duration, to joined (K, D + MARK).

    joined lacks the weight of the duration. Where past and future disagree by more than
    numbers hold, the whole weight goes to `apiece` instead.
    """
    right = near.after + np.cumsum(near.gain, axis=1)
    top_left, top_right = _top(left), _top(right)
    height = top_left + top_right + near.apart[:, :, None, :]
    plain = height < SAFE
    for m, _, k, n in np.argwhere(~plain):
        weights = left[m, :, k, n, None] + right[m, :, k, n] + near.apart[m, 0, n]
        for after in range(MARK):
            reach = len(log_d) - after
            if reach > 0:
                there = weights[:reach, after] + log_d[after:, k]
                apiece[k, after : after + reach] += np.exp(there)
    share = np.exp(np.where(plain, height, -np.inf))
    n_states = left.shape[2]
    ahead = np.exp(right - top_right) * share
    behind = np.exp(np.subtract(left, top_left, out=left), out=left)
    crossing = np.matmul(
        behind.transpose(2, 1, 0, 3).reshape(n_states, left.shape[1], -1),
        ahead.transpose(2, 0, 3, 1).reshape(n_states, -1, MARK),
    )
    for after in range(MARK):
        joined[:, after : after + left.shape[1]] += crossing[:, :, after]


def _top(log_x: Array) -> Array:
    top = log_x.max(axis=1, keepdims=True)
    found: Array = np.where(np.isneginf(top), 0.0, top)
    return found


def _between(near: _Near, log_d: Array, apiece: Array) -> None:
    """Add the segments that begin and end between two marks to apiece (K, D + MARK)."""
    for begin in range(MARK - 1):
        lasting = np.cumsum(near.gain[:, begin + 1 : begin + 1 + len(log_d)], axis=1)
        n_long = lasting.shape[1]
        lasting += near.after[:, begin + 1 : begin + 1 + n_long]
        lasting += near.starts[:, begin : begin + 1]
        lasting += near.apart[:, :, None, :]
        lasting += log_d[:n_long, :, None]
        apiece[:, :n_long] += np.exp(lasting).sum(axis=(0, 3)).T
