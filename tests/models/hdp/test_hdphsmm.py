"""The whole sweep: a right sampler, ragged records, and what it recovers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from models.chance import stream
from models.hdp import hdphsmm, laws
from models.hdp.concentrations import GammaPrior
from models.hdp.hdphsmm import Prior, State
from models.hdp.laws import Laws
from models.hdp.rows import RowsPrior
from models.logspace import draw
from models.shapes import Array, IntArray
from tests.models.hdp.joint import FAR, drift

N_STATES, N_CODES, N_FRAMES = 3, 2, 6
LENGTHS = np.array([6, 4])


def three_laws(max_duration: int, *, has_tail: bool) -> Laws:
    """Geometric laws of means 1.2, 2 and 5, over 1..D, cut or with their tails."""
    stay: Array = 1.0 - 1.0 / np.array([1.2, 2.0, 5.0])
    d = np.arange(1.0, max_duration + 1.0)[:, None]
    log_d: Array = np.log1p(-stay) + (d - 1) * np.log(stay)
    log_tail: Array = max_duration * np.log(stay)
    if not has_tail:
        log_d = log_d - np.log(np.exp(log_d).sum(axis=0))
        log_tail = np.full(3, -np.inf)
    return Laws(log_d, log_tail, np.log(np.array([0.5, 0.2, 0.3])))


def prior_of(table: Laws) -> Prior:
    """Give a prior of three states and two codes."""
    return Prior(
        rows=RowsPrior(N_STATES, GammaPrior(3.0, 1.5), GammaPrior(3.0, 1.0)),
        n_codes=N_CODES,
        laws=table,
        emission=GammaPrior(2.0, 6.0),
    )


class Record(NamedTuple):
    """codes (N, T) and labels (N, T) of records drawn from a state; -1 past an end."""

    codes: IntArray
    labels: IntArray


def simulate(prior: Prior, state: State, rng: np.random.Generator) -> Record:
    """Draw records frame by frame, durations from the full law, cut by the end."""
    codes = np.full((len(LENGTHS), N_FRAMES), -1)
    labels = codes.copy()
    durations = np.vstack([prior.laws.log_d, prior.laws.log_tail])
    for n, length in enumerate(LENGTHS):
        t, log_next = 0, state.rows.log_first
        while t < length:
            now = draw(log_next, rng)
            end = min(t + 1 + draw(durations[:, state.law[now]], rng), length)
            emission = np.exp(state.log_emission[now])
            codes[n, t:end] = rng.choice(N_CODES, size=end - t, p=emission)
            labels[n, t:end] = now
            t, log_next = end, state.rows.log_rows[now]
    return Record(codes, labels)


def told(prior: Prior, state: State, labels: IntArray, codes: IntArray) -> Array:
    """Functions of all that is unknown and of the codes."""
    changes = ((labels[:, 1:] != labels[:, :-1]) & (labels[:, 1:] >= 0)).sum()
    lasting = hdphsmm.mean_durations(prior, state)
    share = np.bincount(labels[labels >= 0], minlength=N_STATES) / LENGTHS.sum()
    emission = np.exp(state.log_emission)
    ones = codes[labels >= 0].mean()
    shares = np.exp(state.rows.log_shares)
    return np.array(
        [
            np.log(state.rows.top),
            np.log(state.rows.spread),
            np.log(state.strength),
            (shares**2).sum(),
            (np.exp(state.rows.log_rows) ** 2).sum(),
            (emission**2).sum(),
            np.log(state.strength) * (emission**2).sum(),
            lasting.mean(),
            (share**2).sum(),
            changes,
            (share * shares).sum(),
            (share * lasting).sum(),
            (share * emission[:, 1]).sum(),
            changes * lasting.mean(),
            ones * (share * emission[:, 1]).sum(),
            float((codes[:, 0] == codes[:, 1]).mean()) * (share**2).sum(),
        ]
    )


@pytest.mark.parametrize(("max_duration", "has_tail"), [(4, False), (6, True)])
def test_a_sweep_leaves_the_joint_law_in_place(
    max_duration: int, *, has_tail: bool
) -> None:
    """Prior, records, sweeps with codes drawn anew between them (Geweke).

    With a tail, D is all of a record: nothing longer than D is ever seen whole.
    """
    prior = prior_of(three_laws(max_duration, has_tail=has_tail)).checked()
    rng, before, after = stream(1, "joint"), [], []
    for _ in range(600):
        state = hdphsmm.from_prior(prior, rng)
        seen = simulate(prior, state, rng)
        before.append(told(prior, state, *reversed(seen)))
        codes = np.maximum(seen.codes, 0)
        drawn = hdphsmm.sweep(prior, state, codes, LENGTHS, rng)
        drawn = hdphsmm.sweep(prior, drawn.state, codes, LENGTHS, rng)
        after.append(told(prior, drawn.state, drawn.labels, seen.codes))

    assert (np.abs(drift(np.array(before), np.array(after))) < FAR).all()


def test_an_emission_is_a_density_of_codes() -> None:
    """Given a state the codes sum to one; a softmax over states would not."""
    prior = prior_of(three_laws(4, has_tail=False))
    state = hdphsmm.from_prior(prior, stream(5, "density"))

    log_lik = hdphsmm.log_likelihood(state, np.arange(N_CODES)[None])

    assert log_lik.shape == (1, N_CODES, N_STATES)
    np.testing.assert_allclose(np.exp(log_lik).sum(axis=1), 1.0)


def test_past_a_records_end_nothing_is_read_or_drawn() -> None:
    """Other codes there, the same draw; labels there are -1."""
    prior = prior_of(three_laws(4, has_tail=False))
    state = hdphsmm.from_prior(prior, stream(2, "state"))
    codes = stream(2, "codes").integers(0, 2, size=(2, 6))
    other = codes.copy()
    other[1, 4:] = [77, -5]

    drawn = []
    for one in (codes, other):
        clean, lengths = hdphsmm.checked_codes(prior, np.asfortranarray(one), LENGTHS)
        drawn.append(
            hdphsmm.sweep(prior, state, clean, lengths, stream(2, "draw")).labels
        )

    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0][1, 4:] == -1).all()
    assert (drawn[0][0] >= 0).all()
    assert (drawn[0][1, :4] >= 0).all()


def test_the_law_of_a_state_is_drawn_by_its_likelihood() -> None:
    """Whole durations by log P(d), cut ones by log P(>= d): shares by Bayes's rule."""
    table = three_laws(4, has_tail=True)
    whole = np.zeros((4, 3), dtype=np.int64)
    cut = whole.copy()
    whole[1, 0], whole[0, 1], cut[2, 0] = 2, 3, 1
    rng = stream(3, "laws")

    drawn = np.stack([laws.draw(table, whole, cut, rng) for _ in range(6_000)])

    d = np.exp(table.log_d)
    beyond = np.exp(table.log_tail)
    likelihood = np.stack([d[1] ** 2 * (d[2] + d[3] + beyond), d[0] ** 3, np.ones(3)])
    wanted = np.exp(table.log_weight) * likelihood
    wanted /= wanted.sum(axis=1, keepdims=True)
    seen = np.stack([(drawn == g).mean(axis=0) for g in range(3)], axis=1)
    error = np.sqrt(wanted * (1.0 - wanted) / len(drawn))
    assert (np.abs(seen - wanted) <= FAR * error + 1e-12).all()


def test_an_impossible_duration_never_chooses_its_law() -> None:
    """A law without durations of 1 is out after one; unseen durations do not matter."""
    log_d = np.log(np.array([[1e-300, 0.5], [1.0, 0.5]]))
    log_d[0, 0] = -np.inf
    table = Laws(log_d, np.full(2, -np.inf), np.log([0.5, 0.5]))
    whole = np.array([[1, 0], [4, 4]])

    drawn = laws.draw(table, whole, np.zeros_like(whole), stream(4, "never"))

    assert drawn[0] == 1
    assert np.isfinite(laws.log_posterior(table, whole, whole)).all()


@pytest.mark.parametrize(
    ("codes", "lengths", "message"),
    [
        (np.array([[0, 2]]), None, r"codes holds 2 at \(0, 1\): labels end at 1"),
        (np.array([[0, -1]]), None, r"codes holds -1 at \(0, 1\)"),
        (np.array([[0.0]]), None, "codes is of type float64"),
        (np.array([0, 1]), None, r"\(N, T\) is wanted"),
        (np.array([[0, 1]]), np.array([3]), "lengths holds 3"),
        (np.array([[0, 1]]), np.array([0]), "at least one frame"),
        (np.array([[0, 1]]), np.array([1, 1]), "lengths has 2 entries"),
        (np.zeros((0, 4), dtype=int), None, "at least one frame"),
    ],
)
def test_codes_that_are_none_are_refused(
    codes: IntArray, lengths: IntArray | None, message: str
) -> None:
    """By name and place."""
    prior = prior_of(three_laws(4, has_tail=False))

    with pytest.raises(ValueError, match=message):
        hdphsmm.checked_codes(prior, codes, lengths)


def test_a_grid_is_of_laws_with_their_tails() -> None:
    """Every law sums to one with its tail; means rise; the grid is a prior's."""
    table = laws.checked(laws.grid(60, n_means=5, shapes=(1.0, 8.0)))

    whole = np.exp(table.log_d).sum(axis=0) + np.exp(table.log_tail)
    np.testing.assert_allclose(whole, 1.0)
    assert table.log_d.shape == (60, 10)
    assert (np.diff(laws.means(table)[::2]) > 0.0).all()
    np.testing.assert_allclose(np.exp(laws.survival(table))[0], 1.0)


def test_laws_that_are_none_are_refused() -> None:
    """What does not sum to one, and tables of several sizes."""
    table = three_laws(4, has_tail=False)

    with pytest.raises(ValueError, match="the sum of log_d with log_tail"):
        laws.checked(table._replace(log_d=table.log_d - 1.0))
    with pytest.raises(ValueError, match="one number of laws"):
        laws.checked(table._replace(log_tail=np.zeros(2)))
