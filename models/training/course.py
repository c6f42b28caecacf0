"""From windows to the number that is made small: what one step computes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

import torch
from torch import Tensor, nn

from models.networks.classifier import Logits
from models.networks.conv2d_vq import Conv2dVQ, Seen
from models.networks.objective import Objective, Weights, objective
from models.training.lesson import Batch

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


class Course(nn.Module):
    """A network, and how it is looked at while it learns.

    The convolutions may run in half precision; what is quantised, compared and summed
    is single precision always. An open course leaves the quantiser out: what is learned
    first is vectors, and a codebook begun on them has something to stand for.
    """

    def __init__(
        self, network: Conv2dVQ, weights: Weights, precision: Precision = "float32"
    ) -> None:
        super().__init__()
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise ValueError(f"precision is {precision!r}: it must be one of {known}")
        self.network, self.weights, self.precision = network, weights, precision
        self.is_open = False

    def forward(self, batch: Batch) -> Objective:
        """Give the objective of a batch."""
        return objective(self.look(batch.windows), *batch, self.weights)

    def look(self, windows: Tensor) -> Seen:
        """See all that there is to see in windows (B, 9, 2, 100)."""
        with self._precision(windows):
            latent = self.network.encoder(windows)
        latent = latent.float()
        quantised, losses, info = self._quantised(latent)
        with self._precision(windows):
            logits = self.network.classifier(quantised)
            rebuilt = self.network.decoder(quantised)
        logits = Logits(*(each.float() for each in logits))
        codes = info["indices"][:, 0].to(torch.int32)
        return Seen(latent, quantised, codes, logits, rebuilt.float(), losses, info)

    def _quantised(
        self, latent: Tensor
    ) -> tuple[Tensor, dict[str, Tensor], dict[str, Any]]:
        """Quantise vectors (B, Z, 1, T); an open course leaves them as they are."""
        if self.is_open:
            codes = torch.zeros_like(latent[:, 0], dtype=torch.int64)
            return latent, {"vq": latent.new_zeros(())}, {"indices": codes}
        quantised, losses, info = self.network.quantiser(latent)
        return quantised, dict(losses), dict(info)

    def _precision(self, windows: Tensor) -> AbstractContextManager[None]:
        """Hold the convolutions to the precision that was asked for."""
        wanted = PRECISIONS[self.precision]
        is_half = wanted is not torch.float32
        return torch.autocast(windows.device.type, dtype=wanted, enabled=is_half)
