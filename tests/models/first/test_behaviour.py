"""Simulated subjects are what the world says, and strangers to each other."""

from __future__ import annotations

import unittest

import numpy as np

from models import chance
from models.first import behaviour, split
from models.first.behaviour import Recording, World

WORLD = behaviour.world(4, chance.stream(0, "world"))


def recorded(subject: int, n_frames: int = 300, known: World = WORLD) -> Recording:
    """Record one subject by its number."""
    return behaviour.record(known, n_frames, chance.stream(0, "subject", subject))


class Subjects(unittest.TestCase):
    """Recordings."""

    def test_a_recording_has_the_length_asked_for(self) -> None:
        """Whatever the last stay would have been."""
        for n_frames in (1, 7, 300):
            found = recorded(1, n_frames)

            assert found.frames.shape == (n_frames, 9, 2)
            assert found.states.shape == (n_frames,)

    def test_the_same_stream_gives_the_same_subject(self) -> None:
        """Bit for bit, and another stream another."""
        one, again, other = recorded(1), recorded(1), recorded(2)

        assert one.frames.tobytes() == again.frames.tobytes()
        assert one.frames.tobytes() != other.frames.tobytes()

    def test_strangers_share_no_frame_and_one_shares_all_with_itself(self) -> None:
        """The gate against leaks sees both."""
        one, other = recorded(1).frames, recorded(2).frames

        assert behaviour.shared_frames(one, other) == 0
        assert behaviour.shared_frames(one, one[10:20]) == 10

    def test_stays_last_as_long_as_the_world_says(self) -> None:
        """Mean of 4000 stays within five standard errors; none is shorter than one."""
        rng, n = chance.stream(3, "stays"), 4000

        drawn = np.array([behaviour.stay(20.0, rng) for _ in range(n)])

        assert drawn.min() >= 1
        assert abs(drawn.mean() - 20.0) < 5.0 * drawn.std() / np.sqrt(n)

    def test_askew_sensors_turn_and_do_not_stretch(self) -> None:
        """Cayley's map of an axis is a rotation by 2 arctan of half its length."""
        axis = np.array([0.0, 0.0, 0.2])

        found = behaviour.rotation(axis)

        np.testing.assert_allclose(found @ found.T, np.eye(3), atol=1e-14)
        np.testing.assert_allclose(
            float(np.linalg.det(found)), 1.0, rtol=0.0, atol=1e-12
        )
        np.testing.assert_allclose(
            np.arcsin(found[1, 0]), 2.0 * np.arctan(0.1), rtol=1e-12
        )


class Streams(unittest.TestCase):
    """Randomness by purpose."""

    def test_purposes_and_indices_do_not_meet(self) -> None:
        """Any two of these streams differ in their first draw."""
        names = [("world", 0), ("subject", 0), ("subject", 1), ("epoch", 1)]

        drawn = {chance.stream(0, name, index).random() for name, index in names}

        assert len(drawn) == len(names)

    def test_batches_deal_out_every_row_once(self) -> None:
        """Also when the size does not divide the rows, or exceeds them."""
        for size in (3, 10, 99):
            dealt = chance.batches(10, size, chance.stream(0, "deal"))

            assert sorted(np.concatenate(dealt)) == list(range(10))

    def test_groups_part_the_subjects(self) -> None:
        """Training first."""
        found = split.groups(2, 1, 3)

        np.testing.assert_array_equal(found, [0, 0, 1, 2, 2, 2])
