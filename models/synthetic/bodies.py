"""How one subject differs: its habits, and how it wears the two devices.

    habits   what it likes to do, for how long, and in what style
    worn     rotation, gain, offset of each sensor, and the gait's own edge

Both are drawn from streams of the subject's own; the ideal observer of ideal.py may
know the habits, and no one needs to know more than the gestures to know the behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.synthetic.durations import table

if TYPE_CHECKING:
    from models.shapes import Array
    from models.synthetic.world import World

PLACES = ("collar", "back")
CHANNELS = (
    "acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z", "mag_x", "mag_y", "mag_z",
)  # fmt: skip

LIKING = 0.3
PACE = 0.15
# Deviation of the mounting about x, y, z, in rad. A collar slips round the neck. A
# device that leans forward cannot be told from a subject that does: see world.STYLE.
ASKEW = ((0.20, 0.00, 0.10), (0.05, 0.00, 0.10))
GAIN = 0.02
OFFSET = (0.01, 0.02, 0.08)
"""Of accelerometer (g), gyroscope (rad/s), magnetometer (parts of the field)."""


class Habits(NamedTuple):
    """What a subject tends to do.

    shift (U,): its style, added to every gesture
    follows (K, K): what follows what; stays (K, D): p(d), row d-1 is duration d
    """

    shift: Array
    follows: Array
    stays: Array


class Worn(NamedTuple):
    """How the devices sit: askew (P, 3, 3), gain (V, P), offset (V, P), edge.

    edge: how sharp a footfall is, the kappa of the waveform in motion.py.
    """

    askew: Array
    gain: Array
    offset: Array
    edge: float


def habits(known: World, rng: np.random.Generator) -> Habits:
    """Draw what a subject tends to do."""
    shift = known.style * rng.standard_normal(len(known.style))
    liked = known.follows * np.exp(LIKING * rng.standard_normal(len(known.names)))
    pace = float(np.exp(PACE * rng.standard_normal()))
    stays = [table(stay, known.rate_hz, known.longest, pace) for stay in known.stays]
    return Habits(shift, liked / liked.sum(axis=1, keepdims=True), np.stack(stays))


def worn(rng: np.random.Generator) -> Worn:
    """Draw how a subject wears its devices."""
    shape = (len(CHANNELS), len(PLACES))
    offset = np.repeat(OFFSET, 3)[:, None] * rng.standard_normal(shape)
    angles = np.array(ASKEW) * rng.standard_normal((len(PLACES), 3))
    return Worn(
        askew=np.stack([rotation(each) for each in angles]),
        gain=1.0 + GAIN * rng.standard_normal(shape),
        offset=offset,
        edge=float(1.3 + 0.2 * rng.standard_normal()),
    )


def rotation(vector: Array) -> Array:
    """Give the rotation (3, 3) about `vector` (3,) by its length, after Rodrigues.

    R = I + sin(a) S + (1 - cos(a)) S S,   S v = vector x v / a,  a = |vector|
    """
    angle = float(np.linalg.norm(vector))
    x, y, z = vector / max(angle, np.finfo(np.float64).tiny)
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Array = np.eye(3) + np.sin(angle) * skew
    turned += (1.0 - np.cos(angle)) * skew @ skew
    return turned
