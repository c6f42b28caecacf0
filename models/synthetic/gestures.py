"""A gesture: the ten numbers that say how a body is held and how it moves.

A behaviour is a law over gestures, and what the sensors read depends on the behaviour
through the gesture alone. So whoever knows the gesture knows all that readings can
tell, which is what makes the Bayes limit of this world computable (ideal.py).

Angles are in radians, x points ahead, y to the left, z up. Sizes are in logarithms,
so that they stay positive and blend smoothly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from models.shapes import Array

GESTURE = (
    "pitch",  # of the trunk, nose up
    "roll",  # of the trunk; left or right by a coin for each bout
    "neck",  # pitch of the neck over the trunk
    "turn",  # heading a second, rad/s; the same coin
    "cadence",  # log of strides a second
    "bounce",  # log of the vertical acceleration, g
    "share",  # logit of the part that beats once a stride, not twice
    "lag",  # of the hind end behind the front, in strides
    "rock",  # log of the rolling to and fro, rad
    "nod",  # log of the neck's nodding, rad
)
SIDED = (1, 3)
"""What the coin mirrors: roll and turn."""


class Track(NamedTuple):
    """A gesture at each frame, every field (T,), in the units of GESTURE."""

    pitch: Array
    roll: Array
    neck: Array
    turn: Array
    cadence: Array
    bounce: Array
    share: Array
    lag: Array
    rock: Array
    nod: Array
