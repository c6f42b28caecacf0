"""How evenly codes are used, and how sure that is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from models.codes.jackknife import measured
from models.codes.usage import by_subject, entropy, perplexity, usage


def test_codes_used_alike_have_as_much_perplexity_as_there_are() -> None:
    """And those that nobody takes count for nothing."""
    counts = np.array([5, 5, 0, 5, 5])

    assert perplexity(counts) == pytest.approx(4.0)
    assert entropy(counts) == pytest.approx(np.log(4))


def test_frames_are_counted_by_subject_and_code() -> None:
    """What lies behind a recording's end is left out; a subject may have two."""
    codes = np.array([[0, 1, 1], [2, -1, -1], [1, 0, -1]])

    counts = by_subject(codes, np.array([0, 1, 0]), 2, 3)

    assert counts.tolist() == [[2, 3, 0], [0, 0, 1]]


def test_subjects_that_use_codes_alike_leave_no_doubt() -> None:
    """Leaving any of them out changes nothing."""
    found = usage(np.tile([3, 1, 0, 4], (5, 1)))

    assert found.usage == pytest.approx((0.75, 0.75, 0.75))
    assert found.perplexity.low == pytest.approx(found.perplexity.high)
    assert found.by_subject == pytest.approx(found.perplexity.value)


def test_one_subject_says_nothing_of_others() -> None:
    """All that is possible stays possible."""
    found = usage(np.array([[3, 1, 0, 4]]))

    assert (found.perplexity.low, found.perplexity.high) == (0.0, 4.0)


def test_the_interval_of_a_mean_is_students() -> None:
    """Leaving one out at a time gives the textbook's interval where there is one."""
    values = np.array([0.2, 0.5, 0.4, 0.7, 0.6])
    sums = np.stack([values, np.ones(5)], axis=1)

    found = measured(sums, lambda s: s[:, 0] / s[:, 1])

    wanted = stats.t.interval(0.95, 4, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx(wanted)


def test_no_frame_at_all_is_refused() -> None:
    """There is nothing to describe."""
    with pytest.raises(ValueError, match=r"counts have shape \(2, 3\): wanted frames"):
        usage(np.zeros((2, 3), dtype=np.int64))
