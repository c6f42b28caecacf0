"""Duration laws against closed forms, at their extremes, and as fits to counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from models.hsmm import durations
from models.hsmm.histogram import Histogram
from models.hsmm.negative_binomial import NegativeBinomial, geometric
from models.hsmm.poisson import Poisson
from models.hsmm.process import Process
from models.hsmm.process import check as check_process
from models.logspace import logsumexp
from tests.models.hsmm import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.hsmm.durations import Durations

MEANS = np.array([1.0, 1.3, 7.0, 40.0])
FAMILIES: dict[str, Durations] = {
    "poisson": Poisson(MEANS),
    "geometric": geometric(MEANS),
    "negative binomial": NegativeBinomial(MEANS, np.array([0.2, 3.0, 1e-8, 1e8])),
    "histogram": Histogram(
        np.log(np.random.default_rng(0).dirichlet(np.ones(30), 4).T),
        np.full(4, -np.inf),
    ),
}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Durations:
    """Give each family in turn, with four states."""
    return FAMILIES[request.param]


@pytest.mark.parametrize("max_duration", [1, 2, 25])
@pytest.mark.parametrize("truncate", ["tail", "renormalise"])
def test_a_table_is_part_of_a_process(
    family: Durations, max_duration: int, truncate: durations.Truncate
) -> None:
    """With its tail it sums to one; without, it has been made to."""
    table = family.table(max_duration, truncate)
    moves = cases.process(4, 1, np.random.default_rng(1))

    check_process(Process(moves.log_pi, moves.log_a, *table))

    assert table.log_d.shape == (max_duration, 4)
    if truncate == "renormalise":
        assert np.isneginf(table.log_tail).all()


def test_cutting_a_law_renormalises_nothing_in_silence(family: Durations) -> None:
    """What a short table holds is what a long one holds, and the tail is the rest."""
    short, long = family.table(5), family.table(25)

    np.testing.assert_allclose(short.log_d, long.log_d[:5], rtol=1e-13)
    rest = logsumexp(np.vstack([long.log_d[5:], long.log_tail]), axis=0)
    np.testing.assert_allclose(np.exp(short.log_tail), np.exp(rest), rtol=1e-9)


def test_the_full_mean_is_the_cut_mean_and_what_lies_beyond(family: Durations) -> None:
    """A mean is the sum of P(duration >= d): to D from the table, then the excess."""
    table = family.table(12)
    assert table.log_excess is not None
    lasts = np.exp(table.log_d)[::-1].cumsum(axis=0)[::-1] + np.exp(table.log_tail)

    means = lasts.sum(axis=0) + np.exp(table.log_excess)

    # A tail of shape 1e-8 is a difference of numbers near 1: 1e-7 is left of it.
    np.testing.assert_allclose(means, family.means(), rtol=1e-6)


def test_durations_begin_at_one_frame() -> None:
    """A Poisson number of 0 is one frame: the law is shifted, and so is its mean."""
    table = Poisson(np.array([3.0])).table(200)

    np.testing.assert_allclose(np.exp(table.log_d[0, 0]), np.exp(-2.0))
    np.testing.assert_allclose(durations.means_within(table.log_d), [3.0])


def test_the_mean_within_a_table_knows_of_the_cut() -> None:
    """A mean of 40 frames cut at 25 is below 25, and the full mean is kept apart."""
    law = Poisson(np.array([40.0]))

    within = durations.means_within(law.table(25).log_d)

    lengths = np.arange(1, 26)
    p = stats.poisson.pmf(lengths - 1, 39.0)
    np.testing.assert_allclose(within, [(lengths * p).sum() / p.sum()])
    np.testing.assert_allclose(law.means(), [40.0])


@pytest.mark.parametrize("mean", [1.0, 1.5, 60.0, 1e6])
@pytest.mark.parametrize("max_duration", [1, 5, 300])
def test_poisson_is_the_textbooks(mean: float, max_duration: int) -> None:
    """Against scipy, the tail too where scipy has one above 0."""
    table = Poisson(np.array([mean])).table(max_duration)

    x = np.arange(max_duration)
    expected = stats.poisson.logpmf(x, mean - 1.0)
    np.testing.assert_allclose(table.log_d[:, 0], expected, rtol=1e-12, atol=1e-12)
    tail = stats.poisson.logsf(max_duration - 1, mean - 1.0)
    if np.isfinite(tail):
        np.testing.assert_allclose(table.log_tail, [tail], rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("shape", [1e-8, 0.4, 1.0, 30.0])
@pytest.mark.parametrize("mean", [1.5, 60.0, 1e6])
def test_negative_binomial_is_the_textbooks(mean: float, shape: float) -> None:
    """Against scipy, for shapes at which its log-gammas keep 10 digits."""
    table = NegativeBinomial(np.array([mean]), np.array([shape])).table(200)

    x = np.arange(200)
    p = shape / (shape + mean - 1.0)
    expected = stats.nbinom.logpmf(x, shape, p)
    np.testing.assert_allclose(table.log_d[:, 0], expected, rtol=1e-9, atol=1e-10)
    total = np.exp(table.log_d).sum() + np.exp(table.log_tail)
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


@pytest.mark.parametrize("shape", [1e-8, 1.0, 1e8])
def test_a_mean_of_one_frame_is_certain(shape: float) -> None:
    """Nothing is added to the one frame, whatever the shape."""
    table = NegativeBinomial(np.ones(1), np.array([shape])).table(3)

    np.testing.assert_array_equal(table.log_d[:, 0], [0.0, -np.inf, -np.inf])
    assert np.isneginf(table.log_tail).all()


def test_a_great_shape_is_poisson() -> None:
    """Shape 1e8 and 1e12: the limit, to what the shape itself leaves apart."""
    poisson = Poisson(np.array([20.0])).table(60).log_d
    for shape in (1e8, 1e12):
        found = NegativeBinomial(np.array([20.0]), np.array([shape])).table(60).log_d

        # The laws differ by about x^2 / (2 r) in logs.
        np.testing.assert_allclose(found, poisson, atol=60.0**2 / shape + 1e-12)


def test_shape_one_is_geometric() -> None:
    """P(d) = (1/mean) (1 - 1/mean)^(d-1)."""
    table = geometric(np.array([5.0])).table(40)

    expected = np.log(0.2) + np.arange(40) * np.log(0.8)
    np.testing.assert_allclose(table.log_d[:, 0], expected, rtol=1e-13)
    np.testing.assert_allclose(table.log_tail, [40 * np.log(0.8)], rtol=1e-12)


def test_a_tail_too_small_for_a_number_is_kept_in_logs() -> None:
    """P(duration > 1000) of a mean of 2 is near e^-5913, not 0."""
    table = Poisson(np.array([2.0])).table(1000)

    # P(X >= 1000) for rate 1 is P(X = 1000) (1 + 1/1001 + ...).
    first = -1.0 - np.log(np.arange(1, 1001)).sum()
    np.testing.assert_allclose(
        table.log_tail, [first + np.log1p(1 / 1001 + 1e-6)], rtol=1e-9
    )


def test_draws_have_the_mean_and_begin_at_one(family: Durations) -> None:
    """The full law, unbounded: 6 standard errors around its mean."""
    states = np.repeat([0, 1, 3], 20_000)

    drawn = family.draw(states, np.random.default_rng(2))

    assert drawn.min() >= 1
    for k in (0, 1, 3):
        mine = drawn[states == k]
        error = 6.0 * mine.std() / np.sqrt(len(mine)) + 1e-12
        assert mine.mean() == pytest.approx(family.means()[k], abs=error)


LAWS: dict[str, Poisson | NegativeBinomial] = {
    "poisson": Poisson(np.array([4.0, 30.0, 1.5])),
    "negative binomial": NegativeBinomial(
        np.array([4.0, 30.0, 12.0]), np.array([1.0, 8.0, 0.5])
    ),
}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("truncate", ["tail", "renormalise"])
def test_a_fit_to_what_is_expected_is_the_law_itself(
    name: str, truncate: durations.Truncate
) -> None:
    """Counts as the law has them: with a tail, what lasts longer is censored at D.

    The likelihood is flat to 1e-15 within about 1e-7 of its peak.
    """
    law = LAWS[name]
    table = law.table(40, truncate)
    whole = 1e4 * np.exp(table.log_d)
    cut = np.zeros_like(whole)
    # All that are known to have lasted 40 frames, and no more of them.
    cut[-1] = whole[-1] + 1e4 * np.exp(table.log_tail)
    whole[-1] = 0.0

    found = type(law).fit(whole, cut, truncate=truncate)

    for got, wanted in zip(found, law, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4)


@pytest.mark.parametrize("kind", [Poisson, NegativeBinomial, Histogram])
def test_ignoring_that_durations_were_cut_makes_them_too_short(
    kind: type[Poisson | NegativeBinomial | Histogram],
) -> None:
    """Half of all stays are cut at random: taken as whole they are fit too short."""
    rng = np.random.default_rng(3)
    lasted = 1 + rng.poisson(14.0, 20_000)
    stopped = rng.integers(1, 41, 20_000)
    whole, cut = np.zeros((40, 1)), np.zeros((40, 1))
    np.add.at(whole, np.minimum(lasted, 40)[lasted < stopped] - 1, 1)
    np.add.at(cut, stopped[lasted >= stopped] - 1, 1)

    right = kind.fit(whole, cut).table(40, "renormalise").log_d
    wrong = kind.fit(whole + cut).table(40, "renormalise").log_d

    assert durations.means_within(right)[0] == pytest.approx(15.0, abs=0.3)
    assert durations.means_within(wrong)[0] < 13.0


def test_a_histogram_is_what_was_counted() -> None:
    """Without censoring: shares. What is never counted cannot happen."""
    counts = np.array([[1.0, 0.0], [3.0, 0.0], [0.0, 2.0]])

    found = Histogram.fit(counts)

    np.testing.assert_allclose(
        np.exp(found.log_d), [[0.25, 0.0], [0.75, 0.0], [0.0, 1.0]]
    )
    assert np.isneginf(found.log_tail).all()


def test_a_histogram_keeps_what_outlasted_all_counts_as_its_tail() -> None:
    """One of 1, one of 3, one cut at 2 and one cut at 3: Kaplan and Meier by hand."""
    whole, cut = np.array([[1.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [1.0]])

    found = Histogram.fit(whole, cut)
    spread = Histogram.fit(whole, cut, truncate="renormalise")

    # P(1) = 1/4. Then 3 are known to have lasted 2 frames, and none ended there. Of
    # those that outlasted 2, one is known to have ended at 3, and it is the only one
    # of whom it is known whether it did.
    np.testing.assert_allclose(np.exp(found.log_d[:, 0]), [0.25, 0.0, 0.75])
    np.testing.assert_allclose(np.exp(spread.log_d[:, 0]), [0.25, 0.0, 0.75])


def test_a_state_without_counts_is_refused_or_keeps_its_law() -> None:
    """Nothing says how long it lasts: the caller must."""
    counts = np.array([[1.0, 0.0], [2.0, 0.0]])
    before = Poisson(np.array([9.0, 5.0]))

    with pytest.raises(ValueError, match="nothing was counted of state 1"):
        Poisson.fit(counts)
    kept = Poisson.fit(counts, otherwise=before)

    np.testing.assert_allclose(kept.mean, [5.0 / 3.0, 5.0])


REFUSED: dict[str, Callable[[], object]] = {
    "a mean below one": lambda: Poisson(np.array([2.0, 0.5])).table(3),
    "a shape of zero": lambda: NegativeBinomial(np.ones(1), np.zeros(1)).table(3),
    "no durations": lambda: Poisson(np.ones(1)).table(0),
    "a negative count": lambda: Poisson.fit(np.array([[1.0], [-1.0]])),
    "counts of another shape": lambda: Poisson.fit(np.ones((2, 1)), np.ones((3, 1))),
    "an unknown cut": lambda: Poisson(np.ones(1)).table(3, "silently"),  # type: ignore[arg-type]
}
WORDS = {
    "a mean below one": "mean of state 1 is 0.5",
    "a shape of zero": "shape of state 0 is 0.0",
    "no durations": "max_duration is 0",
    "a negative count": "counts holds -1.0 for duration 2 of state 0",
    "counts of another shape": r"censored has shape \(3, 1\)",
    "an unknown cut": "truncate is 'silently'",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_law_is_refused_by_name(name: str) -> None:
    """Parameters and counts, with the state and the value."""
    with pytest.raises(ValueError, match=WORDS[name]):
        REFUSED[name]()
