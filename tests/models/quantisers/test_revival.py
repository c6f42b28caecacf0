"""Dead codes come back onto frames, and stay."""

from __future__ import annotations

import torch
from torch import Tensor

from models.quantisers.ema import VectorQuantizerEMA2D


def _map(seed: int) -> Tensor:
    """Frames of four far clusters: (8, 2, 1, 50)."""
    draw = torch.Generator().manual_seed(seed)
    centres = torch.tensor([[9.0, 0.0], [-9.0, 0.0], [0.0, 9.0], [0.0, -9.0]])
    index = torch.randint(0, 4, (8, 50), generator=draw)
    frames = centres[index] + torch.randn(8, 50, 2, generator=draw)
    return frames.permute(0, 2, 1)[:, :, None].contiguous()


def _with_lost_codes(**settings: object) -> VectorQuantizerEMA2D:
    """Eight codes at work, then two of them thrown far away without a count."""
    quantiser = VectorQuantizerEMA2D(8, 2, **settings)  # type: ignore[arg-type]
    quantiser(_map(0))
    quantiser.codebook[6:] = 500.0
    quantiser.counts[6:] = 1e-4
    return quantiser


def test_a_dead_code_moves_onto_a_frame_with_a_mean_count() -> None:
    """Code, count and sum change together, so that they still agree."""
    quantiser, z = _with_lost_codes(), _map(1)

    info = quantiser(z)[2]

    frames = z.permute(0, 2, 3, 1).reshape(-1, 2)
    for code in (6, 7):
        assert (frames == quantiser.codebook[code]).all(1).any()
    assert int(info["dead_codes"]) == 2
    mean = float(quantiser.counts[:6].sum() + 2e-4 * 0.99) / 8
    torch.testing.assert_close(quantiser.counts[6:], torch.full((2,), mean))
    wanted = quantiser.counts[:, None] * quantiser.codebook
    torch.testing.assert_close(quantiser.sums, wanted)


def test_a_revived_code_survives_the_next_updates() -> None:
    """Fifty steps later it is near where it was put, and wins frames."""
    quantiser = _with_lost_codes()
    quantiser(_map(1))
    put = quantiser.codebook[6:].clone()

    quantiser(_map(2))
    moved = (quantiser.codebook[6:] - put).norm(dim=1)
    won = sum(quantiser(_map(seed))[2]["code_histogram"] for seed in range(3, 53))

    assert float(moved.max()) < 1.0
    assert isinstance(won, Tensor)
    assert (won[6:] > 0).all()


def test_living_codes_are_left_alone() -> None:
    """With nothing dead a step is the same whether reviving is on or off."""
    on, off = (
        VectorQuantizerEMA2D(8, 2, enable_dead_code_refresh=wanted)
        for wanted in (True, False)
    )

    for seed in range(5):
        on(_map(seed))
        off(_map(seed))

    assert torch.equal(on.codebook, off.codebook)
    assert torch.equal(on.counts, off.counts)


def test_no_code_is_revived_when_that_is_off() -> None:
    """A dead code keeps its place, and is still told of."""
    quantiser = _with_lost_codes(enable_dead_code_refresh=False)

    info = quantiser(_map(1))[2]

    assert quantiser.codebook[6:].tolist() == [[500.0, 500.0]] * 2
    assert int(info["dead_codes"]) == 2


def test_more_dead_codes_than_frames_revive_what_there_is() -> None:
    """Three frames revive three codes, onto three different frames."""
    quantiser = VectorQuantizerEMA2D(8, 2, init_scale=1.0)
    quantiser.counts[1:] = 1e-4
    quantiser.codebook[1:] = 500.0
    z = _map(1)[:1, :, :, :3]

    quantiser(z)

    frames = z[0, :, 0].T
    onto = (quantiser.codebook[:, None] == frames[None]).all(2)
    assert onto[1:4].any(1).all()
    assert not onto[4:].any()
    assert (onto.sum(0) == 1).all()


def test_which_frames_are_taken_depends_on_the_seed_alone() -> None:
    """The same seed revives onto the same frames, whatever else has been drawn."""
    one, same, other = (_with_lost_codes(seed=seed) for seed in (3, 3, 4))

    one(_map(1))
    torch.rand(100)
    same(_map(1))
    other(_map(1))

    assert torch.equal(one.codebook, same.codebook)
    assert not torch.equal(one.codebook[6:], other.codebook[6:])


def test_each_step_draws_frames_of_its_own() -> None:
    """The same batch again, and codes lost again: they come back onto others."""
    quantiser, found = _with_lost_codes(), []

    for _ in range(2):
        quantiser.counts[6:] = 1e-4
        quantiser(_map(1))
        found.append(quantiser.codebook[6:].clone())

    assert not torch.equal(*found)


def test_a_saved_quantiser_goes_on_as_if_never_stopped() -> None:
    """State after k steps, loaded elsewhere, gives the same bits, revivals included."""
    whole = _with_lost_codes()
    half = _with_lost_codes()
    whole(_map(1))
    half(_map(1))
    fresh = VectorQuantizerEMA2D(8, 2)
    fresh.load_state_dict(half.state_dict())

    for seed in range(2, 8):
        for quantiser in (whole, fresh):
            if seed == 4:
                quantiser.counts[:2] = 1e-4
            quantiser(_map(seed))

    assert torch.equal(whole.codebook, fresh.codebook)
    assert torch.equal(whole.counts, fresh.counts)
    assert int(whole.steps) == int(fresh.steps) == 8


def test_a_state_from_before_the_start_starts_anew() -> None:
    """Loading what has seen no batch takes its first codes from the next one."""
    untouched = VectorQuantizerEMA2D(8, 2)
    used = VectorQuantizerEMA2D(8, 2)
    used(_map(5))

    used.load_state_dict(untouched.state_dict())
    used(_map(0))
    untouched(_map(0))

    assert torch.equal(used.codebook, untouched.codebook)
