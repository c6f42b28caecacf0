"""Chains that stop and go on, and what several of them agree on."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from models.chance import stream
from models.hdp import chains, convergence, fitting, hdphsmm, laws, mergetree
from models.hdp.concentrations import GammaPrior
from models.hdp.hdphsmm import Prior
from models.hdp.rows import RowsPrior
from models.shapes import IntArray
from tests.models.hdp import partitions


def spans(seed: int, n_records: int, n_frames: int) -> tuple[IntArray, IntArray]:
    """Three behaviours of 15 to 30 frames, six codes each: codes and truth (N, T)."""
    rng = stream(seed, "spans")
    truth = np.zeros((n_records, n_frames), dtype=np.int64)
    for row in truth:
        t, state = 0, int(rng.integers(3))
        while t < n_frames:
            end = t + int(rng.integers(15, 31))
            row[t:end] = state
            t, state = end, (state + int(rng.integers(1, 3))) % 3
    own = rng.integers(0, 6, truth.shape) + 6 * truth
    return np.where(
        rng.random(truth.shape) < 0.05, rng.integers(0, 18, own.shape), own
    ), truth


PRIOR = Prior(
    RowsPrior(8), n_codes=18, laws=laws.grid(40), emission=GammaPrior(2.0, 4.0)
)


def test_a_chain_goes_on_bit_for_bit() -> None:
    """Two and three sweeps with a checkpoint between are five, to the last bit."""
    codes, _ = spans(1, 2, 60)
    lengths = np.array([60, 41])
    straight = chains.begin(PRIOR, codes, lengths, seed=7, index=1)
    for _ in range(5):
        straight, last = chains.advance(PRIOR, straight, codes, lengths)

    stopped = chains.begin(PRIOR, codes, lengths, seed=7, index=1)
    for _ in range(2):
        stopped, _ = chains.advance(PRIOR, stopped, codes, lengths)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **chains.to_arrays(stopped))
    file.seek(0)
    with np.load(file) as arrays:
        resumed = chains.from_arrays(arrays)
    for _ in range(3):
        resumed, again = chains.advance(PRIOR, resumed, codes, lengths)

    np.testing.assert_array_equal(again.labels, last.labels)
    one, other = chains.to_arrays(straight), chains.to_arrays(resumed)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_a_generator_keeps_its_half_draw() -> None:
    """32-bit draws leave half a word behind; it comes back as well."""
    rng = stream(2, "half")
    rng.integers(0, 9, dtype=np.uint32)

    again = chains._generator(chains._words(rng))

    np.testing.assert_array_equal(
        rng.integers(0, 9, 5, dtype=np.uint32), again.integers(0, 9, 5, dtype=np.uint32)
    )
    assert rng.random() == again.random()


def test_arrays_of_no_chain_are_refused() -> None:
    """By what they lack."""
    arrays = chains.to_arrays(chains.begin(PRIOR, spans(2, 1, 60)[0], seed=1))
    del arrays["law"]

    with pytest.raises(ValueError, match=r"arrays lack \['law'\]"):
        chains.from_arrays(arrays)
    arrays = chains.to_arrays(chains.begin(PRIOR, spans(2, 1, 60)[0], seed=1))
    arrays["generator"] = arrays["generator"][:5]
    with pytest.raises(ValueError, match=r"generator has shape \(5,\).*\(6,\)"):
        chains.from_arrays(arrays)


def test_indices_are_chains_of_their_own() -> None:
    """One seed, two indices: different starts; the same index, the same start."""
    codes, _ = spans(2, 1, 60)

    one, other, again = (chains.begin(PRIOR, codes, seed=3, index=i) for i in (0, 1, 0))

    assert not np.array_equal(one.state.log_emission, other.state.log_emission)
    np.testing.assert_array_equal(one.state.log_emission, again.state.log_emission)


def test_traces_follow_the_sweeps() -> None:
    """Evidence is that of the state before; concentrations are those after."""
    codes, _ = spans(3, 2, 60)
    lengths = np.array([60, 60])
    chain = chains.begin(PRIOR, codes, seed=4)
    before = chain.state

    chain, _ = chains.advance(PRIOR, chain, codes)

    row = dict(zip(chains.TRACED, chain.traces[0], strict=True))
    wanted = hdphsmm.log_evidence(PRIOR, before, codes, lengths)
    assert row["log_evidence"] == pytest.approx(wanted.sum(), rel=1e-10)
    assert row["top"] == chain.state.rows.top
    assert 1.0 <= row["occupied"] <= 8.0


def test_labels_are_the_same_from_every_seed() -> None:
    """Three clear behaviours: found, counted, and named alike by two seeds.

    A noisy code where one behaviour follows another may be given to either.
    """
    codes, truth = spans(5, 4, 150)
    lengths = np.array([150, 150, 150, 120])
    inside = np.arange(150) < lengths[:, None]

    found = []
    for seed in (1, 2):
        run = fitting.run(PRIOR, codes, lengths, sweeps=60, seed=seed, n_chains=1)
        found.append(fitting.summary(PRIOR, run.kept, lengths))

    assert (found[0].labels == found[1].labels)[inside].mean() > 0.99
    assert partitions.key(found[0].labels[inside])[:1] == (0,)
    agree = {
        pair: int(((found[0].labels == pair[0]) & (truth == pair[1]) & inside).sum())
        for pair in np.ndindex(3, 3)
    }
    hits = sum(max(agree[k, j] for j in range(3)) for k in range(3))
    assert hits / inside.sum() > 0.97
    assert found[0].occupied.interval.low == 3.0
    assert found[0].is_occupied.sum() == 3
    assert (found[0].labels[~inside] == -1).all()


def test_the_fit_applied_to_its_own_records_is_the_fit() -> None:
    """The nearest draw decodes them to the summary's labels, names included."""
    codes, _ = spans(7, 3, 150)
    lengths = np.array([150, 150, 99])
    kept = fitting.run(PRIOR, codes, lengths, sweeps=40, seed=3, n_chains=1).kept
    found = fitting.summary(PRIOR, kept, lengths)

    again = fitting.decode(PRIOR, kept[found.nearest], found.names, codes, lengths)

    inside = found.labels >= 0
    np.testing.assert_array_equal(again < 0, ~inside)
    assert (again == found.labels)[inside].mean() > 0.98


def test_the_nearest_draw_is_the_one_that_agrees() -> None:
    """Of three draws, two of them spoilt in part, the clusters are the third's."""
    codes, _ = spans(12, 2, 100)
    lengths = np.array([100, 100])
    one = fitting.run(PRIOR, codes, sweeps=6, seed=3, n_chains=1).kept[-1]
    spoilt = []
    for begin in (0, 130):
        labels = one.labels.copy()
        labels[begin : begin + 30] = (labels[begin : begin + 30] + 1) % 8
        spoilt.append(one._replace(labels=labels))

    found = fitting.summary(PRIOR, [spoilt[0], one, spoilt[1]], lengths)

    assert found.nearest == 1


def test_a_tree_is_that_of_the_draws_own_figures() -> None:
    """Laws with their tails, frames and runs, counted state by state."""
    codes, _ = spans(13, 2, 80)
    lengths = np.array([80, 51])
    one = fitting.run(PRIOR, codes, lengths, sweeps=4, seed=3, n_chains=1).kept[-1]
    records = np.split(one.labels, [80])
    begins = np.concatenate(
        [row[np.flatnonzero(np.diff(row, prepend=-1))] for row in records]
    )
    laws_of = [
        np.append(PRIOR.laws.log_d[:, g], PRIOR.laws.log_tail[g]) for g in one.state.law
    ]

    found = fitting.merge_tree(PRIOR, one, lengths)

    wanted = mergetree.merge_tree(
        mergetree.Features(
            code=np.exp(one.state.log_emission),
            duration=np.exp(np.array(laws_of)),
            frames=np.array([(one.labels == k).sum() for k in range(8)]),
            segments=np.array([(begins == k).sum() for k in range(8)]),
        )
    )
    np.testing.assert_array_equal(found.pairs, wanted.pairs)
    np.testing.assert_allclose(found.heights, wanted.heights)


def test_a_prediction_is_a_mean_of_probabilities() -> None:
    """Of one draw its evidence; of two the log of their mean, record by record."""
    codes, _ = spans(9, 2, 60)
    kept = fitting.run(PRIOR, codes, sweeps=4, seed=3, n_chains=1).kept
    other, _ = spans(10, 3, 40)
    lengths = np.array([40, 17, 1])

    each = [fitting.log_predictive(PRIOR, [one], other, lengths) for one in kept]
    both = fitting.log_predictive(PRIOR, kept, other, lengths)

    np.testing.assert_allclose(
        each[0], hdphsmm.log_evidence(PRIOR, kept[0].state, other, lengths)
    )
    np.testing.assert_allclose(both, np.logaddexp(*each) - np.log(2.0))


def test_what_does_not_fit_the_draws_is_refused() -> None:
    """Lengths of other records, no draws, and traces that nobody keeps."""
    codes, _ = spans(11, 1, 30)
    run = fitting.run(PRIOR, codes, sweeps=2, seed=3, n_chains=1)

    with pytest.raises(ValueError, match="lengths add up to 29 frames: draws have 30"):
        fitting.summary(PRIOR, run.kept, np.array([29]))
    with pytest.raises(ValueError, match=r"lengths holds -1 at \(1,\)"):
        fitting.summary(PRIOR, run.kept, np.array([31, -1]))
    with pytest.raises(ValueError, match="lengths add up to 31 frames: draws have 30"):
        fitting.merge_tree(PRIOR, run.kept[0], np.array([31]))
    with pytest.raises(ValueError, match="number of kept draws is 0"):
        fitting.summary(PRIOR, [], np.array([30]))
    with pytest.raises(ValueError, match="no trace is called 'loss'"):
        run.traces("loss")


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64])
def test_codes_of_any_integer_type_are_one(kind: type[np.integer[Any]]) -> None:
    """Types and strides of the same codes give the same chain, bit for bit."""
    codes, _ = spans(8, 2, 50)
    wanted, _ = chains.advance(PRIOR, chains.begin(PRIOR, codes, seed=2), codes)
    other = np.repeat(codes, 2, axis=1).astype(kind)[:, ::2]

    found, _ = chains.advance(PRIOR, chains.begin(PRIOR, other, seed=2), other)

    np.testing.assert_array_equal(found.traces, wanted.traces)
    np.testing.assert_array_equal(found.generator, wanted.generator)


def test_one_frame_is_a_record() -> None:
    """Records of a single frame, and one longer than D: labels for each frame."""
    codes = np.array([[3] + [0] * 99, [2] * 100])
    lengths = np.array([1, 100])

    chain = chains.begin(PRIOR, codes, lengths, seed=5)
    for _ in range(3):
        chain, drawn = chains.advance(PRIOR, chain, codes, lengths)

    assert (drawn.labels[0] >= 0).sum() == 1
    assert (drawn.labels[1] >= 0).all()
    assert np.isfinite(chain.traces).all()


def test_a_fit_under_one_seed_is_one_fit() -> None:
    """Every label and every trace of two runs is the same."""
    codes, _ = spans(6, 2, 60)

    one, other = (
        fitting.run(PRIOR, codes, sweeps=4, seed=9, n_chains=2) for _ in range(2)
    )

    for left, right in zip(one.kept, other.kept, strict=True):
        np.testing.assert_array_equal(left.labels, right.labels)
    for name in chains.TRACED:
        np.testing.assert_array_equal(one.traces(name), other.traces(name))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_process_is_recovered_up_to_names(seed: int) -> None:
    """Ten records: states, durations and their number; chains meet; spares merge."""
    codes, truth = spans(seed, 10, 400)
    lengths = np.full(10, 400)

    run = fitting.run(PRIOR, codes, sweeps=120, seed=seed, n_chains=2)
    found = fitting.summary(PRIOR, run.kept, lengths)

    table = np.zeros((int(found.labels.max()) + 1, 3))
    np.add.at(table, (found.labels, truth), 1.0)
    assert table.max(axis=1).sum() / truth.size > 0.98
    np.testing.assert_array_equal(found.occupied.interval[:3], 3.0)
    # 15..30 frames are a mean of 22.5; the grid's nearest means are 18 and 24.
    assert (found.durations.median[:3] > 17.0).all()
    assert (found.durations.median[:3] < 31.0).all()
    assert convergence.r_hat(run.traces("log_evidence")[:, 60:]) < 1.1
    tree = fitting.merge_tree(PRIOR, run.kept[found.nearest], lengths)
    assert (tree.heights[:5] < 0.05 * tree.heights[-1]).all()
