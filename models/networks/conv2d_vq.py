"""Encoder, any quantiser, decoder and classifier as one: windows to codes, logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from models.networks.classifier import Classifier, Logits
from models.networks.cost import PARAMETER_LIMIT, parameters
from models.networks.decoder import Decoder
from models.networks.encoder import Encoder


class Quantiser(Protocol):
    """Whatever puts a code in the place of each vector.

    z (B, Z, H, T) -> z_q of the same shape, through which gradients reach z; losses by
    name, each a number, with "vq" for all of them weighted; and what is known besides,
    with "indices" (B, H, T) among it.
    """

    def __call__(
        self, z: Tensor, /
    ) -> tuple[Tensor, Mapping[str, Any], Mapping[str, Any]]:
        """Quantise z."""
        ...


class Seen(NamedTuple):
    """What the network makes of windows.

    latent, quantised (B, Z, 1, 100): the vectors before and after the quantiser
    codes (B, 100) int32: one for each frame
    logits: of frames and windows, from the quantised vectors alone
    reconstruction (B, 9, 2, 100): likewise
    losses, info: what the quantiser said
    """

    latent: Tensor
    quantised: Tensor
    codes: Tensor
    logits: Logits
    reconstruction: Tensor
    losses: dict[str, Tensor]
    info: dict[str, Any]


class Conv2dVQ(nn.Module):
    """Encode, quantise, then rebuild and classify from the codes' vectors.

    Everything after the quantiser sees z_q and never z: what a code does not say, no
    later part knows. Same seed, same weights, whatever was drawn before.
    """

    def __init__(
        self,
        quantiser: Quantiser,
        n_behaviours: int,
        *,
        seed: int = 0,
        n_dims: int = 64,
        width: int = 48,
        causal: bool = False,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.encoder = Encoder(
            generator=generator, n_dims=n_dims, width=width, causal=causal
        )
        self.quantiser = quantiser
        self.decoder = Decoder(generator=generator, n_dims=n_dims, width=width)
        self.classifier = Classifier(
            n_behaviours, generator=generator, n_dims=n_dims, width=width
        )
        self._refuse_size()

    def forward(self, windows: Tensor) -> Seen:
        """Give all that is seen in windows (B, 9, 2, 100) float32."""
        latent = self.encoder(windows)
        quantised, losses, info = self.quantiser(latent)
        return Seen(
            latent=latent,
            quantised=quantised,
            codes=info["indices"][:, 0].to(torch.int32),
            logits=self.classifier(quantised),
            reconstruction=self.decoder(quantised),
            losses=dict(losses),
            info=dict(info),
        )

    def _refuse_size(self) -> None:
        """Refuse to be larger than the target allows; the quantiser is not counted."""
        found = sum(map(parameters, (self.encoder, self.decoder, self.classifier)))
        if found > PARAMETER_LIMIT:
            raise ValueError(
                f"encoder, decoder and classifier hold {found:,} parameters together, "
                f"and {PARAMETER_LIMIT:,} are allowed: use a smaller width"
            )
