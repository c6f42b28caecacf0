"""Precision, recall and F1 are scikit-learn's, and absent classes are told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics

from models.calibration import confusion

labelled = st.integers(1, 30).flatmap(
    lambda n: st.tuples(
        *(hnp.arrays(np.int64, n, elements=st.integers(0, 3)) for _ in range(2))
    )
)


@given(labelled)
def test_macro_f1_is_that_of_scikit_learn(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    """Averaged over the classes in labels or predictions, as it does by default."""
    labels, predictions = drawn

    counts = confusion.confusion(labels, predictions, n_classes=4)
    found = confusion.macro(confusion.of_confusion(counts).f1)

    wanted = metrics.f1_score(labels, predictions, average="macro", zero_division=0.0)
    assert found == pytest.approx(wanted, abs=1e-15)


@given(labelled)
def test_counts_and_scores_are_those_of_scikit_learn(
    drawn: tuple[np.ndarray, np.ndarray],
) -> None:
    """Labels in rows; precision and recall are nan exactly where it divides by 0."""
    labels, predictions = drawn

    counts = confusion.confusion(labels, predictions, n_classes=4)
    found = confusion.of_confusion(counts)

    wanted = metrics.confusion_matrix(labels, predictions, labels=range(4))
    np.testing.assert_array_equal(counts, wanted)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        labels, predictions, labels=range(4), zero_division=np.nan
    )
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(found.recall, recall)
    np.testing.assert_allclose(np.nan_to_num(found.f1), np.nan_to_num(f1))


def test_a_class_that_no_one_names_has_no_f1() -> None:
    """Class 2 is in neither: its F1 is nan, and the mean is over the other two."""
    counts = confusion.confusion(np.array([0, 1]), np.array([0, 0]), n_classes=3)

    f1 = confusion.of_confusion(counts).f1

    np.testing.assert_allclose(f1, [2.0 / 3.0, 0.0, np.nan])
    assert confusion.macro(f1) == pytest.approx(1.0 / 3.0)
    assert np.isnan(confusion.macro(np.full(2, np.nan)))
