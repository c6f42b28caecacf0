"""Every silent fault has a name, and a sound quantiser has none."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.health import Evidence, Health, Limits, judge
from models.quantisers.projected import ProjectedFSQ
from models.quantisers.watching import watch
from tests.models.quantisers import broken

N_CLUSTERS, N_CODES, N_DIMS = 8, 16, 6


def _batches(n_batches: int = 12) -> list[Tensor]:
    """Maps of frames from eight clusters of unit width, far apart."""
    draw = torch.Generator().manual_seed(0)
    centres = 5.0 * torch.randn(N_CLUSTERS, N_DIMS, generator=draw)
    index = torch.randint(0, N_CLUSTERS, (n_batches, 8, 50), generator=draw)
    noise = torch.randn(n_batches, 8, 50, N_DIMS, generator=draw)
    frames = centres[index] + noise
    return list(frames.permute(0, 1, 3, 2)[:, :, :, None].contiguous())


def _examined(quantiser: nn.Module, throw_away: float = 0.25) -> Health:
    """Watch it on the clusters, some codes thrown away, and judge."""
    seen = watch(quantiser, _batches(), n_codes=N_CODES, throw_away=throw_away)
    return judge(seen)


@pytest.mark.parametrize("begin", ["kmeans", "points", "random"])
@pytest.mark.parametrize("gradient", ["straight", "rotation"])
def test_our_quantiser_is_sound(begin: str, gradient: str) -> None:
    """Whatever it starts from: nothing is named, and lost codes have come back."""
    start = {"init_scale": 1.0} if begin == "random" else {"init": begin}
    quantiser = VectorQuantizerEMA2D(N_CODES, N_DIMS, gradient=gradient, **start)  # type: ignore[arg-type]

    health = _examined(quantiser)

    assert health.named == ()
    assert health.is_sound
    assert health.metrics()["dead_gradient"] == pytest.approx(0.25, rel=1e-4)


def test_on_clusters_the_perplexity_is_at_least_theirs() -> None:
    """With as many codes as clusters each has one: perplexity 8, variance explained."""
    quantiser = VectorQuantizerEMA2D(N_CLUSTERS, N_DIMS)

    metrics = judge(watch(quantiser, _batches(), n_codes=N_CLUSTERS)).metrics()

    assert metrics["collapse"] == pytest.approx(N_CLUSTERS, rel=0.02)
    assert metrics["unexplained"] < 0.1


def test_the_honest_body_of_the_broken_ones_is_sound() -> None:
    """So that what is named below is the fault, and nothing else."""
    assert _examined(broken.Honest(N_CODES, N_DIMS)).named == ()


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (broken.DetachedEncoder, "dead gradient"),
        (broken.DetachedEncoder, "dead loss"),
        (broken.NormalisedCodes, "apart"),
        (broken.EmptyStart, "out of range"),
        (broken.RevivedInTheCodesAlone, "lost"),
        (broken.SwappedLosses, "swapped losses"),
        (broken.SwappedLosses, "dead gradient"),
        (broken.TwoMasters, "two masters"),
        (broken.LowestTenthRevived, "living revived"),
        (broken.NoStraightThrough, "dead straight-through"),
        (broken.Exploding, "exploding loss"),
        (broken.Exploding, "out of range"),
        (broken.Collapsed, "collapse"),
        (broken.Collapsed, "stuck loss"),
        (broken.Collapsed, "unexplained"),
        (broken.NotANumber, "non-finite"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_fault_is_named(fault: type[broken.Honest], name: str) -> None:
    """Each fault of an original is among what is named."""
    throw_away = 0.0 if fault in {broken.EmptyStart, broken.Collapsed} else 0.25

    health = _examined(fault(N_CODES, N_DIMS), throw_away)

    assert not health.is_sound
    assert name in health.named


def test_few_codes_in_use_are_named() -> None:
    """Three codes of a hundred, used alike, are no collapse but low usage."""
    wins = np.zeros((4, 100), np.int64)
    wins[:, :3] = 50
    frames = np.random.default_rng(0).normal(size=(4, 150, 2))
    seen = Evidence(frames, wins, losses=np.full(4, 0.1), passing=np.ones(4))

    assert judge(seen).named == ("low usage",)


def test_two_codes_used_alike_are_no_collapse() -> None:
    """Where there are few codes at all, half of them is enough."""
    frames = np.random.default_rng(0).normal(size=(4, 150, 2))
    wins = np.full((4, 2), 75)
    seen = Evidence(frames, wins, losses=np.full(4, 0.1), passing=np.ones(4))

    assert judge(seen).named == ()


def test_limits_are_the_callers() -> None:
    """What is ill is what passes the limit that was asked for."""
    frames = np.random.default_rng(0).normal(size=(4, 150, 2))
    wins = np.full((4, 10), 15)
    seen = Evidence(frames, wins, losses=np.full(4, 0.5), passing=np.ones(4))

    assert judge(seen).named == ()
    assert "unexplained" in judge(seen, Limits(unexplained=0.4)).named
    assert judge(seen, Limits(perplexity=2.0, usage=1.0)).named == ("low usage",)


@pytest.mark.parametrize("kind", ["grid", "projected"])
def test_a_grid_can_be_examined_too(kind: str) -> None:
    """There is no codebook to look at; gradients and usage are."""
    quantiser = FSQ([4] * N_DIMS) if kind == "grid" else ProjectedFSQ([4, 4], N_DIMS, 6)
    batches = [0.3 * z for z in _batches(4)]
    n_codes = int(quantiser.num_codes)

    seen = watch(quantiser, batches, n_codes=n_codes, names=None)
    health = judge(seen, Limits(unexplained=9.0, usage=0.0))

    assert health.named == ()
    assert "dead_straight_through" in health.metrics()


def test_what_is_watched_is_not_touched() -> None:
    """A copy is trained; the module keeps its state and its mode."""
    quantiser = VectorQuantizerEMA2D(N_CODES, N_DIMS).eval()
    before = {name: held.clone() for name, held in quantiser.state_dict().items()}

    watch(quantiser, _batches(3), n_codes=N_CODES, throw_away=0.5)

    assert not quantiser.training
    for name, held in quantiser.state_dict().items():
        assert torch.equal(held, before[name])


def test_metrics_are_plain_numbers_by_plain_names() -> None:
    """They can be written down as they are."""
    metrics = _examined(VectorQuantizerEMA2D(N_CODES, N_DIMS)).metrics()

    assert all(type(value) is float for value in metrics.values())
    assert all(name.isidentifier() for name in metrics)
    assert metrics["is_sound"] == 1.0


def test_no_evidence_is_refused() -> None:
    """Nothing seen is not health."""
    empty = Evidence(
        np.zeros((0, 5, 2)), np.zeros((0, 3), int), np.zeros(0), np.ones(0)
    )

    with pytest.raises(ValueError, match=r"frames are \(0, 5, 2\): wanted"):
        judge(empty)


def test_codes_that_are_not_found_are_asked_for() -> None:
    """A module that keeps them elsewhere must not pass for a grid."""
    with pytest.raises(ValueError, match="FSQ has no 'codebook': say by `names`"):
        watch(FSQ([4] * N_DIMS), _batches(2), n_codes=4**N_DIMS)
    with pytest.raises(ValueError, match="batches are empty"):
        watch(VectorQuantizerEMA2D(N_CODES, N_DIMS), [], n_codes=N_CODES)


def test_what_cannot_be_watched_is_refused() -> None:
    """Batches of two shapes, another number of codes, and more than all of them."""
    quantiser, batches = VectorQuantizerEMA2D(N_CODES, N_DIMS), _batches(2)

    with pytest.raises(ValueError, match=r"batches hold \(3, 6, 1, 50\) at 1: wanted"):
        watch(quantiser, [batches[0], batches[1][:3]], n_codes=N_CODES)
    with pytest.raises(ValueError, match="n_codes is 9: 'codebook' holds 16"):
        watch(quantiser, batches, n_codes=9)
    with pytest.raises(ValueError, match=r"throw_away is 1.5: wanted a share"):
        watch(quantiser, batches, n_codes=N_CODES, throw_away=1.5)
