"""The best posterior under a dwell: compared with every labelling there is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import chance
from models.shapes import Array
from models.temporal.dwell import best_posterior, fewest_changes
from models.temporal.runs import runs, transitions
from tests.models.temporal.sequences import (
    DWELLS,
    SHORT,
    Ints,
    allowed,
    every,
    shortest,
)


@pytest.mark.parametrize("censored", [False, True], ids=["strict", "censored"])
@pytest.mark.parametrize("dwell", DWELLS)
def test_the_best_posterior_is_the_best_of_all(dwell: int, censored: bool) -> None:
    """Over every labelling that is allowed and shows each run's label as a top one."""
    rng = chance.stream(1, "posterior")
    for n_frames in (1, 2, 4, 6, 7):
        log_p = np.log(rng.dirichlet([0.4, 0.4, 0.4], size=(60, n_frames)))
        options = allowed(n_frames, 3, dwell, censored=censored)

        found = best_posterior(log_p, dwell, censored_ends=censored)

        each = np.arange(n_frames)
        total = log_p[:, each, options].sum(axis=2)
        total[~shows(options, log_p.argmax(axis=2))] = -np.inf
        reached = log_p[np.arange(60)[:, None], each, found].sum(axis=1)
        np.testing.assert_allclose(reached, total.max(axis=1), rtol=1e-12)


def test_the_best_posterior_reaches_across_a_long_run() -> None:
    """A label may hold eight frames that show another, for a frame that needs it.

    The last frame cannot be 0, and 2 alone would be too short: 1 holds the whole row,
    which none but its first three frames show. Cut in the long run, no labelling would
    be left.
    """
    shown = [[0.01, 0.98, 0.01]] * 3 + [[0.51, 0.48, 0.01]] * 8
    log_p = np.log([*shown, [1e-300, 0.45, 0.55]])
    log_p[-1, 0] = log_p[3:-1, 2] = -np.inf

    found = best_posterior(log_p, 2)

    np.testing.assert_array_equal(found, [1] * 12)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), dwell=st.integers(1, 4), censored=st.booleans())
def test_the_best_posterior_is_the_best_of_long_rows(
    seed: int, dwell: int, censored: bool
) -> None:
    """Forty frames with long runs, and frames that cannot be, against a slow search."""
    rng = chance.stream(seed, "posterior")
    top = np.repeat(rng.integers(0, 3, 20), rng.choice([1, 2, 9, 16], 20))[:40]
    log_p = np.log(rng.dirichlet([0.5, 0.5, 0.5], size=40))
    log_p[rng.random(log_p.shape) < 0.1] = -20.0
    log_p[np.arange(40), top] = log_p.max(axis=1) + 1e-3

    found = best_posterior(log_p, dwell, censored_ends=censored)

    reached = log_p[np.arange(40), found].sum()
    wanted = slow_best_posterior(log_p, dwell, censored=censored)
    assert reached == pytest.approx(wanted, rel=1e-12)


def slow_best_posterior(log_p: Array, dwell: int, *, censored: bool) -> float:
    """Give the largest sum, by asking of each run where it begins, ends, and shows."""
    n_frames, n_labels = log_p.shape
    top = log_p.argmax(axis=1)
    best = np.full((n_frames + 1, n_labels), -np.inf)
    for end in range(1, n_frames + 1):
        for start in range(end):
            is_cut = start == 0 or end == n_frames
            if end - start < dwell and not (censored and is_cut):
                continue
            for k in set(top[start:end].tolist()):
                before = np.delete(best[start], k).max() if start else 0.0
                total = before + log_p[start:end, k].sum()
                best[end, k] = max(best[end, k], total)
    return float(best[-1].max())


def shows(options: Ints, top: Ints) -> npt.NDArray[np.bool_]:
    """Say (rows, options) whether each run of an option holds its label on top."""
    fine = np.ones((len(top), len(options)), dtype=np.bool_)
    found = runs(options)
    for option, label, start, length in zip(*found, strict=True):
        fine[:, option] &= (top[:, start : start + length] == label).any(axis=1)
    return fine


@pytest.mark.parametrize("dwell", DWELLS)
def test_the_best_posterior_keeps_the_invariants(dwell: int) -> None:
    """Whatever the top labels are, with random weights for what they are not."""
    rng = chance.stream(2, "posterior")
    for n_frames, n_labels in SHORT:
        top = every(n_frames, n_labels)
        log_p = np.log(rng.uniform(0.0, 1.0, (*top.shape, n_labels)) + 1e-3)
        np.put_along_axis(log_p, top[..., None], 0.1, axis=2)

        found = best_posterior(log_p, dwell)

        assert ((shortest(found, censored=False) >= dwell) | (n_frames < dwell)).all()
        assert (transitions(found) <= transitions(top)).all()
        there = (top[:, :, None] == np.arange(n_labels)).any(axis=1)
        assert np.take_along_axis(there, found, axis=1).all()


def test_with_no_dwell_the_best_posterior_is_the_top_label() -> None:
    """At dwell 1 nothing holds it back; for ragged rows the rest is 0."""
    log_p = chance.stream(3, "posterior").normal(size=(4, 9, 5))

    found = best_posterior(log_p, 1, np.array([9, 0, 4, 9]))

    np.testing.assert_array_equal(found[0], log_p[0].argmax(axis=1))
    np.testing.assert_array_equal(found[2, :4], log_p[2, :4].argmax(axis=1))
    np.testing.assert_array_equal(found[1], np.zeros(9))
    np.testing.assert_array_equal(found[2, 4:], np.zeros(5))


def test_an_even_posterior_counts_changes() -> None:
    """Where the top label has 0.6 and the others share the rest, both say the same."""
    labels = np.repeat(chance.stream(4, "even").integers(0, 4, 400), 3)[:1000]
    log_p = np.log(np.where(np.eye(4, dtype=bool)[labels], 0.6, 0.4 / 3))

    found = best_posterior(log_p, 5)

    fewest = fewest_changes(labels, 5)
    assert (found != labels).sum() == (fewest != labels).sum()


def test_what_cannot_be_is_never_chosen() -> None:
    """-inf at one frame keeps a label away from it, at whatever cost."""
    log_p = np.log(np.full((6, 2), 0.5))
    log_p[:3, 0], log_p[3:, 1] = 0.0, 0.0
    log_p[4, 0] = -np.inf

    found = best_posterior(log_p, 2)

    assert found[4] == 1
    with pytest.raises(ValueError, match="no possible labelling at row 0"):
        best_posterior(np.array([[0.0, -np.inf], [-np.inf, 0.0]]), 2)


def test_what_is_no_posterior_is_refused_by_place() -> None:
    """NaN, +inf, and shapes without labels."""
    log_p = np.zeros((2, 4, 3))
    log_p[1, 2, 0] = np.nan

    with pytest.raises(ValueError, match="nan at row 1, frame 2, label 0"):
        best_posterior(log_p, 2)
    with pytest.raises(ValueError, match=r"shape \(4,\)"):
        best_posterior(log_p[0, :, 0], 2)
    behind = best_posterior(log_p, 2, np.array([4, 2]))
    np.testing.assert_array_equal(behind, 0)
