"""The best path on a device is the one that numpy finds."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hsmm.edges import Edges
from models.hsmm.process import Process
from models.hsmm.tensors import viterbi as best
from models.hsmm.viterbi import viterbi
from tests.models.fitting.drawn import (
    ALL_EDGES,
    on_device,
    ragged,
)
from tests.models.fitting.enumerated import some_process


@settings(max_examples=30, deadline=None)
@given(
    n_states=st.integers(1, 4),
    longest=st.integers(1, 8),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 40)),
    seed=st.integers(0, 99),
    edges=st.sampled_from(ALL_EDGES),
)
def test_the_best_path_is_the_one_numpy_finds(
    n_states: int, longest: int, shape: tuple[int, int], seed: int, edges: Edges
) -> None:
    """Labels are the same and scores agree to 1e-10, ragged, empty records too."""
    process = some_process(n_states, longest, np.random.default_rng(seed))
    log_lik, lengths = ragged(seed, (*shape, n_states))
    lengths[-1] = min(lengths[-1], seed % 3)
    if edges.right == "complete" and n_states == 1:
        edges = edges._replace(right="censored")
    if n_states == 1:
        process = some_process(1, 50, np.random.default_rng(seed))
    wanted = viterbi(process, log_lik, lengths, edges)

    found = best.viterbi(
        on_device(process), torch.tensor(log_lik), torch.tensor(lengths), edges
    )

    np.testing.assert_array_equal(found.labels, wanted.labels)
    np.testing.assert_allclose(found.score, wanted.score, rtol=1e-10, atol=1e-10)


def test_the_best_path_is_found_on_a_device(device: str) -> None:
    """Labels and where segments begin are those of numpy, on 300 frames."""
    process = some_process(4, 20, np.random.default_rng(20))
    log_lik, lengths = ragged(21, (3, 300, 4))
    wanted = viterbi(process, log_lik, lengths)

    found = best.viterbi(
        on_device(process, device),
        torch.tensor(log_lik, device=device),
        torch.tensor(lengths, device=device),
    )

    np.testing.assert_array_equal(found.labels.cpu(), wanted.labels)
    segments = wanted.segments
    begins = np.zeros(wanted.labels.shape, dtype=bool)
    begins[segments.record, segments.begin] = True
    np.testing.assert_array_equal(found.begins.cpu(), begins)


def test_equal_paths_are_decided_alike() -> None:
    """With nothing to tell them apart, numpy and torch take the same path."""
    even = Process(
        np.log(np.full(3, 1 / 3)),
        np.log(0.5 * (1.0 - np.eye(3)) + 1e-300 * np.eye(3))
        + np.where(np.eye(3), -np.inf, 0),
        np.log(np.full((2, 3), 0.5)),
        np.full(3, -np.inf),
    )
    flat = np.zeros((1, 7, 3))
    wanted = viterbi(even, flat)

    found = best.viterbi(on_device(even), torch.tensor(flat))

    np.testing.assert_array_equal(found.labels, wanted.labels)
