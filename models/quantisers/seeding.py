"""First codes from the first batch, each with the count that belongs to it.

A code that starts without a count, or with one that its sum does not match, is thrown
far away by the first update. All of this is done on the CPU, once, so that every device
starts alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from models.quantisers import tally
from models.quantisers.nearest import nearest

# Frames looked at per code: more than that moves the first codes very little.
PER_CODE = 16
ROUNDS = 10


class Start(NamedTuple):
    """First codes (C, Z), and counts (C,): how many frames of a batch each wins."""

    codes: Tensor
    counts: Tensor


def points(sample: Tensor, n_codes: int, generator: torch.Generator) -> Start:
    """Start on distinct points of the sample (N, Z), with an equal share each.

    Where the sample has too few distinct points, they come again.
    """
    distinct = torch.unique(sample, dim=0)
    order = torch.randperm(len(distinct), generator=generator)
    chosen = order.repeat(-(-n_codes // len(order)))[:n_codes]
    share = sample.new_full((n_codes,), len(sample) / n_codes)
    return Start(distinct[chosen], share)


def kmeans(sample: Tensor, n_codes: int, generator: torch.Generator) -> Start:
    """Start on the means of k-means, seeded by k-means++; sample (N, Z).

    A mean that wins nothing stays where it is, with a count of zero.
    """
    codes = spread(sample, n_codes, generator)
    won = torch.zeros(n_codes, dtype=torch.int64)
    for _ in range(ROUNDS):
        index = nearest(sample, codes)
        won = tally.wins(index, n_codes)
        gaps = sample - codes.index_select(0, index)
        codes = codes + tally.sums(gaps, index, won) / won.clamp_min(1)[:, None]
    return Start(codes, won.to(sample.dtype))


def spread(sample: Tensor, n_codes: int, generator: torch.Generator) -> Tensor:
    """Draw points far apart: sample (N, Z) -> (C, Z).

        p(n) = d_n^2 / sum d^2,   d_n the distance to the nearest point drawn so far

    k-means++, Arthur and Vassilvitskii 2007; of some candidates drawn so, the one that
    leaves the least sum of d^2 is taken. N C Z operations for each candidate.
    """
    n_candidates = 2 + int(math.log(n_codes))
    draws = torch.rand(n_codes, n_candidates, generator=generator, dtype=torch.float64)
    centred = sample - sample.mean(0)
    sizes = centred.square().sum(1)
    squared = torch.full_like(sizes, torch.inf)
    mass = torch.arange(1, len(sample) + 1, dtype=torch.float64)
    drawn = []
    for draw in draws:
        places = torch.searchsorted(mass, draw * mass[-1], right=True)
        places = places.clamp_max(len(sample) - 1)
        cross = centred[places] @ centred.T
        gaps = (sizes + sizes[places, None] - 2 * cross).clamp_min(0)
        left = torch.minimum(gaps, squared)
        best = left.sum(1).argmin()
        squared, mass = left[best], left[best].double().cumsum(0)
        drawn.append(places[best])
    return sample[torch.stack(drawn)]
