"""The point clustering against a search of every partition, and across seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.chance import stream
from models.hdp import estimate
from models.hdp.estimate import Loss
from models.shapes import IntArray
from tests.models.hdp import partitions

LOSSES: tuple[Loss, ...] = ("information", "binder")


def binder_by_pairs(one: IntArray, other: IntArray) -> float:
    """Count the ordered pairs on which two clusterings differ."""
    together = one[:, None] == one
    return float((together != (other[:, None] == other)).sum())


def information_by_frames(one: IntArray, other: IntArray) -> float:
    """Variation of information in nats a frame: H(one | other) + H(other | one)."""
    both = one * (other.max() + 1) + other

    def entropy(labels: IntArray) -> float:
        p = np.bincount(labels) / len(labels)
        return float(-(p[p > 0.0] * np.log(p[p > 0.0])).sum())

    return 2.0 * entropy(both) - entropy(one) - entropy(other)


def expected(labels: IntArray, samples: IntArray, loss: Loss) -> float:
    """Mean loss against samples, by the definitions."""
    if loss == "information":
        return float(np.mean([information_by_frames(labels, s) for s in samples]))
    pairs = float(np.mean([binder_by_pairs(labels, s) for s in samples]))
    return pairs / len(labels) ** 2


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(LOSSES))
def test_the_loss_is_that_of_its_definition(seed: int, loss: Loss) -> None:
    """Pairs counted one by one, entropies of tables: for any clusterings."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 4, size=(3, 9))

    found = estimate.point(samples, loss=loss)

    assert found.expected_loss == pytest.approx(
        expected(found.labels, samples, loss), abs=1e-9
    )


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(LOSSES))
def test_nothing_a_single_move_away_is_better(seed: int, loss: Loss) -> None:
    """And no sample is: for any samples of six frames."""
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 3, size=(4, 6))

    found = estimate.point(samples, loss=loss)

    own = expected(found.labels, samples, loss)
    for row in samples:
        assert own <= expected(row, samples, loss) + 1e-9
    atoms = estimate.gather(samples)
    for u in range(len(atoms.sizes)):
        for k in range(int(found.labels.max()) + 2):
            moved = np.where(atoms.of_frame == u, k, found.labels)
            assert own <= expected(moved, samples, loss) + 1e-8


@pytest.mark.parametrize("loss", LOSSES)
def test_noisy_samples_of_one_truth_give_the_best_of_all_partitions(loss: Loss) -> None:
    """Seven frames, 877 partitions: the search finds the least of them all."""
    truth = np.array([0, 0, 0, 1, 1, 1, 2])
    rng = stream(1, "noisy")
    samples = np.where(rng.random((30, 7)) < 0.15, rng.integers(0, 3, (30, 7)), truth)

    found = estimate.point(samples, loss=loss)

    least = min(
        expected(np.array(part), samples, loss) for part in partitions.partitions(7)
    )
    assert found.expected_loss == pytest.approx(least, abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(LOSSES))
@example(786, "information")
def test_names_and_order_of_samples_play_no_part(seed: int, loss: Loss) -> None:
    """Samples in another order, each with other names: the same clustering.

    With 786 two samples are equally good, but not what can be reached from them.
    """
    rng = np.random.default_rng(seed)
    samples = rng.integers(0, 4, size=(5, 12))
    renamed = np.stack([rng.permutation(7)[row] for row in rng.permutation(samples)])

    one, other = (estimate.point(rows, loss=loss) for rows in (samples, renamed))

    assert one.expected_loss == pytest.approx(other.expected_loss, abs=1e-9)
    np.testing.assert_array_equal(one.labels, other.labels)


def test_different_seeds_give_one_answer_on_clear_data() -> None:
    """Samples of one truth under 2 % of noise: labels agree frame by frame."""
    truth = np.repeat([2, 0, 1, 0], [300, 500, 120, 80])

    found = []
    for seed in range(4):
        rng = stream(seed, "seeds")
        names = np.stack([rng.permutation(6) for _ in range(25)])
        noisy = rng.random((25, 1000)) < 0.02
        rows = np.where(noisy, rng.integers(0, 6, (25, 1000)), truth)
        samples = np.take_along_axis(names, rows, axis=1)
        found.append(estimate.point(np.asfortranarray(samples)).labels)

    wanted = np.repeat([1, 0, 2, 0], [300, 500, 120, 80])
    for labels in found:
        np.testing.assert_array_equal(labels, wanted)


def test_a_hundred_thousand_frames_make_no_matrix() -> None:
    """T = 1e5: co-clustering would hold 1e10 cells; atoms are a few hundred."""
    rng = stream(2, "long")
    cuts = np.sort(rng.integers(0, 100_000, 40))
    samples = np.stack(
        [
            np.searchsorted(cuts + rng.integers(-3, 4, 40), np.arange(100_000)) % 4
            for _ in range(10)
        ]
    )

    found = estimate.point(samples)

    assert len(estimate.gather(samples).sizes) < 1000
    assert found.labels.max() == 3


def test_names_go_by_size_and_then_by_who_comes_first() -> None:
    """The largest is 0; of two equal ones the first to appear comes first."""
    labels = np.array([7, 3, 3, 9, 9, 9, 1])

    np.testing.assert_array_equal(estimate.canonical(labels), [2, 1, 1, 0, 0, 0, 3])


def test_labels_may_be_any_numbers() -> None:
    """A table with a cell for each number up to 1e15 would fit no machine."""
    samples = np.array([[0, 0, 1], [2, 0, 0]])
    names = np.array([10**15, 7, 10**12])

    found, wanted = estimate.point(names[samples]), estimate.point(samples)

    np.testing.assert_array_equal(found.labels, wanted.labels)
    assert found.expected_loss == wanted.expected_loss


def test_a_loss_that_is_none_is_refused() -> None:
    """It must not pass for another one."""
    with pytest.raises(ValueError, match="loss is 'pairs': 'information' or 'binder'"):
        estimate.point(np.array([[0, 1]]), loss="pairs")  # type: ignore[arg-type]


def test_one_frame_and_one_sample_are_their_own_estimate() -> None:
    """The smallest of everything."""
    found = estimate.point(np.array([[5]]))

    np.testing.assert_array_equal(found.labels, [0])
    assert found.expected_loss == 0.0


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((0, 3), dtype=int), "number of samples is 0"),
        (np.zeros((3, 0), dtype=int), "number of frames is 0"),
        (np.array([[0, -1]]), r"samples holds -1 at \(0, 1\)"),
        (np.array([[0.0]]), "samples is of type float64"),
        (np.array([0, 1]), r"\(S, M\) is wanted"),
    ],
)
def test_what_is_no_clustering_is_refused(samples: IntArray, message: str) -> None:
    """By name and place."""
    with pytest.raises(ValueError, match=message):
        estimate.point(samples)
