"""Which code is nearest: one matrix product and one look at its result.

    argmin_c |x - e_c|^2 = argmax_c x.(e_c - m) - m.(e_c - m) - |e_c - m|^2 / 2

with m the mean of the codes. The frame's own square does not move the minimum, and
codes about their mean are small where the data are far from the origin, so that single
precision still tells them apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from models.quantisers.door import is_traced

# Scores held at once, 64 MiB of single precision: more frames are taken in turns.
AT_ONCE = 1 << 24
GROUPS = 16


def nearest(frames: Tensor, codes: Tensor) -> Tensor:
    """Nearest code of each frame: frames (N, Z), codes (C, Z) -> (N,) int64.

    Of equally near codes the first. 2 N C Z operations; autocast is kept out.
    """
    with torch.autocast(frames.device.type, enabled=False):
        middle = codes.mean(0)
        moved = codes - middle
        bias = -(moved @ middle) - moved.square().sum(1) / 2
        at_once = max(1, AT_ONCE // len(codes))
        if len(frames) <= at_once:
            return first_best(torch.addmm(bias, frames, moved.T))
        parts = torch.split(frames, at_once)
        return torch.cat([first_best(torch.addmm(bias, x, moved.T)) for x in parts])


def first_best(scores: Tensor) -> Tensor:
    """First column of the largest score in each row: (N, C) -> (N,).

    Finding where a maximum lies costs many times what finding its size costs. So the
    size is found for whole groups of columns, and the place within one group alone.
    """
    n_rows, n_codes = scores.shape
    if n_codes % GROUPS or is_traced():
        return scores.argmax(1)
    width = n_codes // GROUPS
    group = scores.view(n_rows, GROUPS, width).amax(2).argmax(1)
    first = torch.arange(0, n_rows * GROUPS, GROUPS, device=scores.device)
    within = scores.view(-1, width).index_select(0, first + group)
    return group * width + within.argmax(1)
