"""The same numbers wherever they are computed, and the same bits each time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.nearest import nearest


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest) -> torch.device:
    """Where it is computed."""
    return torch.device(str(request.param))


def _map(seed: int) -> Tensor:
    """Frames of twenty clusters, so that no frame lies between two codes for long."""
    draw = torch.Generator().manual_seed(seed)
    centres = 4.0 * torch.randn(20, 16, generator=torch.Generator().manual_seed(99))
    index = torch.randint(0, 20, (8, 50), generator=draw)
    frames = centres[index] + 0.1 * torch.randn(8, 50, 16, generator=draw)
    return frames.permute(0, 2, 1)[:, :, None].contiguous()


def _trained(device: torch.device) -> tuple[VectorQuantizerEMA2D, Tensor]:
    """Ten steps with a revival in between, and the last gradient."""
    quantiser = VectorQuantizerEMA2D(32, 16).to(device)
    z = _map(0).to(device)
    for step in range(10):
        if step == 5:
            quantiser.codebook[:4] = 90.0
            quantiser.counts[:4] = 1e-4
        z = _map(step).to(device).requires_grad_()
        quantiser(z)[1]["vq"].backward()
    assert z.grad is not None
    return quantiser, z.grad


def test_a_device_repeats_itself_to_the_last_bit(device: torch.device) -> None:
    """Sums are added in one order: two runs hold the same bits."""
    one, grad_one = _trained(device)
    two, grad_two = _trained(device)

    assert torch.equal(one.codebook, two.codebook)
    assert torch.equal(one.counts, two.counts)
    assert torch.equal(grad_one, grad_two)


def test_a_device_learns_what_the_cpu_learns(device: torch.device) -> None:
    """Starts and revivals are drawn on the CPU; only the order of sums differs.

    Ten steps of values of about 10, each rounded by 2^-24 some tens of times.
    """
    wanted, _ = _trained(torch.device("cpu"))

    found, _ = _trained(device)

    for name in ("codebook", "counts"):
        ours, theirs = getattr(wanted, name), getattr(found, name).cpu()
        torch.testing.assert_close(theirs, ours, rtol=1e-4, atol=1e-4)
    fresh = _map(77)
    codes = found.eval().codes_of(fresh.to(device)).cpu()
    assert torch.equal(codes, wanted.eval().codes_of(fresh))


def test_the_grid_gives_the_same_bits_on_every_device(device: torch.device) -> None:
    """Comparisons and one division have no last digit of their own."""
    z = torch.randn(8, 3, 1, 500, generator=torch.Generator().manual_seed(0))

    values, codes = FSQ([8, 6, 5]).to(device).quantise(z.to(device))

    wanted_values, wanted_codes = FSQ([8, 6, 5]).quantise(z)
    assert torch.equal(values.cpu(), wanted_values)
    assert torch.equal(codes.cpu(), wanted_codes)


def test_the_nearest_code_is_found_on_every_device(device: torch.device) -> None:
    """No frame has another code that is nearer by more than rounding."""
    draw = torch.Generator().manual_seed(0)
    frames, codes = torch.randn(2, 512, 32, generator=draw).unbind(0)

    found = nearest(frames.to(device), codes.to(device)).cpu()

    squared = torch.cdist(frames.double(), codes.double()).square()
    chosen = squared.gather(1, found[:, None])[:, 0]
    assert float((chosen - squared.min(1).values).max()) < 1e-4


def test_nothing_needs_an_operation_without_an_order(device: torch.device) -> None:
    """Where only deterministic operations are allowed, a training step still works."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True)
    try:
        quantiser, _ = _trained(device)
    finally:
        torch.use_deterministic_algorithms(mode=before)

    assert int(quantiser.steps) == 10
