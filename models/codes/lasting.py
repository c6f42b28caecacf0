"""How long codes last: runs of one code, in frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.temporal.runs import runs

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)


class Lasting(NamedTuple):
    """Runs of one label.

    runs: how many. mean, longest: in frames. quantiles: by share of the runs.
    by_label (K,): mean of each label, nan for one that never came.
    frames (D,), at_least (D,): the share of runs that last so many frames, or longer.
    """

    runs: int
    mean: float
    longest: int
    quantiles: dict[float, float]
    by_label: Array
    frames: IntArray
    at_least: Array


def lasting(labels: IntArray, n_labels: int, lengths: IntArray) -> Lasting | None:
    """Describe the runs of labels (R, T) with lengths (R,), runs of -1 left out.

    A run that a recording's end cuts off counts as it is. None where there is none.
    """
    found = runs(labels, lengths)
    is_known = found.label >= 0
    label, length = found.label[is_known], found.length[is_known]
    if not len(length):
        return None
    count = np.bincount(label, minlength=n_labels)
    mean = np.full(n_labels, np.nan)
    np.divide(np.bincount(label, length, n_labels), count, out=mean, where=count > 0)
    frames, times = np.unique(length, return_counts=True)
    at_least = times[::-1].cumsum()[::-1] / len(length)
    return Lasting(
        len(length),
        float(length.mean()),
        int(length.max()),
        {share: float(np.quantile(length, share)) for share in QUANTILES},
        mean,
        frames.astype(np.int64),
        at_least,
    )
