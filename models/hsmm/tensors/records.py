"""Ragged records as one block that ends together.

Messages walk over gaps 0 .. T between frames. Records are moved to the right, so that
all end at gap T and the n-th begins at gap T - lengths[n]: then the last step is the
last step of all of them, and padding is only a record that has not begun yet.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.hsmm.tensors.laws import FLOOR


class Records(NamedTuple):
    """Log likelihoods of N records, time first.

    lik (T, N, K): zero before a record begins. starts (N,): the gap it begins at.
    """

    lik: Tensor
    starts: Tensor


def aligned(log_lik: Tensor, lengths: Tensor) -> Records:
    """Move log_lik (N, T, K) to the right; drop the frames nobody has."""
    longest = int(lengths.max())
    starts = longest - lengths
    frames = torch.arange(longest, device=log_lik.device)[:, None] - starts
    begun = frames >= 0
    rows = torch.arange(len(lengths), device=log_lik.device)
    moved = log_lik[rows, frames.clamp(min=0)]
    return Records(moved.where(begun[..., None], torch.zeros_like(moved)), starts)


def put_back(values: Tensor, starts: Tensor, n_steps: int) -> Tensor:
    """Move values (T, N, ..) to the left again: (N, n_steps, ..), 0 in the padding."""
    longest, n_records = values.shape[:2]
    frames = torch.arange(n_steps, device=values.device) + starts[:, None]
    inside = frames < longest
    rows = torch.arange(n_records, device=values.device)[:, None]
    moved = values[frames.clamp(max=longest - 1), rows]
    shape = (*inside.shape, *(1,) * (values.dim() - 2))
    return moved.where(inside.view(shape), torch.zeros_like(moved))


def head_sums(records: Records, max_duration: int) -> tuple[Tensor, Tensor]:
    """Sum the first d frames of each record, d = 1 .. D: (D, N, K), and the gap after.

    Beyond its end a record has no sum: FLOOR.
    """
    reach = min(max_duration, len(records.lik))
    gaps = (
        records.starts + torch.arange(1, reach + 1, device=records.lik.device)[:, None]
    )
    rows = torch.arange(records.lik.shape[1], device=records.lik.device)
    frames = records.lik[(gaps - 1).clamp(max=len(records.lik) - 1), rows]
    sums = frames.cumsum(0).clamp(min=FLOOR)
    there = (gaps <= len(records.lik))[..., None]
    return sums.where(there, torch.full_like(sums, FLOOR)), gaps


def tail_sums(records: Records, max_duration: int) -> Tensor:
    """Sum the last d frames, d = 1 .. D: (D, N, K); FLOOR before a record begins."""
    reach = min(max_duration, len(records.lik))
    sums = records.lik[-reach:].flip(0).cumsum(0).clamp(min=FLOOR)
    lengths = len(records.lik) - records.starts
    there = torch.arange(1, reach + 1, device=records.lik.device)[:, None] <= lengths
    return sums.where(there[..., None], torch.full_like(sums, FLOOR))
