"""Sums by code, in one order."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.quantisers import tally


@settings(max_examples=40, deadline=None)
@given(n_rows=st.integers(0, 60), n_codes=st.integers(1, 9), seed=st.integers(0, 99))
def test_sums_are_those_of_a_loop(n_rows: int, n_codes: int, seed: int) -> None:
    """Each code has the sum and the number of its rows; whole numbers, so exactly."""
    draw = torch.Generator().manual_seed(seed)
    rows = torch.randint(-8, 9, (n_rows, 3), generator=draw).float()
    index = torch.randint(0, n_codes, (n_rows,), generator=draw)

    won = tally.wins(index, n_codes)
    sums = tally.sums(rows, index, won)

    wanted = torch.zeros(n_codes, 3)
    for row, code in zip(rows, index.tolist(), strict=True):
        wanted[code] += row
    assert torch.equal(sums, wanted)
    assert won.tolist() == [int((index == c).sum()) for c in range(n_codes)]


def test_the_order_of_a_sum_is_that_of_the_rows() -> None:
    """Rows of one code are added first to last, whatever lies between them."""
    rows = torch.tensor([[1e8], [7.0], [-1e8], [1.0]])
    index = torch.tensor([1, 0, 1, 1])

    sums = tally.sums(rows, index, tally.wins(index, 2))

    assert sums.tolist() == [[7.0], [1.0]]
