"""The evidence against every segmentation, one by one; and what it must obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from models.hsmm import exact, sweep
from models.hsmm import records as laid
from models.hsmm.edges import Edges, weights
from models.hsmm.messages import backward, evidence, forward, log_evidence
from models.hsmm.negative_binomial import geometric
from models.hsmm.process import Process
from models.hsmm.sampling import first_law
from models.logspace import logsumexp
from tests.models.hsmm import cases, enumeration

COMPLETE = Edges("complete", "complete")


@given(cases.cases())
@settings(max_examples=150, deadline=None)
def test_the_evidence_is_the_sum_over_every_segmentation(case: cases.Case) -> None:
    """Both edges, holes, tails and impossible emissions; 1e-10 of numbers near 1e3."""
    expected = enumeration.evidence(*case)

    found = log_evidence(case.process, case.log_lik[None], edges=case.edges)

    np.testing.assert_allclose(found, [expected], rtol=1e-12, atol=1e-10)


def test_durations_change_the_evidence() -> None:
    """A record of long stays is likelier under long durations than under short ones."""
    rng = np.random.default_rng(3)
    process = cases.process(3, 8, rng)
    short = process._replace(log_d=np.repeat(cases.log(np.eye(8)[0])[:, None], 3, 1))
    long = process._replace(log_d=np.repeat(cases.log(np.eye(8)[7])[:, None], 3, 1))
    log_lik = np.full((1, 32, 3), -5.0)
    log_lik[0, np.arange(32), np.repeat([0, 1, 2, 0], 8)] = 0.0

    by_short, by_long = log_evidence(short, log_lik), log_evidence(long, log_lik)

    # 8 frames of another state cost 5 nats each; the moves cost both models alike.
    assert by_long[0] - by_short[0] > 40.0


def test_without_data_the_evidence_is_that_nothing_lasted_longer_than_the_table() -> (
    None
):
    """Likelihoods of 1: all probabilities sum to 1, less exactly those in the tail."""
    rng = np.random.default_rng(4)
    whole = cases.process(3, 6, rng)
    log_lik = np.zeros((1, 60, 3))

    # Whatever lasts is cut short by the end, so with no tail nothing is lost.
    np.testing.assert_allclose(log_evidence(whole, log_lik), [0.0], atol=1e-12)


@pytest.mark.parametrize("n_frames", [1, 2, 3])
def test_mass_in_the_tail_is_counted_when_the_record_ends(n_frames: int) -> None:
    """Up to D frames nothing is lost to the tail: the last segment may go on."""
    process = cases.process(2, 3, np.random.default_rng(5), tail=True)
    log_lik = np.zeros((1, n_frames, 2))

    found = log_evidence(process, log_lik)

    np.testing.assert_allclose(found, [0.0], atol=1e-12)


def test_a_longer_record_loses_what_the_tail_takes() -> None:
    """One state, seen for D + 1 frames: the probability that no stay was longer."""
    tail = 0.25
    process = Process(
        np.zeros(1), np.zeros((1, 1)), np.log([[0.5], [0.25]]), np.log([tail])
    )

    found = log_evidence(process, np.zeros((1, 3, 1)))

    # A first stay above 2 frames has the tail's probability; after stays of 1 the
    # second is cut by the end: nothing more is lost.
    np.testing.assert_allclose(np.exp(found), [1.0 - tail], atol=1e-14)


def test_a_constant_on_each_frame_is_added_to_the_evidence() -> None:
    """Likelihoods are densities, not posteriors: their scale is not normalised away."""
    rng = np.random.default_rng(6)
    process, log_lik, edges = cases.long_case(200, rng)
    constants = rng.normal(size=(200, 1)) * 100.0

    plain = log_evidence(process, log_lik[None], edges=edges)
    moved = log_evidence(process, (log_lik + constants)[None], edges=edges)

    np.testing.assert_allclose(moved - plain, [constants.sum()], atol=1e-9)


def _hmm(log_pi: np.ndarray, log_a: np.ndarray, log_lik: np.ndarray) -> float:
    """Evidence of an ordinary hidden Markov model."""
    alpha = log_pi + log_lik[0]
    for row in log_lik[1:]:
        alpha = logsumexp(alpha[:, None] + log_a, axis=0) + row
    return float(logsumexp(alpha))


def test_geometric_durations_are_an_ordinary_hidden_markov_model() -> None:
    """Stay with 1 - 1/mean: the same evidence as a chain with that diagonal."""
    rng = np.random.default_rng(7)
    n_frames, means = 60, np.array([2.0, 5.0, 9.0])
    process = cases.process(3, 1, rng)
    table = geometric(means).table(n_frames)
    semi = process._replace(log_d=table.log_d, log_tail=table.log_tail)
    stay = 1.0 - 1.0 / means
    moves = np.exp(process.log_a) / means[:, None] + np.diag(stay)
    log_lik = rng.normal(size=(n_frames, 3))

    found = log_evidence(semi, log_lik[None])

    expected = _hmm(process.log_pi, np.log(moves), log_lik)
    np.testing.assert_allclose(found, [expected], rtol=1e-13)


def test_durations_of_one_frame_are_a_chain_that_never_stays() -> None:
    """D = 1: an ordinary chain with an empty diagonal."""
    rng = np.random.default_rng(8)
    process = cases.process(3, 1, rng)
    log_lik = rng.normal(size=(50, 3))

    found = log_evidence(process, log_lik[None], edges=COMPLETE)

    expected = _hmm(process.log_pi, process.log_a, log_lik)
    np.testing.assert_allclose(found, [expected], rtol=1e-13)


@pytest.mark.parametrize("edges", cases.ALL_EDGES, ids=str)
def test_forward_and_backward_give_one_evidence(edges: Edges) -> None:
    """Closing the record at its end or at its beginning sums the same paths."""
    rng = np.random.default_rng(9)
    process, log_lik, _ = cases.long_case(150, rng)
    records = laid.lay(process, log_lik[None], None)
    weight = weights(process, edges)

    ahead = evidence(weight, records, forward(process, weight, records)).total
    future = backward(process, weight, records)
    law = first_law(weight, records, future, 0).reshape(1, -1)
    back = logsumexp(law) + future.power[0] * exact.LOG_2 + records.best

    np.testing.assert_allclose(back, ahead, rtol=1e-13)


@pytest.mark.parametrize("gap", [1.0, 60.0, 2000.0])
@pytest.mark.parametrize("holes", [False, True])
def test_plain_numbers_give_what_logs_give(gap: float, *, holes: bool) -> None:
    """Blocks that underflow are done in logs: no message is less exact than those."""
    rng = np.random.default_rng(10)
    case = cases.long_case(130, rng, gap=gap, max_duration=40)
    process = cases.process(4, 40, rng, holes=holes)
    records = laid.lay(process, case.log_lik[None], None)
    steps = exact.Steps(process.log_d, process.log_pi + process.log_d, process.log_a)
    sure = exact.Messages(
        np.full((131, 4, 1), -np.inf), np.full((131, 4, 1), -np.inf), np.zeros((131, 1))
    )

    found = sweep.sweep(steps, records)
    for begin in range(0, 130, 10):
        exact.redo(steps, records.gain, sure, (begin, begin + 10), np.array([0]))

    for name in ("ends", "starts"):
        message = getattr(found, name) + found.power[:, None] * exact.LOG_2
        # 1e-12 of itself for each of some hundred steps, and the digits of a log.
        np.testing.assert_allclose(message, getattr(sure, name), rtol=1e-13, atol=1e-10)


def test_a_state_that_is_hardly_ever_entered_is_exact() -> None:
    """Moves into state 2 weigh e^-900, and frame 3 can be of no other.

    The oracle multiplies probabilities, and has e^-100 instead: 800 nats more.
    """
    rng = np.random.default_rng(15)
    log_lik = rng.normal(size=(6, 3))
    log_lik[3, :2] = -np.inf
    log_pi = np.array([np.log(0.5), np.log(0.5), -np.inf])
    plain = cases.process(3, 4, rng)._replace(log_pi=log_pi)

    def rare(weight: float) -> Process:
        log_a = np.array([[-np.inf, 0.0, weight], [0.0, -np.inf, weight], [0, 0, 0]])
        log_a[2] = plain.log_a[2]
        return plain._replace(log_a=log_a)

    found = log_evidence(rare(-900.0), log_lik[None], edges=COMPLETE)

    expected = enumeration.evidence(rare(-100.0), log_lik, COMPLETE) - 800.0
    np.testing.assert_allclose(found, [expected], rtol=1e-13)


def test_ragged_records_are_each_what_they_are_alone() -> None:
    """Together, in any order and padded with anything, or one by one."""
    rng = np.random.default_rng(11)
    process, log_lik, _ = cases.long_case(90, rng)
    lengths = np.array([30, 0, 90, 1, 61])
    together = np.stack([log_lik + n for n in range(5)])
    for n, length in enumerate(lengths):
        together[n, length:] = np.nan

    found = log_evidence(process, together, lengths)

    alone = [
        float(log_evidence(process, together[n : n + 1, :length])[0])
        for n, length in enumerate(lengths)
    ]
    np.testing.assert_allclose(found, alone, rtol=1e-13, atol=1e-12)


def test_strides_do_not_matter() -> None:
    """Fortran order, reversed axes and slices of larger arrays give the same bits."""
    rng = np.random.default_rng(12)
    process, log_lik, _ = cases.long_case(50, rng)
    wide = np.repeat(log_lik[None], 2, axis=2)[:, :, ::2]

    plain = log_evidence(process, log_lik[None])

    assert not wide.flags.c_contiguous
    np.testing.assert_array_equal(log_evidence(process, wide), plain)
    np.testing.assert_array_equal(
        log_evidence(process, np.asfortranarray(log_lik[None])), plain
    )


@pytest.mark.parametrize("shape", [(0, 5, 3), (2, 0, 3), (0, 0, 3)])
def test_no_records_and_no_frames_have_evidence_one(
    shape: tuple[int, int, int],
) -> None:
    """An empty record is certain: its log likelihood is 0."""
    process = cases.process(3, 4, np.random.default_rng(13))

    found = log_evidence(process, np.zeros(shape))

    np.testing.assert_array_equal(found, np.zeros(shape[0]))


def test_a_long_constant_record_is_exact() -> None:
    """100,000 frames of one likelihood: T times it, to the digits of such a number."""
    process = cases.process(2, 3, np.random.default_rng(14))
    log_lik = np.full((1, 100_000, 2), -3.3)

    found = log_evidence(process, log_lik)

    np.testing.assert_allclose(found, [-330_000.0], rtol=1e-13)


def test_one_state_that_nothing_follows_is_one_segment() -> None:
    """An empty row: the record is a single stay, at most as long as the table."""
    alone = Process(
        np.zeros(1),
        np.full((1, 1), -np.inf),
        np.log([[0.5], [0.5]]),
        np.full(1, -np.inf),
    )

    one, two, three = (log_evidence(alone, np.zeros((1, t, 1)))[0] for t in (1, 2, 3))

    assert (one, two, three) == pytest.approx((0.0, np.log(0.5), -np.inf))
