"""One subject's recording, with the truth beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.chance import stream
from models.synthetic import bodies, motion
from models.synthetic import bouts as behaving
from models.synthetic.door import whole
from models.synthetic.sensing import readings

if TYPE_CHECKING:
    from models.shapes import IntArray
    from models.synthetic.bodies import Habits
    from models.synthetic.bouts import Bouts
    from models.synthetic.sensing import FloatArray
    from models.synthetic.world import World

# A seed takes one word of the stream's key or more, a number takes one: so no two
# pairs of them are one key.
MOST = 2**32 - 1


class Recording(NamedTuple):
    """What two devices read of one subject, and what it really did.

    frames (V, P, T) float32; labels (T,): the behaviour of each frame;
    bouts: states, starts, durations and gestures, the truth;
    habits: what it tends to do, which only the ideal observer may look at;
    seed, subject: the population, and the subject's number in it.
    """

    frames: FloatArray
    labels: IntArray
    bouts: Bouts
    seed: int
    subject: int
    habits: Habits
    rate_hz: float


def record(known: World, seed: int, subject: int, n_seconds: float) -> Recording:
    """Record `subject` of the population `seed` for `n_seconds`.

    Everything is drawn from streams of this subject's own, one for each purpose. So
    the same call gives the same bits, other subjects change nothing, and a longer
    recording begins with the shorter one. Two subjects, or two seeds, share nothing.
    """
    seed, subject = whole("seed", seed, 0), whole("subject", subject, 0, MOST)
    n_frames = frames_in(known, n_seconds)
    habits, bouts = live(known, seed, subject, n_frames)
    worn = bodies.worn(stream(seed, "worn", subject))
    at = motion.track(known, bouts, stream(seed, "drift", subject))
    moved = motion.move(known, at, worn.edge, stream(seed, "motion", subject))
    frames = readings(moved, worn, known.rate_hz, stream(seed, "noise", subject))
    return Recording(frames, bouts.labels, bouts, seed, subject, habits, known.rate_hz)


def live(known: World, seed: int, subject: int, n_frames: int) -> tuple[Habits, Bouts]:
    """Give what `subject` tends to do and does, without any sensor."""
    habits = bodies.habits(known, stream(seed, "habits", subject))
    return habits, behaving.draw(
        known, habits, n_frames, stream(seed, "bouts", subject)
    )


def frames_in(known: World, n_seconds: float) -> int:
    """Give the frames of `n_seconds`, one or more."""
    if not (np.isfinite(n_seconds) and n_seconds * known.rate_hz >= 1.0):
        raise ValueError(f"n_seconds must hold a frame or more: {n_seconds!r}")
    return round(n_seconds * known.rate_hz)
