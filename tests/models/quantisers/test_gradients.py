"""Gradients through the codes, against finite differences of what they stand for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.rotation import turned_back

STEP = 1e-6


def _slopes(value: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
    """Central differences of a scalar in double precision, entry by entry."""
    found = torch.zeros_like(z)
    for place in range(z.numel()):
        push = torch.zeros(z.numel(), dtype=z.dtype)
        push[place] = STEP
        high, low = (value(z + sign * push.view_as(z)) for sign in (1, -1))
        found.view(-1)[place] = (high - low) / (2 * STEP)
    return found


def _quantiser(**settings: object) -> VectorQuantizerEMA2D:
    """A small one in double precision, which does not learn."""
    made = VectorQuantizerEMA2D(5, 3, init_scale=1.0, **settings)  # type: ignore[arg-type]
    return made.double().eval()


def _map(seed: int = 0) -> Tensor:
    """A map (2, 3, 1, 4) in double precision."""
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, 1, 4, generator=draw, dtype=torch.float64)


@pytest.mark.parametrize("cost", [0.25, 1.0])
def test_the_commitment_pulls_the_encoder_to_its_codes(cost: float) -> None:
    """Its gradient is that of cost |z - q|^2 / size with the codes held fixed."""
    quantiser, z = _quantiser(commitment_cost=cost), _map().requires_grad_()
    held = quantiser(z)[0].detach()

    quantiser(z)[1]["commitment"].backward()

    wanted = _slopes(lambda x: cost * (x - held).square().mean(), z.detach())
    assert z.grad is not None
    torch.testing.assert_close(z.grad, wanted, rtol=1e-6, atol=1e-9)
    assert float(z.grad.abs().max()) > 1e-3


def test_the_whole_loss_has_the_gradient_of_the_commitment() -> None:
    """The codebook's part is told and moves nothing; the values add up."""
    quantiser, z = _quantiser(), _map().requires_grad_()

    losses = quantiser(z)[1]
    (whole,) = torch.autograd.grad(losses["vq"], z, retain_graph=True)
    (part,) = torch.autograd.grad(losses["commitment"], z)

    assert torch.equal(whole, part)
    assert not losses["codebook"].requires_grad
    held = {name: float(loss.detach()) for name, loss in losses.items()}
    assert held["commitment"] == pytest.approx(0.25 * held["codebook"])
    assert held["vq"] == pytest.approx(1.25 * held["codebook"])


def test_gradients_come_straight_through_the_codes() -> None:
    """The slope of sin(q) at the code reaches z as it is."""
    quantiser, z = _quantiser(), _map().requires_grad_()

    z_q = quantiser(z)[0]
    z_q.sin().sum().backward()

    assert z.grad is not None
    assert torch.equal(z.grad, z_q.detach().cos())


def test_the_commitment_can_be_differentiated_twice() -> None:
    """A penalty on the gradient has a gradient: cost 2 / size, entry by entry."""
    quantiser, z = _quantiser(), _map().requires_grad_()

    (once,) = torch.autograd.grad(quantiser(z)[1]["commitment"], z, create_graph=True)
    (twice,) = torch.autograd.grad(once.sum(), z)

    torch.testing.assert_close(twice, torch.full_like(z, 0.25 * 2 / z.numel()))


def test_rotation_gives_the_same_values() -> None:
    """Only gradients differ from the plain straight-through."""
    z = _map().requires_grad_()

    plain, _, _ = _quantiser()(z)
    turned, _, _ = _quantiser(gradient="rotation")(z)

    assert torch.equal(plain, turned)


def test_rotation_turns_and_scales_the_gradient() -> None:
    """It is that of w.(s R z) with the frame's own s and R held fixed.

    R is written out as a matrix: the rotation in the plane of z and q by their angle.
    """
    z, weights = _map().requires_grad_(), _map(seed=1)
    quantiser = _quantiser(gradient="rotation")
    z_q, _, _ = quantiser(z)
    held = [_rotation(a, b) for a, b in zip(*map(_frames, (z, z_q)), strict=True)]

    (z_q * weights).sum().backward()

    def value(x: Tensor) -> Tensor:
        moved = [r @ a for r, a in zip(held, _frames(x), strict=True)]
        return (torch.stack(moved) * torch.stack(_frames(weights))).sum()

    assert z.grad is not None
    torch.testing.assert_close(z.grad, _slopes(value, z.detach()), rtol=1e-6, atol=1e-8)
    for matrix, a, b in zip(held, _frames(z), _frames(z_q), strict=True):
        torch.testing.assert_close(matrix @ a, b)


def _frames(z: Tensor) -> list[Tensor]:
    """Frames of a map (B, Z, 1, T), one by one."""
    return list(z.detach().permute(0, 2, 3, 1).reshape(-1, z.shape[1]))


def _rotation(a: Tensor, b: Tensor) -> Tensor:
    """Matrix that turns a onto b's direction in their plane, and scales it."""
    one, to = a / a.norm(), b / b.norm()
    cosine = one @ to
    other = to - cosine * one
    other = other / other.norm()
    sine = to @ other
    plane = torch.stack([one, other], dim=1)
    turn = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=a.dtype)
    rest = torch.eye(len(a), dtype=a.dtype) - plane @ plane.T
    scaled: Tensor = (b.norm() / a.norm()) * (plane @ turn @ plane.T + rest)
    return scaled


@pytest.mark.parametrize(
    ("z", "q"),
    [([0.0, 0.0], [1.0, 0.0]), ([1.0, 0.0], [0.0, 0.0]), ([1.0, 0.0], [-2.0, 0.0])],
    ids=["a frame of zeros", "a code of zeros", "opposite directions"],
)
def test_rotation_is_finite_where_it_has_no_direction(
    z: list[float], q: list[float]
) -> None:
    """No direction: as it is. Opposite ones: reflected onto the code, and scaled."""
    shape = (1, 2, 1, 1)
    frame, code = torch.tensor(z).view(shape), torch.tensor(q).view(shape)

    turned = turned_back(torch.ones(shape), frame, code)

    wanted = [-2.0, 2.0] if q == [-2.0, 0.0] else [1.0, 1.0]
    assert turned.flatten().tolist() == wanted


def test_the_grid_has_the_gradient_of_tanh() -> None:
    """The slope is that of the bound the values are rounded from."""
    z, weights = _map().requires_grad_(), _map(seed=1)

    (FSQ([8, 6, 5])(z)[0] * weights).sum().backward()

    wanted = _slopes(lambda x: (x.tanh() * weights).sum(), z.detach())
    assert z.grad is not None
    torch.testing.assert_close(z.grad, wanted, rtol=1e-6, atol=1e-9)
