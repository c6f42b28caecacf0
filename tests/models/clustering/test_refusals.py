"""What cannot be clustered, named or asked for is refused at the door, in words."""

from __future__ import annotations

import numpy as np
import pytest

from models.clustering.clustering import Support
from models.clustering.gmm import GMMClusterer
from models.clustering.kmeans import KMeansClusterer
from models.clustering.partition import HDPClusterer
from models.shapes import Array
from tests.models.clustering.blobs import STRATEGIES, Strategy, blobs

EACH = pytest.mark.parametrize("fit", STRATEGIES.values(), ids=list(STRATEGIES))
ROWS, _ = blobs([50, 30, 20])

HOLED = np.ones((5, 3))
HOLED[3, 2] = np.nan
REFUSED = {
    "a hole": (HOLED, "features holds nan at row 3, column 2: every value"),
    "an infinity": (np.full((2, 2), np.inf), "features holds inf at row 0, column 0"),
    "no square": (np.full((2, 2), -1e200), "finite, and 1e+100 at most"),
    "one axis": (
        np.ones(4),
        "features must be (B, F) with B >= 1 and F >= 1, found (4,)",
    ),
    "no rows": (np.ones((0, 4)), "features must be (B, F) with B >= 1 and F >= 1"),
    "no columns": (np.ones((4, 0)), "features must be (B, F) with B >= 1 and F >= 1"),
    "text": (np.array([["a"]]), "features must be real numbers, found <U1"),
    "complex": (np.ones((2, 2), complex), "features must be real numbers, found comp"),
}


@EACH
@pytest.mark.parametrize(("rows", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_clustered_is_refused_in_words(
    fit: Strategy, rows: Array, says: str
) -> None:
    """At the door of every strategy, with the place named."""
    with pytest.raises(ValueError, match="features") as refused:
        fit(rows)

    assert says in str(refused.value)


PRIORS = {
    "too few": (np.zeros(3, int), "prior_labels must be (100,), one for each row"),
    "no numbers": (np.zeros(100), "prior_labels must be whole numbers, found float64"),
    "below -1": (np.full(100, -2), "prior_labels holds -2 at row 0: labels are 0 .. "),
    "above all": (
        np.full(100, 2**64 - 1, np.uint64),
        "prior_labels holds 18446744073709551615 at row 0: labels are 0 .. ",
    ),
}


@EACH
@pytest.mark.parametrize(("prior", "says"), PRIORS.values(), ids=PRIORS)
def test_wrong_earlier_labels_are_refused(
    fit: Strategy, prior: Array, says: str
) -> None:
    """Their count, their type and their range."""
    with pytest.raises(ValueError, match="prior_labels") as refused:
        fit(ROWS, prior_labels=prior)

    assert says in str(refused.value)


def test_predicting_refuses_other_columns() -> None:
    """Three columns are not two."""
    found = STRATEGIES["k-means"](ROWS)

    with pytest.raises(ValueError, match="must have the 2 columns that were fitted"):
        found.predict(np.ones((4, 3)))


SETTINGS = {
    "k = 0": (lambda: KMeansClusterer().fit(ROWS, 0), "k must be 1 or more"),
    "k = True": (lambda: KMeansClusterer().fit(ROWS, True), "k must be a whole number"),
    "k = 2.5": (
        lambda: KMeansClusterer().fit(ROWS, 2.5),  # type: ignore[arg-type]
        "k must be a whole number, found 2.5",
    ),
    "shares": (lambda: Support(0.01, 0.1), "0 <= drop_below <= merge_below <= 1"),
    "counts": (
        lambda: GMMClusterer(min_clusters=4, max_clusters=3),
        "max_clusters must be 4 or more, found 3",
    ),
    "no covariances": (
        lambda: GMMClusterer(covariances=()),
        "covariances must be some of",
    ),
    "one unknown": (
        lambda: GMMClusterer(covariances=("full", "tied")),  # type: ignore[arg-type]
        "covariances must be some of",
    ),
    "an unknown one": (
        lambda: HDPClusterer(lambda *_: ROWS, covariance="ful"),  # type: ignore[arg-type]
        "covariance must be some of",
    ),
    "no starts": (lambda: KMeansClusterer(starts=0), "starts must be 1 or more"),
    "no rounds": (lambda: GMMClusterer(rounds=0), "rounds must be 1 or more"),
    "a seed below zero": (
        lambda: KMeansClusterer(random_state=-1),
        "random_state must be 0 or more, found -1",
    ),
    "a partition": (
        lambda: HDPClusterer(lambda *_: np.zeros(3, int)).fit(ROWS),
        "partition must give 100 whole numbers",
    ),
}


@pytest.mark.parametrize(("make", "says"), SETTINGS.values(), ids=SETTINGS)
def test_wrong_settings_are_refused(make: Strategy, says: str) -> None:
    """When they are given, in words."""
    with pytest.raises(ValueError, match=says):
        make()


WEIGHTS = {
    "too few": (np.ones(3), "sample_weight must be (100,)"),
    "below zero": (np.full(100, -1.0), "sample_weight is -1.0 at row 0"),
    "nothing": (np.zeros(100), "sample_weight is 0 at every row"),
    "a hole": (np.full(100, np.nan), "sample_weight holds nan at row 0"),
}


@pytest.mark.parametrize(("weight", "says"), WEIGHTS.values(), ids=WEIGHTS)
def test_wrong_weights_are_refused(weight: Array, says: str) -> None:
    """In words, with the row."""
    with pytest.raises(ValueError, match="sample_weight") as refused:
        KMeansClusterer().fit(ROWS, 3, sample_weight=weight)

    assert says in str(refused.value)


@pytest.mark.parametrize("total", [1.0, 1e12])
def test_a_mixture_refuses_weights_that_are_no_counts(total: float) -> None:
    """Weights that sum to one would say that one row came, and BIC count nothing."""
    with pytest.raises(ValueError, match="it says how often each row came"):
        GMMClusterer().fit(ROWS, sample_weight=np.full(100, total / 100))


@EACH
@pytest.mark.parametrize("next_label", [-1, 2.5, None])
def test_a_next_label_is_a_whole_number(fit: Strategy, next_label: object) -> None:
    """Labels count up from it."""
    with pytest.raises(ValueError, match="next_label must be"):
        fit(ROWS, next_label=next_label)
