"""The M-step: the maximum of the counts, censored ones too, in frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from models.hsmm import code_emission, em
from models.hsmm.code_emission import CodeEmission
from models.hsmm.counts import Counts
from models.hsmm.durations import Durations, Truncate
from models.hsmm.edges import Edges
from models.hsmm.em import Model, Rule
from models.hsmm.histogram import Histogram
from models.hsmm.maximise import Dynamics, Prior, maximise
from models.hsmm.poisson import Poisson
from models.hsmm.process import Process
from models.shapes import Array, IntArray
from tests.models.fitting.drawn import (
    FAMILIES,
    some_laws,
    some_records,
    some_start,
)
from tests.models.fitting.enumerated import expected, some_process

NOTHING = Prior(0.0, 0.0, 0.0)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Let log 0 be written as such in this file."""
    with np.errstate(divide="ignore"):
        yield


def _known(durations: list[int], n_frames: int) -> tuple[IntArray, IntArray, Model]:
    """Two states told apart by their codes, in turns, cut after `n_frames`."""
    labels = np.repeat(np.arange(len(durations)) % 2, durations)[None, :n_frames]
    emission = CodeEmission(np.log(np.array([[1.0, 1e-9], [1e-9, 1.0]])), np.zeros(2))
    laws = Poisson(np.array([9.0, 9.0]))
    table = laws.table(60)
    process = Process(np.log([0.5, 0.5]), np.log([[0.0, 1.0], [1.0, 0.0]]), *table)
    return (
        labels,
        np.array([labels.shape[1]]),
        Model(Dynamics(process, laws), emission),
    )


def test_one_step_is_the_maximum_of_enumerated_counts() -> None:
    """Shares by hand from every segmentation of three records of up to 6 frames."""
    start = some_start(2, Histogram, longest=4, pseudo=0.0)
    codes, lengths = some_records(3, 6)
    log_lik = start.emission.log_lik(codes, lengths)
    process = start.dynamics.process
    sums = [expected(process, log_lik[n, :t], Edges()) for n, t in enumerate(lengths)]

    found = em.fit(codes, lengths, start, prior=NOTHING, rule=Rule(0.0, 2)).model

    new = found.dynamics.process
    first = np.sum([one.first for one in sums], axis=0)
    moves = np.sum([one.moves for one in sums], axis=0)
    ended = np.sum([one.ended for one in sums], axis=0)
    cut = np.sum([one.cut for one in sums], axis=0)
    shown = np.zeros((3, 5))
    for n, one in enumerate(sums):
        np.add.at(shown.T, codes[n, : lengths[n]], one.occupancy)
    for log_p, counts in (
        (new.log_pi[None], first[None]),
        (new.log_a, moves),
        (found.emission.log_b, shown),  # type: ignore[attr-defined]
    ):
        shares = counts / counts.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(np.exp(log_p), shares, atol=1e-12)
    np.testing.assert_allclose(np.exp(new.log_d), _kaplan_meier(ended, cut), atol=1e-12)


def _kaplan_meier(ended: Array, cut: Array) -> Array:
    """Share that ends at each duration, one state and one duration at a time."""
    law = np.zeros_like(ended)
    for k in range(ended.shape[1]):
        surviving = 1.0
        for d in range(len(ended)):
            at_risk = ended[d:, k].sum() + cut[d + 1 :, k].sum()
            law[d, k] = surviving * ended[d, k] / at_risk if at_risk else 0.0
            surviving -= law[d, k]
    return law


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("truncate", ["tail", "renormalise"])
def test_no_other_law_suits_the_counts_better(
    family: type[Durations], truncate: Truncate
) -> None:
    """300 laws near and far score lower than the one that the M-step gives."""
    start = some_start(4, family, truncate=truncate).dynamics
    rng = np.random.default_rng(5)
    counts = Counts(
        np.ones(3),
        np.ones((3, 3)),
        rng.gamma(1.0, 3.0, (6, 3)),
        rng.gamma(1.0, 1.0, (6, 3)),
    )
    best = maximise(counts, NOTHING, start)

    def score(process: Process) -> Array:
        log_law = np.vstack([process.log_d, process.log_tail])
        surviving = np.logaddexp.accumulate(log_law[::-1])[::-1][:-1]
        terms = counts.ended * process.log_d + counts.cut * surviving
        return np.asarray(terms.sum(axis=0))

    for _ in range(300):
        laws = some_laws(family, 6, rng)
        other = start.process._replace(**laws.table(6, truncate)._asdict())
        assert (score(other) <= score(best.process) + 1e-7).all()


def test_durations_are_learned_in_frames() -> None:
    """Segments of 5 and of 8 frames give means 5 and 8: no more, no less."""
    codes, lengths, start = _known([5, 8] * 10, 130)
    found = em.fit(codes, lengths, start, prior=NOTHING, edges=Edges(right="complete"))

    means = found.model.dynamics.durations.means()

    np.testing.assert_allclose(means, [5.0, 8.0], atol=1e-4)


def test_a_last_segment_that_was_cut_off_counts_as_longer() -> None:
    """The likeliest mean of 6, 6 and more than 20 frames, found by a scan of means."""
    codes, lengths, start = _known([6, 5, 6, 5, 40], 42)
    found = em.fit(codes, lengths, start, prior=NOTHING, rule=Rule(0.0, 50))

    means = found.model.dynamics.durations.means()

    grid = np.linspace(10.5, 11.5, 1_001)
    law = stats.poisson(grid - 1.0)
    best = grid[np.argmax(2.0 * law.logpmf(5) + law.logsf(18))]
    assert means[0] == pytest.approx(best, abs=2e-3)
    assert grid[0] < best < grid[-1]
    assert means[0] > 10.0
    assert means[1] == pytest.approx(5.0, abs=1e-4)


def test_what_was_barred_stays_barred() -> None:
    """Log 0 in log_pi and log_a is structure, whatever the pseudo-counts."""
    start = some_start(8, Poisson)
    process = start.dynamics.process
    log_a = np.log([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.0]])
    log_pi = np.log([0.5, 0.5, 0.0])
    barred = process._replace(log_a=log_a, log_pi=log_pi)
    start = start._replace(dynamics=start.dynamics._replace(process=barred))

    found = em.fit(*some_records(8), start, rule=Rule(0.0, 5)).model.dynamics.process

    np.testing.assert_array_equal(np.isneginf(found.log_a), np.isneginf(log_a))
    np.testing.assert_array_equal(np.isneginf(found.log_pi), np.isneginf(log_pi))


def test_a_state_that_dies_is_named_and_keeps_its_prior() -> None:
    """A third state whose codes never come: even codes, even moves, finite laws."""
    codes, lengths, start = _known([5, 8] * 10, 130)
    log_b = np.log(
        np.array([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.005, 0.005, 0.99]])
    )
    process = some_process(3, 60, np.random.default_rng(9))
    laws = Poisson(np.array([5.0, 8.0, 30.0]))
    start = Model(
        Dynamics(process._replace(**laws.table(60)._asdict()), laws),
        CodeEmission(log_b, np.full(3, 0.1)),
    )

    found = em.fit(codes, lengths, start)

    dead = 2
    assert found.died.tolist() == [dead]
    model = found.model
    np.testing.assert_allclose(np.exp(model.emission.log_b[dead]), 1 / 3, atol=0.05)  # type: ignore[attr-defined]
    np.testing.assert_allclose(
        np.exp(model.dynamics.process.log_a[dead, :2]), 0.5, atol=0.05
    )
    assert np.isfinite(model.dynamics.durations.means()).all()


def test_a_code_table_of_zeros_survives_em() -> None:
    """Emissions with log 0 give evidence and posteriors without nan."""
    codes = np.tile([0, 0, 1, 1, 1], 6)[None]
    start = some_start(13, Histogram, pseudo=0.0)
    even = code_emission.even(3, 5, pseudo=0.0)
    tilted = even._replace(log_b=np.log(np.eye(3, 5, k=1) + np.eye(3, 5)))

    found = em.fit(
        codes, np.array([30]), start._replace(emission=tilted), prior=NOTHING
    )

    assert np.isfinite(found.objective).all()
    assert np.isfinite(found.posterior.occupancy).all()


def test_a_shortest_duration_is_a_parameter_in_frames() -> None:
    """Where the start's histogram bars 1 to 3 frames, no fit gives them a chance."""
    start = some_start(14, Histogram)
    with np.errstate(divide="ignore"):
        log_d = np.log(np.repeat([0.0, 0.0, 0.0, 0.5, 0.3, 0.2], 3).reshape(6, 3))
    laws = Histogram(log_d, np.full(3, -np.inf))
    process = start.dynamics.process._replace(**laws.table(6)._asdict())

    found = em.fit(
        *some_records(14),
        start._replace(dynamics=Dynamics(process, laws)),
        rule=Rule(0.0, 8),
    )

    learned = found.model.dynamics.process.log_d
    assert np.isneginf(learned[:3]).all()
    assert np.isfinite(learned[3:]).all()
    assert (np.diff(found.objective) >= -1e-9 * np.abs(found.objective[0])).all()
