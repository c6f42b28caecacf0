"""Usage of codes from a histogram."""

from __future__ import annotations

import math

import pytest
import torch

from models.quantisers.statistics import usage


def test_equal_use_has_the_perplexity_of_its_size() -> None:
    """Four codes used alike, of eight: perplexity 4, usage a half, entropy in nats."""
    found = usage(torch.tensor([5, 5, 0, 5, 5, 0, 0, 0]))

    assert float(found.perplexity) == pytest.approx(4.0, rel=1e-6)
    assert float(found.entropy) == pytest.approx(math.log(4.0), rel=1e-6)
    assert (int(found.active_codes), float(found.usage)) == (4, 0.5)


def test_weights_that_sum_to_little_are_shares_too() -> None:
    """Running counts may be tiny; only their proportions matter."""
    found = usage(torch.tensor([3e-9, 1e-9]))

    wanted = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert float(found.entropy) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("n_codes", [1, 7])
def test_an_empty_histogram_is_finite(n_codes: int) -> None:
    """Nothing was taken: entropy 0, usage 0."""
    found = usage(torch.zeros(n_codes, dtype=torch.int64))

    assert [float(part) for part in found] == [0.0, 1.0, 0.0, 0.0]
