"""How evenly codes are used, from how often each was taken.

Entropies are in nats; a histogram without a single count has entropy 0 and usage 0.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Usage(NamedTuple):
    """The spread of a histogram h (C,), with p = h / sum(h).

    entropy: - sum_c p_c log p_c, in nats
    perplexity: exp(entropy), the number of equally used codes with that entropy
    active_codes: how many codes were taken at all
    usage: active_codes / C
    """

    entropy: Tensor
    perplexity: Tensor
    active_codes: Tensor
    usage: Tensor


def usage(histogram: Tensor) -> Usage:
    """Describe a histogram of counts or weights (C,), none of them negative."""
    active = (histogram > 0).sum()
    least = torch.finfo(torch.float32).tiny
    share = histogram.float() / histogram.sum().clamp_min(least)
    entropy = -(share * share.clamp_min(least).log()).sum()
    return Usage(entropy, entropy.exp(), active, active / len(histogram))
