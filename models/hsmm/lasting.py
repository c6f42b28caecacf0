"""How long the segment that covers a frame lasts, given the whole record."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import messages
from models.hsmm import records as laid
from models.hsmm.exact import LOG_2
from models.hsmm.messages import RIGHT_CENSORED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.hsmm.edges import Edges, Weights
    from models.hsmm.messages import Both
    from models.hsmm.process import Process
    from models.shapes import Array, BoolArray, IntArray


class Lasting(NamedTuple):
    """Expected frames of the segment that covers a frame; 0 past a record's end.

    length    (N, T): all its frames in the record
    remaining (N, T): from this frame on, this one included, to its end in the record
    """

    length: Array
    remaining: Array


def lasting(
    process: Process,
    log_lik: Array,
    lengths: IntArray | None = None,
    edges: Edges = RIGHT_CENSORED,
) -> Lasting:
    """Expect lengths under records log_lik (N, T, K) of `lengths` (N,).

    A sum over the segments that cover t is a running one: what begins joins it and what
    ends leaves. Refuse a record that cannot happen. Takes an exponential for each of
    N T D K: several times as long as the marginals.
    """
    both = messages.both(process, log_lik, lengths, edges)
    records = both.records
    n_frames, _, n_records = records.gain.shape
    length = np.zeros((n_frames + 1, n_records))
    end = np.zeros_like(length)
    frames = np.arange(n_frames + 1.0)[:, None]
    for d, share in _segments(both):
        length[:-d] += d * share
        length[d:] -= d * share
        end[:-d] += frames[d:] * share
        end[d:] -= frames[d:] * share
    inside = frames[:-1] < records.lengths
    remaining = np.cumsum(end[:-1], axis=0) - frames[:-1]
    return Lasting(
        laid.unsorted(records, (np.cumsum(length[:-1], axis=0) * inside).T),
        laid.unsorted(records, (remaining * inside).T),
    )


def _segments(both: Both) -> Iterator[tuple[int, Array]]:
    """Yield d and P(a segment of d frames begins at s | y) (T+1-d, N), for every d."""
    records, weight, evidence, past, future = both
    n_frames = len(records.gain)
    at = np.arange(n_frames + 1)[:, None]
    closing = at == records.lengths
    starts = past.starts.copy()
    starts[0] = 0.0
    after = np.where(closing[:, None, :], 0.0, future.starts)
    after = np.where((at > records.lengths)[:, None, :], -np.inf, after)
    lik = np.zeros_like(starts)
    for d in range(1, min(len(weight.inner), n_frames) + 1):
        lik = lik[:-1] + records.gain[d - 1 :]
        # Powers are whole numbers, and cancel to the last digit before they are logs.
        power = past.power[:-d] + future.power[d:] - evidence.power
        log_p = starts[:-d] + lik + after[d:] + _place(weight, closing[d:], d)
        log_p += (power * LOG_2 - evidence.rest)[:, None]
        yield d, np.exp(log_p).sum(axis=1)


def _place(weight: Weights, closes: BoolArray, d: int) -> Array:
    """Log weight (S, K, N) of a segment of d frames from s, by where it lies."""
    inner, first, last, only = (table[d - 1][:, None] for table in weight)
    placed: Array = np.where(closes[:, None, :], last, inner)
    placed[0] = np.where(closes[0], only, first)
    return placed
