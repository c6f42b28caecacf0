"""Draws against the exact posterior, and simulation against the process."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.hsmm import segments as cut_up
from models.hsmm.draws import draw_rows
from models.hsmm.edges import Edges
from models.hsmm.messages import log_evidence
from models.hsmm.poisson import Poisson
from models.hsmm.process import Process
from models.hsmm.sampling import draw, sample
from models.hsmm.simulation import simulate
from tests.models.hsmm import cases, enumeration

N_DRAWS = 4_000


def _too_far(observed: float, expected: float, n_draws: int) -> bool:
    """Say whether a count lies more than 6 deviations off: below 1e-8 a time."""
    share = expected / n_draws
    deviation = float(np.sqrt(n_draws * share * (1.0 - share)))
    return abs(observed - expected) > 6.0 * deviation + 6.0


@pytest.mark.parametrize("edges", cases.ALL_EDGES, ids=str)
def test_segmentations_are_drawn_as_often_as_they_are_likely(edges: Edges) -> None:
    """Every segmentation of two ragged records, by its exact share."""
    rng = np.random.default_rng(1)
    process = cases.process(3, 3, rng, holes=True)
    log_lik = rng.normal(size=(2, 5, 3))
    log_lik[0, 2, 1] = -np.inf
    lengths = np.array([4, 5])

    draws = sample(process, log_lik, lengths, edges, rng=rng, n_draws=N_DRAWS)

    for n, length in enumerate(lengths):
        mine = [cut_up.of_record(segments, n) for segments in draws]
        counted = Counter((tuple(one.state), tuple(one.length)) for one in mine)
        total = enumeration.evidence(process, log_lik[n, :length], edges)
        for cut in enumeration.cuts(process, log_lik[n, :length], edges):
            seen = counted.pop((cut.states, cut.lengths), 0)
            expected = N_DRAWS * np.exp(cut.log_weight - total)
            assert not _too_far(seen, expected, N_DRAWS), cut
            assert expected > 0.0 or seen == 0
        assert not counted


def test_draws_come_with_the_evidence_they_are_drawn_from() -> None:
    """One backward pass gives both; the same seed gives the same draws."""
    process, log_lik, edges = cases.long_case(200, np.random.default_rng(2))

    first = draw(process, log_lik[None], edges=edges, rng=np.random.default_rng(7))
    again = draw(process, log_lik[None], edges=edges, rng=np.random.default_rng(7))

    evidence = log_evidence(process, log_lik[None])
    np.testing.assert_allclose(first.log_evidence, evidence, rtol=1e-12)
    np.testing.assert_array_equal(first.draws[0], again.draws[0])


def test_draws_fill_their_records() -> None:
    """Each record is covered once, without gaps, to its own length."""
    process, log_lik, _ = cases.long_case(60, np.random.default_rng(3))
    lengths = np.array([60, 0, 25])
    together = np.repeat(log_lik[None], 3, axis=0)

    (found,) = sample(process, together, lengths, rng=np.random.default_rng(4))

    filled = (cut_up.labels(found, 3, 60) >= 0).sum(axis=1)
    np.testing.assert_array_equal(filled, lengths)
    assert found.length.sum() == lengths.sum()


def test_a_record_that_cannot_happen_is_refused() -> None:
    """No segmentation has weight: there is nothing to draw."""
    process = cases.process(2, 3, np.random.default_rng(5))
    log_lik = np.zeros((2, 4, 2))
    log_lik[1, 2] = -np.inf

    with pytest.raises(ValueError, match="sequence 1 cannot happen"):
        sample(process, log_lik, rng=np.random.default_rng(6))


def test_a_row_never_draws_what_has_no_weight() -> None:
    """-inf at either end of a row is passed over, for the extreme uniforms too."""
    rows = np.tile([-np.inf, 0.0, -np.inf], (10_000, 1))

    drawn = draw_rows(rows, np.random.default_rng(8))

    assert (drawn == 1).all()


@pytest.mark.parametrize("left", ["complete", "censored"])
def test_simulated_first_segments_follow_their_law(left: str) -> None:
    """The first state and its frames to go, against pi and d or the settled chain."""
    process = cases.process(3, 4, np.random.default_rng(9))
    n_records = 20_000
    law = (
        enumeration.settled(process)
        if left == "censored"
        else np.exp(process.log_pi + process.log_d)
    )

    found = simulate(
        process,
        np.ones(n_records, dtype=np.int64),
        rng=np.random.default_rng(10),
        left="censored" if left == "censored" else "complete",
    )

    counted = np.zeros_like(law)
    np.add.at(counted, (found.durations - 1, found.segments.state), 1)
    far = [
        _too_far(seen, n_records * p, n_records)
        for seen, p in zip(counted.ravel(), law.ravel(), strict=True)
    ]
    assert not any(far)


def test_a_long_simulation_settles_to_the_censored_law() -> None:
    """Any moment of a long record looks like the first frame of a censored one."""
    process = cases.process(3, 4, np.random.default_rng(11))

    found = simulate(process, np.full(500, 200), rng=np.random.default_rng(12))

    share = np.bincount(found.labels[:, 50:].ravel()) / (500 * 150)
    expected = enumeration.settled(process).sum(axis=0)
    # Some 30,000 renewals: the share of a state has a deviation below 0.005.
    np.testing.assert_allclose(share, expected, atol=0.02)


def test_simulated_segments_are_their_labels() -> None:
    """Labels, segments and durations tell one story, each cut at its record's end."""
    process = cases.process(3, 4, np.random.default_rng(13))
    lengths = np.array([7, 0, 30])

    found = simulate(process, lengths, rng=np.random.default_rng(14))

    np.testing.assert_array_equal(cut_up.labels(found.segments, 3, 30), found.labels)
    np.testing.assert_array_equal((found.labels >= 0).sum(axis=1), lengths)
    assert (found.durations >= found.segments.length).all()
    follows = found.segments.record[1:] == found.segments.record[:-1]
    moved = found.segments.state[1:] != found.segments.state[:-1]
    assert moved[follows].all()


def test_durations_beyond_the_table_are_drawn_from_the_full_law() -> None:
    """With a tail the process refuses to guess; the family's own draw is unbounded."""
    law = Poisson(np.array([6.0, 9.0]))
    table = law.table(3)
    process = Process(
        np.log([0.5, 0.5]),
        cases.log(np.array([[0.0, 1.0], [1.0, 0.0]])),
        table.log_d,
        table.log_tail,
    )
    rng = np.random.default_rng(15)

    with pytest.raises(ValueError, match="may last longer than 3 frames"):
        simulate(process, np.array([50]), rng=rng)
    found = simulate(process, np.array([20_000]), rng=rng, draw=law.draw)

    # About 2700 segments of deviation 2.6: a mean within 6 of 0.05.
    assert found.durations.mean() == pytest.approx(7.5, abs=0.4)


def test_a_record_that_nothing_can_fill_is_refused() -> None:
    """An empty row ends the process: frames are left that no segment covers."""
    never = np.full((1, 1), -np.inf)
    alone = Process(np.zeros(1), never, np.zeros((1, 1)), never[0])

    with pytest.raises(ValueError, match="nothing follows state 0"):
        simulate(alone, np.array([2]), rng=np.random.default_rng(16))


def test_lengths_that_are_none_are_refused() -> None:
    """Halves of frames, and frames owed; a list of whole numbers is read."""
    process, rng = (
        cases.process(2, 3, np.random.default_rng(17)),
        np.random.default_rng(1),
    )

    for wrong in (np.array([2.5]), np.array([-1]), np.array([[3]])):
        with pytest.raises(ValueError, match="lengths are"):
            simulate(process, wrong, rng=rng)
    found = simulate(process, [4, 2], rng=rng)  # type: ignore[arg-type]

    assert (found.labels >= 0).sum() == 6
