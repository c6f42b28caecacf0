"""What is refused at the door, and by which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from models.hsmm import process as processes
from models.hsmm.edges import Edges, weights
from models.hsmm.messages import log_evidence
from models.hsmm.stationary import log_states
from tests.models.hsmm import cases, enumeration

if TYPE_CHECKING:
    from models.hsmm.process import Process

HALF = np.log([0.5, 0.5])


def _plain() -> Process:
    return cases.process(3, 4, np.random.default_rng(1))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a shape": ({"log_pi": np.zeros((3, 1))}, "log_pi has shape"),
    "another K": ({"log_a": np.zeros((2, 2))}, "log_a has shape"),
    "no durations": ({"log_d": np.zeros((0, 3))}, "durations of one frame"),
    "single precision": (
        {"log_pi": np.log(np.full(3, 1 / 3, dtype=np.float32))},
        "log_pi is of float32",
    ),
    "a list": ({"log_pi": [0.0, 0.0, 0.0]}, "log_pi is a list"),
    "nan": ({"log_tail": np.array([-np.inf, np.nan, -np.inf])}, "log_tail holds nan"),
    "probabilities for logs": ({"log_pi": np.array([0.2, 0.3, 0.5])}, "holds 0.2"),
    "sums": ({"log_pi": np.log([0.2, 0.3, 0.4])}, "log_pi sums to 0.9"),
    "a state after itself": ({"log_a": np.log(np.full((3, 3), 1 / 3))}, "diagonal"),
    "a duration law": ({"log_tail": np.log([0.5, 0.5, 0.5])}, "log_d and log_tail"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_process_that_is_none_is_refused_by_name(name: str) -> None:
    """One clear message, naming the part."""
    parts, message = REFUSED[name]

    with pytest.raises(ValueError, match=message):
        processes.check(_plain()._replace(**parts))


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (np.nan, np.float64, "log_lik holds nan at sequence 1, frame 2, state 0"),
        (np.inf, np.float64, "log_lik holds inf at sequence 1, frame 2, state 0"),
        (0.0, np.float32, "log_lik is of float32"),
    ],
)
def test_likelihoods_that_are_none_are_refused(
    value: float, dtype: type, message: str
) -> None:
    """Nan, +inf and too few digits, with where the first of them is."""
    log_lik: np.ndarray = np.zeros((2, 4, 3), dtype=dtype)
    log_lik[1, 2, 0] = value

    with pytest.raises(ValueError, match=message):
        log_evidence(_plain(), log_lik)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (np.array([4]), "one for each of the 2"),
        (np.array([4.0, 4.0]), "whole numbers"),
        (np.array([4, 5]), "lengths holds 5 for sequence 1"),
        (np.array([-1, 4]), "lengths holds -1 for sequence 0"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(lengths: np.ndarray, message: str) -> None:
    """A wrong number of them, fractions, more than there is."""
    with pytest.raises(ValueError, match=message):
        log_evidence(_plain(), np.zeros((2, 4, 3)), lengths)


def test_likelihoods_of_other_states_are_refused() -> None:
    """K is the process's."""
    with pytest.raises(ValueError, match="process's 3 states"):
        log_evidence(_plain(), np.zeros((1, 4, 2)))


def test_what_lies_past_a_records_end_is_not_looked_at() -> None:
    """Padding may hold anything."""
    log_lik = np.zeros((1, 4, 3))
    log_lik[0, 2:] = np.nan

    found = log_evidence(_plain(), log_lik, np.array([2]))

    assert np.isfinite(found).all()


def test_survival_counts_the_tail() -> None:
    """P(duration >= 1) is 1, and P(duration >= D) is that of D and of the tail."""
    process = cases.process(2, 3, np.random.default_rng(2), tail=True)

    found = np.exp(processes.survival(process))

    np.testing.assert_allclose(found[0], 1.0)
    np.testing.assert_allclose(
        found[2], np.exp(process.log_d[2]) + np.exp(process.log_tail)
    )


def test_the_settled_chain_is_what_it_would_be_step_by_step() -> None:
    """It solves nu = nu A, for moves of 1e-12 as well: relative, not absolute."""
    rare = np.array([[0.0, 1.0 - 1e-12, 1e-12], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    process = _plain()._replace(log_a=cases.log(rare))

    share = np.exp(log_states(process))

    np.testing.assert_allclose(share @ rare, share, rtol=1e-14)
    assert share.sum() == pytest.approx(1.0)


def test_states_rarer_than_any_number_have_their_share() -> None:
    """A walk up a hill of e^-500 a step: what goes up comes down, in logs."""
    up = np.array([0.0, -500.0, -500.0, -500.0])
    log_a = np.full((5, 5), -np.inf)
    log_a[np.arange(4), np.arange(1, 5)] = up
    log_a[np.arange(1, 5), np.arange(4)] = np.log1p(-np.exp([-500.0] * 3 + [-np.inf]))
    process = cases.process(5, 2, np.random.default_rng(0))._replace(log_a=log_a)

    found = log_states(process)

    # The share of k+1 is that of k times the way up over the way down.
    np.testing.assert_allclose(
        found - found[0], np.append(0.0, up.cumsum()), rtol=1e-15
    )


def test_states_that_are_left_for_good_have_no_share() -> None:
    """0 leads to 1 and 2, which alternate for ever."""
    moves = np.array([[0.0, 0.5, 0.5], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])

    share = np.exp(log_states(_plain()._replace(log_a=cases.log(moves))))

    np.testing.assert_allclose(share, [0.0, 0.5, 0.5])


def test_a_process_that_cannot_have_run_for_ever_is_refused() -> None:
    """Something ends it, or what it has become depends on where it began."""
    ends = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
    apart = cases.log(np.kron(np.eye(2), np.eye(2)[::-1]).astype(np.float64))
    four = cases.process(4, 2, np.random.default_rng(3))._replace(log_a=apart)

    with pytest.raises(ValueError, match="nothing follows state 1"):
        log_states(_plain()._replace(log_a=cases.log(ends)))
    with pytest.raises(ValueError, match="states 0 and 2 never reach each other"):
        log_states(four)


def test_a_tail_of_unknown_length_is_refused_where_it_matters() -> None:
    """How long ago a record's first segment began depends on all durations."""
    process = cases.process(2, 3, np.random.default_rng(4), tail=True)

    with pytest.raises(ValueError, match="log_excess"):
        weights(process, Edges(left="censored"))
    with pytest.raises(ValueError, match="the right edge is 'open'"):
        weights(process, Edges(right="open"))  # type: ignore[arg-type]


@pytest.mark.parametrize("right", ["complete", "censored"])
def test_a_tail_with_its_excess_is_a_longer_table(right: str) -> None:
    """Cut at 4 of 9 frames, a record of 4 is what it is under the whole table."""
    rng = np.random.default_rng(5)
    whole = cases.process(3, 9, rng)
    lasts = processes.survival(whole)
    cut = whole._replace(
        log_d=whole.log_d[:4],
        log_tail=lasts[4],
        log_excess=np.log(np.exp(lasts[4:]).sum(axis=0)),
    )
    log_lik = rng.normal(size=(1, 4, 3))
    edges = Edges("censored", "censored" if right == "censored" else "complete")

    found = log_evidence(cut, log_lik, edges=edges)

    expected = enumeration.evidence(whole, log_lik[0], edges)
    np.testing.assert_allclose(found, [expected], rtol=1e-12)


def test_lengths_may_be_a_list_and_likelihoods_may_not() -> None:
    """Whole numbers are read as they stand; a list of likelihoods is refused."""
    log_lik = np.random.default_rng(6).normal(size=(2, 5, 3))

    found = log_evidence(_plain(), log_lik, [5, 2])  # type: ignore[arg-type]

    expected = log_evidence(_plain(), log_lik, np.array([5, 2]))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="log_lik is a list"):
        log_evidence(_plain(), log_lik.tolist())
