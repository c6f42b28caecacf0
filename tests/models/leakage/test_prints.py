"""The same frames have the same prints, wherever they lie, and others have others."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models import chance
from models.leakage.prints import prints
from tests.models.leakage.frames import drawn


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(1, 60), st.integers(1, 12))
def test_prints_know_a_stretch_wherever_it_lies(
    offset: int, n_frames: int, stretch: int
) -> None:
    """The prints of a piece are a piece of the prints; layout does not matter."""
    life = drawn(3, 2, 100)
    piece = life[..., offset : offset + n_frames]
    width = min(stretch, piece.shape[-1])

    found = prints(piece, stretch)

    whole = prints(np.asfortranarray(life), width)
    np.testing.assert_array_equal(
        found, whole[:, offset : offset + piece.shape[-1] - width + 1]
    )


def test_one_bit_changes_every_print_over_it_and_no_other() -> None:
    """And -0.0 is 0.0, as it is for a network."""
    life = drawn(4, 1, 50)
    life[0, 0, 0, 10] = 0.0
    other, minus = life.copy(), life.copy()
    other[0, 8, 1, 20] = np.nextafter(other[0, 8, 1, 20], np.float32(np.inf))
    minus[0, 0, 0, 10] = -0.0

    changed = np.flatnonzero(prints(life) != prints(other))

    np.testing.assert_array_equal(changed, np.arange(13, 21))
    np.testing.assert_array_equal(prints(minus), prints(life))


def test_prints_of_many_frames_do_not_collide() -> None:
    """Of 200,000 stretches that differ, all prints differ: wanted 1e-9 collisions."""
    rng = chance.stream(5, "few bits")
    few = rng.integers(-2, 3, (2000, 9, 2, 107)).astype(np.float32)

    assert len(np.unique(prints(few))) == 200_000
