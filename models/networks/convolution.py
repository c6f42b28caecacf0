"""The one brick of all networks here: a 2-D convolution and its batch norm.

Batch norm, because at rest it is an affine map and folds into the convolution; the
other norms take statistics of the input at hand, which the target chip cannot do. One
group, no stride, and the count of frames stays: what goes in at frame t comes out at t.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Reach(NamedTuple):
    """How many frames before and after its own an output depends on."""

    before: int
    after: int


class Convolution(nn.Module):
    """Pad, convolve, normalise: size (p, k) makes (B, F, P - p + 1, T) of (B, V, P, T).

    Causal padding lies before the window alone, so that no output sees a later frame;
    torch.onnx.export(dynamo=True) puts it into the convolution, the older one cannot.
    Weights are He-normal (He et al. 2015), N(0, gain^2 / (n_in p k)), drawn from
    `generator`; torch's global stream is left as it was.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: tuple[int, int],
        *,
        generator: torch.Generator,
        dilation: int = 1,
        causal: bool = False,
        has_norm: bool = True,
        gain: float = sqrt(2.0),
    ) -> None:
        super().__init__()
        if min(n_in, n_out, *size, dilation) < 1:
            raise ValueError(
                "a convolution wants 1 or more of everything, found channels "
                f"{n_in} to {n_out}, size {size}, dilation {dilation}"
            )
        span = dilation * (size[1] - 1)
        self.reach = Reach(span, 0) if causal else Reach(span - span // 2, span // 2)
        is_even = self.reach.before == self.reach.after
        padding = 0 if not is_even else self.reach.after
        self.pad = nn.Identity() if is_even else nn.ZeroPad2d((*self.reach, 0, 0))
        # Made without memory, since torch would fill it from its global stream.
        self.conv = nn.Conv2d(
            n_in,
            n_out,
            size,
            padding=(0, padding),
            dilation=(1, dilation),
            bias=not has_norm,
            device="meta",
        )
        self.norm = (
            nn.BatchNorm2d(n_out, device=generator.device)
            if has_norm
            else nn.Identity()
        )
        self._draw(gain, generator)

    def _draw(self, gain: float, generator: torch.Generator) -> None:
        """Draw the weights; a bias begins at zero."""
        shape, device = self.conv.weight.shape, generator.device
        drawn = torch.randn(shape, generator=generator, device=device)
        scaled = drawn * (gain / sqrt(shape[1:].numel()))
        # With channels last a CPU trains 1.8 times as fast.
        laid_out = scaled.contiguous(memory_format=torch.channels_last)
        self.conv.weight = nn.Parameter(laid_out)
        if self.conv.bias is not None:
            self.conv.bias = nn.Parameter(torch.zeros(shape[0], device=device))

    def forward(self, x: Tensor) -> Tensor:
        """Give the padded, convolved and normalised x."""
        y: Tensor = self.norm(self.conv(self.pad(x)))
        return y


class Residual(nn.Module):
    """Add what a dilated convolution, and one that mixes channels, see: same shape.

    y = relu(x + mix(relu(see(x))))
    """

    def __init__(
        self,
        n_channels: int,
        length: int,
        *,
        generator: torch.Generator,
        dilation: int = 1,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.see = Convolution(
            n_channels,
            n_channels,
            (1, length),
            generator=generator,
            dilation=dilation,
            causal=causal,
        )
        self.mix = Convolution(
            n_channels, n_channels, (1, 1), generator=generator, gain=1.0
        )

    def forward(self, x: Tensor) -> Tensor:
        """Give y (B, F, P, T) for x (B, F, P, T)."""
        return torch.relu(x + self.mix(torch.relu(self.see(x))))


def reach(network: nn.Module) -> Reach:
    """Sum the reaches of all convolutions of a network in which each follows the last.

    A residual's other branch reaches nowhere, so it adds nothing.
    """
    found = [m.reach for m in network.modules() if isinstance(m, Convolution)]
    return Reach(sum(r.before for r in found), sum(r.after for r in found))
