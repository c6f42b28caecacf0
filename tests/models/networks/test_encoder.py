"""Windows become one vector for each frame, and each depends on what it may."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.networks.convolution import Reach
from models.networks.encoder import Encoder
from tests.models.networks.toys import Deployed, stream, windows

CAUSAL = pytest.mark.parametrize("causal", [False, True], ids=["centred", "causal"])


def encoder(*, causal: bool = False, seed: int = 0) -> Encoder:
    """Give an encoder at rest."""
    made = Encoder(generator=stream(seed), causal=causal)
    made.eval()
    return made


@CAUSAL
def test_every_frame_has_a_vector(*, causal: bool) -> None:
    """(B, 9, 2, 100) becomes (B, 64, 1, 100) float32."""
    vectors = encoder(causal=causal)(windows(3))

    assert vectors.shape == (3, 64, 1, 100)
    assert vectors.dtype == torch.float32


def test_the_count_of_dimensions_is_free() -> None:
    """A grid quantiser of three levels wants three."""
    vectors = Encoder(generator=stream(0), n_dims=3)(windows(2))

    assert vectors.shape == (2, 3, 1, 100)


@pytest.mark.parametrize("t", [0, 1, 37, 98])
def test_a_causal_vector_stays_when_later_frames_change(t: int) -> None:
    """What was said of frames up to t is said of them whatever follows."""
    causal = encoder(causal=True)
    first, other = windows(2, seed=1), windows(2, seed=2)
    other[..., : t + 1] = first[..., : t + 1]

    before, after = causal(first), causal(other)

    # The kernels may sum in another order, but nothing else may differ: 1e-5 is some
    # hundred roundings of numbers near one.
    torch.testing.assert_close(
        before[..., : t + 1], after[..., : t + 1], rtol=0, atol=1e-5
    )
    assert not torch.allclose(before[..., t + 1 :], after[..., t + 1 :], atol=1e-2)


def influence(made: Encoder, t: int, n_frames: int) -> Tensor:
    """Give which of `n_frames` the vector at t has a gradient to: (T,) of bool."""
    signal = torch.randn(8, 9, 2, n_frames, generator=stream(3), dtype=torch.float64)
    signal.requires_grad_()
    vectors = made.double().body(signal)
    (gradient,) = torch.autograd.grad(vectors[..., t].square().sum(), signal)
    return gradient.abs().sum((0, 1, 2)) > 0


@CAUSAL
def test_the_reach_is_what_gradients_say(*, causal: bool) -> None:
    """The vector at t depends on t - before .. t + after, all of it and no more."""
    made = encoder(causal=causal)
    before, after = made.reach
    t = 150

    found = influence(made, t, 301).nonzero().flatten().tolist()

    assert found == list(range(t - before, t + after + 1))


def test_the_reach_is_as_documented() -> None:
    """67 frames to each side, or 134 back: as the docstring has it."""
    assert encoder().reach == Reach(67, 67)
    assert encoder(causal=True).reach == Reach(134, 0)


@CAUSAL
def test_the_same_seed_gives_the_same_weights(*, causal: bool) -> None:
    """Bit for bit, and another seed gives others."""
    one, same, other = (encoder(causal=causal, seed=s).state_dict() for s in (4, 4, 5))

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["body.0.conv.weight"], other["body.0.conv.weight"])


def test_building_leaves_the_global_stream_alone() -> None:
    """What torch draws next does not depend on whether an encoder was built."""
    before = torch.get_rng_state()

    encoder()

    assert torch.equal(torch.get_rng_state(), before)


def test_the_vectors_begin_with_unit_scale() -> None:
    """In training each dimension of a code has mean 0 and variance 1 over the batch."""
    made = Encoder(generator=stream(0))

    vectors = made(windows(8))

    # The norm adds 1e-5 to each variance, which is near 1.
    assert vectors.mean((0, 2, 3)).abs().max() < 1e-5
    assert (vectors.var((0, 2, 3), correction=0) - 1).abs().max() < 1e-3


def test_every_weight_gets_a_gradient() -> None:
    """No part of the network is idle."""
    made = Encoder(generator=stream(0))

    made(windows(4)).mul(windows(4)[:, :1, :1]).square().sum().backward()

    idle = [
        name
        for name, p in made.named_parameters()
        if p.grad is None or not p.grad.any()
    ]
    assert not idle


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_every_device_gives_what_the_cpu_gives(device: str) -> None:
    """Same weights, same windows, same vectors but for rounding; so trained too."""
    reference, moved = Deployed(3), Deployed(3).to(device)
    for seed in range(2):
        reference(windows(8, seed))
        moved(windows(8, seed).to(device))

    found = moved.eval()(windows(4, 7).to(device))

    # TF32 on a GPU keeps 10 bits of a factor: 1e-3 of each, and there are ten layers.
    wanted = reference.eval()(windows(4, 7))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one.cpu(), other, rtol=0.02, atol=0.02)
