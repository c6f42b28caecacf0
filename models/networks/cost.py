"""What a network costs: numbers to keep, and products to take for one input."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

# What the encoder, the decoder and the classifier may hold together.
PARAMETER_LIMIT = 313_000


class Cost(NamedTuple):
    """What one run costs.

    parameters: numbers that training sets. macs: products added to a sum, in
    convolutions and matrix products; zeros of the padding count as numbers.
    """

    parameters: int
    macs: int


def parameters(network: nn.Module) -> int:
    """Count the numbers that training sets, each once however often it is used."""
    return sum(p.numel() for p in network.parameters())


def macs(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Count the multiply-adds of one run on an input of this shape.

    Counted where the kernels are called, so functional calls count as well. The network
    is left as it was. Costs one run.
    """
    first = next(network.parameters(), torch.zeros(()))
    was_training = [(m, m.training) for m in network.modules()]
    network.eval()
    counter = FlopCounterMode(display=False)
    try:
        with torch.no_grad(), counter:
            network(torch.zeros(shape, dtype=first.dtype, device=first.device))
    finally:
        for module, training in was_training:
            module.training = training
    return int(counter.get_total_flops()) // 2


def cost(network: nn.Module, shape: tuple[int, ...]) -> Cost:
    """Give both costs of a network for an input of this shape."""
    return Cost(parameters(network), macs(network, shape))
