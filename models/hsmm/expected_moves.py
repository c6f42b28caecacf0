"""Expected transitions: how often each state followed each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.hsmm.exact import Messages
    from models.hsmm.process import Process
    from models.hsmm.records import Records
    from models.shapes import Array

# exp of less than this is a number, with room for sums; more hides what underflowed.
SAFE = 600.0


def transitions(
    process: Process, records: Records, past: Messages, future: Messages, apart: Array
) -> Array:
    """Sum P(j ends before frame t, k begins with it | y) over t and records: (K, K).

        ends[t, j] a[j, k] within[t, k] / evidence

    The sum over t is a matrix product, with the greatest of each frame taken out. A
    frame at which past and future disagree by more than numbers hold is done in logs.
    """
    n_frames = len(records.gain)
    between = np.arange(n_frames)[:, None] < records.lengths
    between[:1] = False
    t, n = np.nonzero(between)
    ends, within = past.ends[t, :, n], future.ends[t, :, n]
    top_end, top_within = _top(ends), _top(within)
    height = top_end + top_within + apart[t, n]
    plain = height < SAFE
    share = np.exp(np.where(plain, height, -np.inf))[:, None]
    left = np.exp(ends - top_end[:, None]) * share
    right = np.exp(within - top_within[:, None])
    counts: Array = (left.T @ right) * np.exp(process.log_a)
    for i in np.flatnonzero(~plain):
        pairs = ends[i][:, None] + process.log_a + within[i] + apart[t[i], n[i]]
        counts += np.exp(pairs)
    return counts


def _top(log_x: Array) -> Array:
    top = log_x.max(axis=1)
    found: Array = np.where(np.isneginf(top), 0.0, top)
    return found
