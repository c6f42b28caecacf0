"""Use of a codebook, and agreement with names: by hand."""

from __future__ import annotations

import unittest

import numpy as np

from models.first import agreement, codebook, drawing


class Use(unittest.TestCase):
    """Perplexity and its kin."""

    def test_even_use_has_the_perplexity_of_its_number(self) -> None:
        """Four codes used evenly, four never."""
        counts = np.array([5, 5, 5, 5, 0, 0, 0, 0])

        np.testing.assert_allclose(
            codebook.perplexity(counts), 4.0, rtol=0.0, atol=1e-12
        )
        assert codebook.usage(counts) == 0.5

    def test_one_code_is_certain(self) -> None:
        """No entropy, perplexity one."""
        counts = np.array([0, 7])

        assert codebook.entropy(counts) == 0.0
        assert codebook.perplexity(counts) == 1.0

    def test_counts_hold_codes_that_never_occur(self) -> None:
        """A histogram is as long as the codebook."""
        found = codebook.histogram(np.array([[0, 2], [2, 2]]), 5)

        np.testing.assert_array_equal(found, [1, 0, 3, 0, 0])


class Agreement(unittest.TestCase):
    """States without names against names."""

    def test_renamed_states_agree_wholly(self) -> None:
        """Another order of the same labels."""
        truth = np.array([0, 0, 1, 2, 2])
        counts = agreement.joint(np.array([2, 2, 0, 1, 1]), truth, 3, 3)

        named = agreement.names(counts)

        np.testing.assert_array_equal(named, [1, 2, 0])
        assert agreement.share_right(counts, named) == 1.0

    def test_names_are_not_judged_where_they_were_given(self) -> None:
        """Names from one set of frames, agreement on another."""
        known = agreement.joint(np.array([0, 1]), np.array([0, 1]), 2, 2)
        new = agreement.joint(np.array([0, 0, 1]), np.array([0, 1, 1]), 2, 2)

        found = agreement.share_right(new, agreement.names(known))

        np.testing.assert_allclose(found, 2 / 3, rtol=0.0, atol=1e-12)


class Drawing(unittest.TestCase):
    """Figures are text."""

    def test_bars_draw_one_box_each(self) -> None:
        """And one for the page."""
        assert drawing.bars(np.array([1.0, 0.0, 2.0]), "t").count("<rect") == 4

    def test_ribbons_draw_one_box_a_run(self) -> None:
        """Three runs and one run."""
        rows = [np.array([0, 0, 1, 0]), np.array([2, 2])]

        assert drawing.ribbons(rows, "t").count("<rect") == 5
