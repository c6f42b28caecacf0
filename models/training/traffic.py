"""How many bytes a step of training must move: what a device's memory allows at most.

Convolutions as narrow as these wait for memory, not for arithmetic. Every convolution
and norm moves, for each window, at least

    forward     reads its input, writes its output            in + out
    backward    reads the output's slope and its input,
                writes the input's slope                      2 in + out

and every step reads weights, slopes and two moments, and writes all but the slopes:
7 numbers of each weight. Nothing is counted of what a fused kernel need not move.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from models.networks.conv2d_vq import Conv2dVQ
from models.networks.cost import parameters
from models.networks.encoder import WINDOW

MOVED = (nn.Conv2d, nn.BatchNorm2d)
SINGLE = 4  # bytes


def step_bytes(network: Conv2dVQ, batch: int, width: int = SINGLE) -> int:
    """Give the bytes of one step on `batch` windows, numbers of `width` bytes.

    Weights and moments are single precision always. Costs one look at one window.
    """
    numbers = 0

    def count(_module: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        nonlocal numbers
        numbers += 3 * given[0].numel() + 2 * made.numel()

    counted = [module for module in network.modules() if isinstance(module, MOVED)]
    hooks: list[RemovableHandle] = [
        module.register_forward_hook(count) for module in counted
    ]
    was_training = network.training
    device = next(network.parameters()).device
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, *WINDOW, device=device))
    finally:
        network.train(was_training)
        for hook in hooks:
            hook.remove()
    return batch * numbers * width + 7 * SINGLE * parameters(network)
