"""The nearest code, found by one product."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.quantisers import nearest as room
from models.quantisers.nearest import first_best, nearest


def _plain(frames: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Squared distances in double precision, written out: (N, C)."""
    gaps = frames.double()[:, None] - codes.double()[None]
    return gaps.square().sum(2)


@settings(max_examples=40, deadline=None)
@given(
    n_rows=st.integers(0, 40),
    n_codes=st.integers(1, 70),
    n_dims=st.integers(1, 9),
    offset=st.sampled_from([0.0, 100.0, 1e4]),
    seed=st.integers(0, 99),
)
def test_no_code_is_nearer(
    n_rows: int, n_codes: int, n_dims: int, offset: float, seed: int
) -> None:
    """What is found is as near as the nearest, for any shape and far from the origin.

    Scores are sums of n_dims products of size |x| |e - m|, each with a relative error
    of 2^-23 or so; 8 more bits cover the sums and the bias.
    """
    draw = torch.Generator().manual_seed(seed)
    frames = offset + torch.randn(n_rows, n_dims, generator=draw)
    codes = offset + torch.randn(n_codes, n_dims, generator=draw)

    found = nearest(frames, codes)

    squared = _plain(frames, codes)
    chosen = squared.gather(1, found[:, None])[:, 0]
    slack = 2.0**-15 * n_dims * (1.0 + offset)
    assert found.shape == (n_rows,)
    assert (chosen <= squared.min(1).values + slack).all() if n_rows else True


def test_codes_far_from_the_origin_are_told_apart() -> None:
    """Ten thousand spreads away, single precision still finds the right code."""
    draw = torch.Generator().manual_seed(0)
    codes = 1e4 + torch.randn(64, 16, generator=draw)
    frames = codes + 0.01 * torch.randn(64, 16, generator=draw)

    assert torch.equal(nearest(frames, codes), torch.arange(64))


@pytest.mark.parametrize("n_codes", [1, 5, 16, 48, 512])
def test_of_equal_scores_the_first_wins(n_codes: int) -> None:
    """Ties are broken alike whether the columns are looked at in groups or not."""
    draw = torch.Generator().manual_seed(1)
    scores = torch.randint(0, 3, (200, n_codes), generator=draw).float()

    found = first_best(scores)

    wanted = [row.index(max(row)) for row in scores.tolist()]
    assert found.tolist() == wanted


def test_many_frames_are_taken_in_turns() -> None:
    """More frames than scores fit in memory at once have the same codes."""
    draw = torch.Generator().manual_seed(2)
    frames = torch.randn(50, 2, generator=draw)
    codes = torch.randn(room.AT_ONCE // 7, 2, generator=draw)

    found = nearest(frames, codes)

    assert torch.equal(found[:7], nearest(frames[:7], codes))
    assert torch.equal(found[49:], nearest(frames[49:], codes))


def test_autocast_is_kept_out() -> None:
    """Half precision would swap neighbours: the scores are single precision."""
    draw = torch.Generator().manual_seed(3)
    frames, codes = torch.randn(2, 300, 8, generator=draw).unbind(0)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = nearest(frames, codes)

    assert torch.equal(found, nearest(frames, codes))
