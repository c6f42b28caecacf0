"""Streams of different purposes, seeds and indices have nothing in common."""

from __future__ import annotations

import pytest

from models import chance


def test_a_stream_depends_on_seed_purpose_and_index_alone() -> None:
    """The same three give the same numbers; another of any gives others."""
    first = chance.stream(1, "epoch", 2).random()

    assert chance.stream(1, "epoch", 2).random() == first
    others = [(2, "epoch", 2), (1, "epochs", 2), (1, "epoch", 3), (1, "", 2)]
    assert first not in {chance.stream(*other).random() for other in others}


@pytest.mark.parametrize("number", [-1, 1 << 32, 1 + (5 << 32)])
def test_a_number_that_could_be_taken_for_two_is_refused(number: int) -> None:
    """Seed 1 + 5 * 2**32 would be seed 1 of index 5."""
    with pytest.raises(ValueError, match=f"seed is {number}"):
        chance.stream(number, "subject")
    with pytest.raises(ValueError, match=f"index is {number}"):
        chance.stream(0, "subject", number)
