"""What holds for every strategy alike."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.clustering.partition import HDPClusterer
from models.shapes import Array
from tests.models.clustering.blobs import STRATEGIES, Strategy, blobs, same_groups

EACH = pytest.mark.parametrize("fit", STRATEGIES.values(), ids=list(STRATEGIES))
ROWS, GROUP = blobs([50, 30, 20])


@EACH
def test_groups_that_lie_apart_are_found(fit: Strategy) -> None:
    """Each as one cluster, named 0, 1, 2 from the largest down."""
    found = fit(ROWS)

    assert found.labels.tolist() == GROUP.tolist()
    assert found.model.names.tolist() == [0, 1, 2]


@EACH
def test_the_rows_that_were_fitted_are_predicted_as_they_were_labelled(
    fit: Strategy,
) -> None:
    """Exactly, whether they lie apart or run into each other."""
    noise = np.random.default_rng(1).normal(size=(700, 5))

    for rows in (ROWS, noise, noise.round(), noise.astype(np.float32)):
        found = fit(rows)
        assert (found.predict(rows) == found.labels).all()
        assert (found.model.predict(rows) == found.labels).all()


@EACH
def test_a_rows_label_does_not_depend_on_the_rows_beside_it(fit: Strategy) -> None:
    """Scores have the same bits alone, in part, and in a crowd."""
    rows = np.random.default_rng(2).normal(size=(600, 7))
    model = fit(rows).model

    whole = model.scores(rows)

    assert np.array_equal(model.scores(rows[333:334]), whole[333:334])
    assert np.array_equal(model.scores(rows[17:400:3]), whole[17:400:3])


@EACH
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_another_order_of_rows_gives_the_same_labels(fit: Strategy, seed: int) -> None:
    """Bit for bit: rows are put into an order of their own before anything is drawn."""
    order = np.random.default_rng(seed).permutation(len(ROWS))

    found, shuffled = fit(ROWS), fit(ROWS[order])

    assert (shuffled.labels == found.labels[order]).all()
    assert np.array_equal(shuffled.model.means, found.model.means)


@EACH
def test_the_same_rows_give_the_same_bits_again(fit: Strategy) -> None:
    """However often it is fitted, and whatever else is drawn or seeded meanwhile."""
    noise = np.random.default_rng(3).normal(size=(300, 4))
    first = fit(noise)
    np.random.seed(7)  # noqa: NPY002 - the global stream must not matter
    state: Any = np.random.get_state()  # noqa: NPY002

    again = fit(noise)

    assert (first.labels == again.labels).all()
    assert json.dumps(first.audit) == json.dumps(again.audit)
    after: Any = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(state[1], after[1])


@EACH
def test_types_and_layouts_of_memory_do_not_matter(fit: Strategy) -> None:
    """Single precision, Fortran order, strides and lists give what doubles give."""
    rows = ROWS.astype(np.float32)
    wide = np.zeros((200, 4), dtype=np.float32)
    wide[::2, ::2] = rows
    wanted = fit(rows.astype(np.float64)).model.means

    for same in (rows, np.asfortranarray(rows), wide[::2, ::2], rows.tolist()):
        assert np.array_equal(fit(same).model.means, wanted)


@EACH
def test_earlier_labels_are_kept(fit: Strategy) -> None:
    """The same groups have the names that they had, whatever those were."""
    prior = np.array([40, 7, 19])[GROUP]

    found = fit(ROWS, prior_labels=prior)

    assert (found.labels == prior).all()
    assert (found.predict(ROWS) == prior).all()
    assert found.audit["matching"]["fresh"] == []  # type: ignore[index]


@EACH
def test_the_centre_of_a_cluster_has_its_name(fit: Strategy) -> None:
    """Whatever was renamed, the centroid went along."""
    found = fit(ROWS, prior_labels=np.array([5, 3, 4])[GROUP])

    assert (found.predict(found.model.means) == found.model.names).all()
    middle = [ROWS[found.labels == name].mean(axis=0) for name in found.model.names]
    assert np.abs(found.model.means - middle).max() < 0.5


@EACH
def test_a_small_cluster_is_merged_and_a_tiny_one_dropped(fit: Strategy) -> None:
    """Both stay in the labels under another name, and the account says which."""
    rows, group = blobs([1500, 1, 1500, 10, 600], apart=120.0)

    found = fit(rows, k=5)

    decisions = found.audit["decisions"]
    assert [d["did"] for d in decisions] == ["drop", "merge"]  # type: ignore[attr-defined]
    assert len(found.model.names) == 3
    assert set(found.labels.tolist()) == {0, 1, 2}
    large = np.isin(group, [0, 2, 4])
    assert same_groups(found.labels[large], group[large])
    after = found.audit["support"]["after"].values()  # type: ignore[index]
    assert min(after) >= 0.01
    assert sum(after) == pytest.approx(1.0, abs=1e-12)


@EACH
def test_the_account_is_plain_data(fit: Strategy) -> None:
    """It can be written as JSON and read back equal."""
    rows, group = blobs([1500, 1, 1500, 10, 600], apart=120.0)

    audit = fit(rows, k=5, prior_labels=group).audit

    assert json.loads(json.dumps(audit, allow_nan=False)) == audit


@EACH
@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize(
    "rows",
    [np.zeros((1, 2)), np.ones((40, 3)), np.array([[0.0], [0.0], [1.0]])],
    ids=["one row", "forty equal rows", "two distinct rows"],
)
def test_fewer_rows_than_clusters_give_as_many_as_there_are(
    fit: Strategy, k: int, rows: Array
) -> None:
    """A label for every row, and never more labels than distinct rows."""
    found = fit(rows, k)

    assert found.labels.shape == (len(rows),)
    assert len(set(found.labels.tolist())) <= min(k, len(np.unique(rows, axis=0))) or (
        found.audit["strategy"] == "hdp"
    )
    assert (found.predict(rows) == found.labels).all()
    assert np.isfinite(found.model.means).all()


PROGRAM = """
import hashlib, numpy as np
from models.clustering.gmm import GMMClusterer
from models.clustering.kmeans import KMeansClusterer
rows = np.random.default_rng(0).normal(size=(20000, 3))
wide = np.random.default_rng(1).normal(size=(500, 200))
k_means, gmm = KMeansClusterer(rounds=20), GMMClusterer(rounds=5)
for fit, x in ((k_means, rows), (gmm, rows), (k_means, wide)):
    found = fit.fit(x, 3)
    told = str(found.audit).encode() + found.predict(x).tobytes()
    print(hashlib.sha256(told + found.model.means.tobytes()).hexdigest())
"""


def test_runs_and_counts_of_threads_give_the_same_bits() -> None:
    """Two processes, one of them on four threads, with rows enough to share out."""
    root = Path(__file__).resolve().parents[3]
    told = []
    for threads in ("1", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        env = {**os.environ, **dict.fromkeys(names, threads), "PYTHONPATH": str(root)}
        ended = subprocess.run(
            [sys.executable, "-B", "-c", PROGRAM],
            env=env,
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        told.append(ended.stdout)

    assert told[0] == told[1]
    assert len(told[0].split()) == 3


@pytest.mark.parametrize("name", ["k-means", "gmm"])
def test_a_weight_counts_like_as_many_equal_rows(name: str) -> None:
    """240 codes with weights cost little, and give what every frame would have."""
    codes = np.array([(a, b) for a in range(6) for b in range(4)], float)
    counts = np.random.default_rng(5).integers(1, 9, len(codes))
    fit = STRATEGIES[name]

    weighted = fit(codes, sample_weight=counts)
    repeated = fit(np.repeat(codes, counts, axis=0))

    assert (np.repeat(weighted.labels, counts) == repeated.labels).all()
    assert np.array_equal(weighted.model.means, repeated.model.means)


def test_rows_without_weight_are_labelled_and_move_nothing() -> None:
    """They are predicted as any new row would be."""
    far = np.vstack([ROWS, [[500.0, 500.0]]])
    weight = np.r_[np.ones(len(ROWS)), 0.0]

    found, without = (
        STRATEGIES["k-means"](far, sample_weight=weight),
        STRATEGIES["k-means"](ROWS),
    )

    np.testing.assert_allclose(found.model.means, without.model.means, rtol=1e-12)
    assert found.labels[-1] == found.predict(far[-1:])[0]


def test_what_a_sampler_parts_counts_every_row_once() -> None:
    """Three rows at 0 and one at 1 have their mean at a quarter."""
    rows = np.array([[0.0], [0.0], [1.0], [-0.0]])

    found = HDPClusterer(lambda x, _: np.zeros(len(x), np.int64)).fit(rows)

    assert found.model.means == pytest.approx(0.25)
    assert found.audit["distinct"] == 2


def test_the_account_tells_how_many_rows_the_posterior_moved() -> None:
    """All stay where groups lie apart; of one cloud that is dealt out many do not."""
    noise = np.random.default_rng(0).normal(size=(200, 2))

    apart = STRATEGIES["hdp"](ROWS).audit["moved_by_posterior"]
    dealt = HDPClusterer(lambda x, rng: rng.integers(2, size=len(x))).fit(noise)

    assert apart == 0.0
    assert 0.2 < dealt.audit["moved_by_posterior"] < 0.8  # type: ignore[operator]
