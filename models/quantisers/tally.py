"""Sums of rows by code, in one order on every device.

Adding rows into their codes as they come is a race on a GPU, and its last digits differ
from run to run. Here rows are first brought into the order of their codes, stably, and
each code then adds up its own, one after the other.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def wins(index: Tensor, n_codes: int) -> Tensor:
    """How often each code was taken: index (N,) -> (C,) int64."""
    taken = torch.zeros(n_codes, dtype=torch.int64, device=index.device)
    return taken.scatter_add(0, index, torch.ones_like(index))


def sums(rows: Tensor, index: Tensor, won: Tensor) -> Tensor:
    """Sum of the rows of each code: rows (N, Z), index (N,), won (C,) -> (C, Z).

        sums[c] = sum_n [index_n = c] rows[n]

    The same bits each time on one device. One pass over the rows.
    """
    if not len(rows):
        return rows.new_zeros(len(won), rows.shape[1])
    order = index.argsort(stable=True)
    begins = won.cumsum(0) - won
    return functional.embedding_bag(order, rows, begins, mode="sum")
