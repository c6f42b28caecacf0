"""The sweep is right: judged by two ways to draw the same joint distribution.

Geweke's test (2004): draw the unknown and the data from the model, again and again
anew; or keep the unknown, draw data from it, sweep, and go on. Both ways the unknown
has its prior distribution. A fault anywhere in the sweep pulls the second away.
"""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import durations, gibbs, hsmm
from models.first.gibbs import Prior, State
from models.first.hdp import Concentrations
from models.logspace import draw
from models.shapes import Array, IntArray

TINY = Prior(
    n_states=3,
    n_codes=2,
    laws=durations.grid(4, 2),
    emission=1.0,
    strengths=Concentrations(top=3.0, spread=3.0),
)


def record(
    prior: Prior, state: State, n_steps: int, rng: np.random.Generator
) -> IntArray:
    """Draw codes (T, 1) from a state: segments until the record is full, then cut."""
    log_next = state.log_first
    codes: list[int] = []
    while len(codes) < n_steps:
        now = draw(log_next, rng)
        length = 1 + draw(prior.laws[:, state.law[now]], rng)
        codes += [draw(state.log_emission[now], rng) for _ in range(length)]
        log_next = state.log_rows[now]
    return np.array(codes[:n_steps])[:, None]


def traits(prior: Prior, state: State, codes: IntArray) -> Array:
    """Some numbers of a state and its data, all of bounded size."""
    lasting = gibbs.mean_durations(prior, state)
    changes = (codes[1:] != codes[:-1]).mean()
    return np.array(
        [
            np.exp(state.log_first[0]),
            state.shares[0] ** 2,
            np.exp(state.log_rows[0, 1]) ** 2,
            np.exp(state.log_emission[0, 0]) ** 2,
            lasting[0],
            lasting[0] ** 2,
            np.exp(state.log_first) @ lasting,
            changes,
        ]
    )


def error_of_mean(drawn: Array, block: int) -> Array:
    """Standard error of the mean of a chain (S, .): blocks count as independent."""
    blocks = drawn.reshape(-1, block, drawn.shape[1]).mean(axis=1)
    error: Array = blocks.std(axis=0, ddof=1) / np.sqrt(len(blocks))
    return error


class Sweeps(unittest.TestCase):
    """The whole sampler."""

    def test_sweeps_and_the_prior_agree_on_the_joint(self) -> None:
        """Every trait within four and a half standard errors; eight are looked at.

        Durations go up to 16 and records are 4 long, so that nearly every record ends
        in a segment that is cut off: a censored one taken as whole is ten errors away.
        """
        prior, rng = (
            TINY._replace(laws=durations.grid(16, 2)),
            chance.stream(0, "joint"),
        )
        anew, swept = [], []
        state = gibbs.from_prior(prior, rng)
        for _ in range(800):
            fresh = gibbs.from_prior(prior, rng)
            anew.append(traits(prior, fresh, record(prior, fresh, 4, rng)))
            codes = record(prior, state, 4, rng)
            swept.append(traits(prior, state, codes))
            state = gibbs.sweep(prior, state, codes, rng).state

        first, second = np.array(anew), np.array(swept)

        error = np.hypot(error_of_mean(first, 1), error_of_mean(second, 40))
        gap = np.abs(first.mean(axis=0) - second.mean(axis=0)) / error
        assert (gap < 4.5).all(), gap

    def test_kept_sweeps_are_the_later_half(self) -> None:
        """Each sweep is told once, in order."""
        codes, told = np.array([[0], [0], [1], [1]]), []

        kept = gibbs.fit(
            TINY, codes, 5, chance.stream(1, "fit"), lambda done, _: told.append(done)
        )

        assert told == [1, 2, 3, 4, 5]
        assert len(kept) == 3


class Counting(unittest.TestCase):
    """What segments add up to."""

    def test_counts_of_one_record_by_hand(self) -> None:
        """Three segments, the last of which may have gone on."""
        state = gibbs.from_prior(TINY, chance.stream(2, "prior"))
        one = hsmm.Segments(np.array([1, 0, 1]), np.array([2, 1, 4]))
        codes = np.array([0, 1, 1, 0, 0, 0, 1])[:, None]

        seen = gibbs.count(TINY, state, [one], codes, chance.stream(2, "count"))

        np.testing.assert_array_equal(seen.first, [0, 1, 0])
        np.testing.assert_array_equal(seen.moves, [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
        np.testing.assert_array_equal(seen.emitted, [[0, 1], [4, 2], [0, 0]])
        np.testing.assert_array_equal(
            seen.lengths, [[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0]]
        )

    def test_a_cut_off_duration_is_drawn_from_what_is_left_of_its_law(self) -> None:
        """Two frames seen: 2, 3 or 4 by their shares, to five binomial errors."""
        state = gibbs.from_prior(TINY, chance.stream(6, "prior"))
        one = hsmm.Segments(np.array([1]), np.array([2]))
        codes, rng, n = np.zeros((2, 1), dtype=np.int64), chance.stream(6, "cut"), 2000

        seen = [gibbs.count(TINY, state, [one], codes, rng).lengths for _ in range(n)]

        law = np.exp(TINY.laws[:, state.law[1]])
        wanted = np.where(np.arange(1, 5) >= 2, law, 0.0) / law[1:].sum()
        error = np.sqrt(wanted * (1.0 - wanted) / n)
        gap = np.abs(np.mean(seen, axis=0)[:, 1] - wanted)
        assert (gap <= 5.0 * error).all(), gap

    def test_a_law_is_drawn_by_its_likelihood(self) -> None:
        """With many durations of one law, it is that law."""
        laws = np.log(np.array([[0.9, 0.1], [0.1, 0.9]]))
        lengths = np.array([[50, 3], [5, 40]])

        found = gibbs.draw_laws(laws, lengths, chance.stream(3, "laws"))

        np.testing.assert_array_equal(found, [0, 1])


class Judging(unittest.TestCase):
    """Evidence of records that were not swept over."""

    def test_independent_evidence_of_even_codes_is_known(self) -> None:
        """Two codes seen equally often: T log(1/2)."""
        train = np.array([[0, 1], [1, 0]])

        found = gibbs.log_independent(train, np.array([[0], [0], [1]]), TINY)

        np.testing.assert_allclose(found, [3 * np.log(0.5)], rtol=1e-14)

    def test_predictive_of_one_draw_is_its_evidence(self) -> None:
        """And of two equal draws the same."""
        rng = chance.stream(4, "predictive")
        codes = np.array([[0, 1], [0, 0], [1, 1]])
        one = gibbs.sweep(TINY, gibbs.from_prior(TINY, rng), codes, rng)

        found = gibbs.log_predictive(TINY, [one, one], codes)

        known = gibbs.model(TINY, one.state)
        wanted = hsmm.backward(known, gibbs.log_likelihood(one.state, codes))
        np.testing.assert_allclose(found, wanted.log_evidence, rtol=1e-12)


class Recovery(unittest.TestCase):
    """Fit what was simulated."""

    def test_two_clear_states_are_found(self) -> None:
        """Long runs of two codes: labels agree up to their names, and they last."""
        truth = np.repeat(np.arange(12) % 2, 10)
        codes = np.where(truth == 1, 1, 0)[:, None]
        prior = TINY._replace(laws=durations.grid(20, 6), emission=0.1)

        last = gibbs.fit(prior, codes, 40, chance.stream(5, "fit"), lambda *_: None)[-1]

        found = gibbs.decode(prior, last.state, codes)[0]
        assert len(set(zip(found.tolist(), truth.tolist(), strict=True))) == 2
        lasting = gibbs.mean_durations(prior, last.state)[found[0]]
        assert lasting > 5.0
