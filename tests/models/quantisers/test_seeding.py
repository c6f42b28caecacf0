"""First codes with the counts that belong to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from models.quantisers import draws, seeding
from models.quantisers.nearest import nearest


def _sample(n_rows: int = 400) -> torch.Tensor:
    """Five tight clusters, far apart: (N, 3)."""
    draw = torch.Generator().manual_seed(0)
    centres = 10.0 * torch.randn(5, 3, generator=draw)
    index = torch.arange(n_rows) % 5
    return centres[index] + 0.01 * torch.randn(n_rows, 3, generator=draw)


def test_kmeans_finds_clusters_with_their_sizes() -> None:
    """As many codes as clusters: each is a cluster's mean, and counts its frames."""
    sample = _sample()

    start = seeding.kmeans(sample, 5, draws.stream(0, 0))

    means = torch.stack([sample[k::5].mean(0) for k in range(5)])
    assert sorted(start.counts.tolist()) == [80.0] * 5
    order = nearest(means, start.codes)
    torch.testing.assert_close(start.codes[order], means)


def test_kmeans_counts_and_codes_agree() -> None:
    """Each count is a number of frames, and each code the mean of so many."""
    sample = _sample()

    start = seeding.kmeans(sample, 12, draws.stream(3, 0))

    assert float(start.counts.sum()) == len(sample)
    assert (start.counts > 0).all()


def test_points_are_distinct_frames_with_equal_shares() -> None:
    """A sample full of repeats gives each point once."""
    sample = torch.arange(8.0).repeat(50)[:, None]

    start = seeding.points(sample, 8, draws.stream(0, 0))

    assert sorted(start.codes.flatten().tolist()) == list(range(8))
    assert start.counts.tolist() == [50.0] * 8


@pytest.mark.parametrize("begin", [seeding.kmeans, seeding.points])
def test_fewer_frames_than_codes_still_give_codes(
    begin: Callable[..., seeding.Start],
) -> None:
    """Two frames and five codes: every code is a frame, and all is finite."""
    sample = torch.tensor([[0.0, 1.0], [2.0, 3.0]])

    start = begin(sample, 5, draws.stream(0, 0))

    assert {tuple(row) for row in start.codes.tolist()} == {(0.0, 1.0), (2.0, 3.0)}
    assert start.counts.isfinite().all()


def test_far_points_are_drawn_first() -> None:
    """k-means++ never draws a point twice while another is left at a distance."""
    sample = torch.cat([torch.zeros(1000, 1), torch.tensor([[5.0], [9.0]])])

    drawn = seeding.spread(sample, 3, draws.stream(0, 0))

    assert sorted(drawn.flatten().tolist()) == [0.0, 5.0, 9.0]


def test_one_seed_and_step_give_one_stream() -> None:
    """Draws depend on both, and on nothing that was drawn before."""
    first = draws.places(5, 100, draws.stream(7, 3))
    torch.rand(10)

    assert torch.equal(first, draws.places(5, 100, draws.stream(7, 3)))
    assert not torch.equal(first, draws.places(5, 100, draws.stream(7, 4)))
    assert not torch.equal(first, draws.places(5, 100, draws.stream(8, 3)))
    assert not torch.equal(first, draws.places(5, 100, draws.stream(6, 4)))
