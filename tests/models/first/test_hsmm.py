"""Messages against the sum over every segmentation there is."""

from __future__ import annotations

import itertools
import unittest
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models import chance
from models.first import hsmm
from models.logspace import log_softmax
from models.shapes import Array, IntArray

# Sums of some hundred terms in double: far below 1e-9 of their size.
CLOSE = 1e-10


class Path(NamedTuple):
    """One way to explain a sequence, and its log probability with the sequence."""

    labels: tuple[int, ...]
    starts: tuple[int, ...]
    log_joint: float


def some_model(seed: int, n_states: int, longest: int) -> hsmm.Model:
    """Draw a model; one duration cannot happen."""
    rng = chance.stream(seed, "model")
    log_d = rng.normal(size=(longest, n_states))
    log_d[0, 0] = -np.inf
    log_a = rng.normal(size=(n_states, n_states))
    np.fill_diagonal(log_a, -np.inf)
    return hsmm.Model(
        log_softmax(rng.normal(size=n_states)),
        log_softmax(log_a),
        log_softmax(log_d.T).T,
    )


def compositions(total: int) -> Iterator[tuple[int, ...]]:
    """All ways to cut `total` frames into segments."""
    for cuts in itertools.product([False, True], repeat=total - 1):
        edges = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), total]
        yield tuple(b - a for a, b in itertools.pairwise(edges))


def every_path(model: hsmm.Model, log_lik: Array) -> list[Path]:
    """Enumerate segmentations and states of log_lik (T, K), the last one censored."""
    n_steps, n_states = log_lik.shape
    alive = 1.0 - np.vstack([np.zeros(n_states), np.exp(model.log_d).cumsum(axis=0)])
    found = []
    for lengths in compositions(n_steps):
        if max(lengths) > len(model.log_d):
            continue
        for states in itertools.product(range(n_states), repeat=len(lengths)):
            labels = np.repeat(states, lengths)
            joint = np.exp(model.log_pi[states[0]])
            for state, after in itertools.pairwise(states):
                joint *= np.exp(model.log_a[state, after])
            for state, length in zip(states[:-1], lengths[:-1], strict=True):
                joint *= np.exp(model.log_d[length - 1, state])
            joint *= alive[lengths[-1] - 1, states[-1]]
            joint *= np.exp(log_lik[np.arange(n_steps), labels].sum())
            if joint > 0.0:
                starts = tuple(np.cumsum([0, *lengths[:-1]]).tolist())
                found.append(Path(tuple(labels.tolist()), starts, float(np.log(joint))))
    return found


def evidence(paths: list[Path]) -> float:
    """Log of the sum over all paths."""
    return float(np.log(sum(np.exp(path.log_joint) for path in paths)))


def cases() -> Iterator[tuple[hsmm.Model, Array]]:
    """Models and sequences small enough to enumerate."""
    for seed, (n_steps, n_states, longest) in enumerate(
        itertools.product([1, 2, 5, 6], [2, 3], [1, 2, 4])
    ):
        if longest == 1:  # the impossible duration would be the only one
            continue
        log_lik = chance.stream(seed, "data").normal(size=(n_steps, n_states))
        yield some_model(seed, n_states, longest), log_lik


class Evidence(unittest.TestCase):
    """The sum over all paths, from either end."""

    def test_backward_is_the_sum_over_every_segmentation(self) -> None:
        """For every small case, to the rounding of the sum."""
        for model, log_lik in cases():
            found = hsmm.backward(model, log_lik[:, None]).log_evidence[0]

            wanted = evidence(every_path(model, log_lik))
            np.testing.assert_allclose(found, wanted, rtol=0.0, atol=CLOSE)

    def test_forward_is_the_sum_over_every_segmentation(self) -> None:
        """For every small case, to the rounding of the sum."""
        for model, log_lik in cases():
            found = hsmm.forward(model, log_lik[:, None]).log_evidence[0]

            wanted = evidence(every_path(model, log_lik))
            np.testing.assert_allclose(found, wanted, rtol=0.0, atol=CLOSE)

    def test_sequences_together_are_what_they_are_apart(self) -> None:
        """A batch of three, each with the evidence it has alone."""
        model = some_model(3, 3, 4)
        log_lik = chance.stream(5, "data").normal(size=(9, 3, 3))

        together = hsmm.backward(model, log_lik).log_evidence

        apart = [
            hsmm.backward(model, log_lik[:, [n]]).log_evidence[0] for n in range(3)
        ]
        np.testing.assert_allclose(together, apart, rtol=0.0, atol=CLOSE)

    def test_all_sequences_of_symbols_sum_to_one(self) -> None:
        """Censoring makes it a distribution over records of any one length."""
        model = some_model(7, 2, 3)
        emission = log_softmax(chance.stream(7, "emission").normal(size=(2, 2)))
        records = np.array(list(itertools.product([0, 1], repeat=5))).T

        found = hsmm.backward(model, emission.T[records]).log_evidence

        np.testing.assert_allclose(
            float(np.exp(found).sum()), 1.0, rtol=0.0, atol=CLOSE
        )

    def test_durations_change_the_evidence(self) -> None:
        """A plain hidden Markov model in disguise would not notice."""
        model = some_model(1, 2, 4)
        other = model._replace(log_d=model.log_d[::-1])
        log_lik = chance.stream(1, "data").normal(size=(6, 1, 2))

        gap = (
            hsmm.backward(model, log_lik).log_evidence
            - hsmm.backward(other, log_lik).log_evidence
        )

        assert abs(float(gap[0])) > 0.001


class Posterior(unittest.TestCase):
    """What the messages say of states and segments."""

    def test_occupancy_is_the_share_of_paths(self) -> None:
        """Each frame's posterior, by adding up the paths that pass it."""
        for model, log_lik in cases():
            found = hsmm.occupancy(model, log_lik[:, None])[:, 0]

            paths = every_path(model, log_lik)
            wanted = np.zeros_like(log_lik)
            for path in paths:
                weight = np.exp(path.log_joint - evidence(paths))
                wanted[np.arange(len(log_lik)), path.labels] += weight
            np.testing.assert_allclose(found, wanted, rtol=0.0, atol=CLOSE)

    def test_a_state_nothing_leads_to_is_never_occupied(self) -> None:
        """Zeros of the model stay zeros, and spoil nothing else."""
        model = some_model(2, 3, 4)
        model.log_pi[2], model.log_a[:, 2] = -np.inf, -np.inf
        log_lik = chance.stream(2, "data").normal(size=(6, 1, 3))

        found = hsmm.occupancy(model, log_lik)[:, 0]

        np.testing.assert_array_equal(found[:, 2], 0.0)
        # Unnormalised rows are weights like any other: the rest still sums to one.
        np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=0.0, atol=CLOSE)

    def test_samples_follow_the_posterior_of_paths(self) -> None:
        """Chi-square over every path, below its mean plus six standard deviations."""
        n, model = 4000, some_model(4, 2, 3)
        log_lik = chance.stream(4, "data").normal(size=(4, 2))
        paths = every_path(model, log_lik)
        expected = {
            (path.labels, path.starts): n * np.exp(path.log_joint - evidence(paths))
            for path in paths
        }
        many = np.broadcast_to(log_lik[:, None], (4, n, 2)).copy()
        future = hsmm.backward(model, many)

        drawn = hsmm.sample(model, many, future, chance.stream(4, "draw"))

        seen = dict.fromkeys(expected, 0)
        for one in drawn:
            starts = tuple(np.cumsum([0, *one.lengths[:-1]]).tolist())
            seen[tuple(hsmm.labels(one).tolist()), starts] += 1
        chi = sum((seen[key] - want) ** 2 / want for key, want in expected.items())
        freedom = len(expected) - 1
        assert chi < freedom + 6.0 * np.sqrt(2.0 * freedom)

    def test_labels_undo_segments(self) -> None:
        """Each state, as often as it lasted."""
        states: IntArray = np.array([2, 0, 2])

        found = hsmm.labels(hsmm.Segments(states, np.array([1, 3, 2])))

        np.testing.assert_array_equal(found, [2, 0, 0, 0, 2, 2])

    def test_survival_counts_this_duration_and_longer(self) -> None:
        """P(duration >= d), one at d = 1."""
        log_d = np.log(np.array([[0.2], [0.3], [0.5]]))

        found = np.exp(hsmm.survival(log_d))

        np.testing.assert_allclose(found, [[1.0], [0.8], [0.5]], rtol=1e-14)
