"""The same network without its batch norms: at rest they are part of the weights."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.networks.convolution import Convolution

Network = TypeVar("Network", bound=nn.Module)


def folded(network: Network) -> Network:
    """Give a copy at rest in which every batch norm is folded into its convolution.

    w' = w g / sqrt(v + e), b' = h - m g / sqrt(v + e), for the norm's weight g, bias h,
    running mean m, variance v and epsilon e. Outputs are equal but for rounding.
    """
    copied = copy.deepcopy(network).eval()
    for module in copied.modules():
        if isinstance(module, Convolution) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()
    return copied
