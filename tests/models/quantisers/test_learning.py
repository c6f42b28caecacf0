"""An encoder and a decoder learn through the quantiser, and nothing collapses."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.projected import ProjectedFSQ

N_CLUSTERS, STEPS = 8, 250


def _batch(seed: int) -> Tensor:
    """Maps (16, 6, 1, 20) of eight clusters, of variance one."""
    draw = torch.Generator().manual_seed(seed)
    centres = torch.randn(N_CLUSTERS, 6, generator=torch.Generator().manual_seed(99))
    index = torch.randint(0, N_CLUSTERS, (16, 20), generator=draw)
    frames = centres[index] + 0.1 * torch.randn(16, 20, 6, generator=draw)
    return frames.permute(0, 2, 1)[:, :, None].contiguous()


def _learnt(quantiser: nn.Module) -> tuple[list[float], float, float]:
    """Losses of reconstruction, the last perplexity, and the encoder's last reach."""
    torch.manual_seed(0)
    encoder, decoder = nn.Conv2d(6, 4, 1), nn.Conv2d(4, 6, 1)
    parts = nn.ModuleList([encoder, quantiser, decoder])
    optimiser = torch.optim.Adam(parts.parameters(), lr=1e-2)
    losses, perplexity, reach = [], 0.0, 0.0
    for step in range(STEPS):
        x = _batch(step)
        z = encoder(x)
        z_q, aside, info = quantiser(z)
        loss = (decoder(z_q) - x).square().mean()
        optimiser.zero_grad()
        (loss + aside["vq"]).backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        perplexity, reach = float(info["perplexity"]), float(z.detach().abs().max())
    return losses, perplexity, reach


@pytest.mark.parametrize("gradient", ["straight", "rotation"])
@pytest.mark.parametrize("init_scale", [None, 1.0], ids=["seeded", "random"])
def test_codes_stay_in_use_while_an_encoder_learns(
    gradient: Literal["straight", "rotation"], init_scale: float | None
) -> None:
    """The loss falls to little of the variance, the clusters have codes of their own.

    With a detached commitment the encoder runs away from its codes instead: losses of
    1e10 and a perplexity of one or two.
    """
    quantiser = VectorQuantizerEMA2D(
        16, 4, gradient=gradient, init_scale=init_scale, decay=0.95
    )

    losses, perplexity, reach = _learnt(quantiser)

    assert losses[-1] < 0.25 * losses[0]
    assert perplexity > 5.0
    assert reach < 20.0


def test_a_grid_learns_without_any_loss_of_its_own() -> None:
    """Its projection finds codes for the clusters by the reconstruction alone."""
    losses, perplexity, _ = _learnt(ProjectedFSQ([8, 6, 5], 4, 4))

    assert losses[-1] < 0.25 * losses[0]
    assert perplexity > 5.0
