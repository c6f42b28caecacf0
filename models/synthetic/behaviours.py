"""The table of behaviours: what a dog does, how it looks, how long, and what follows.

Every number of the world that is about a behaviour is in this table. Behaviours that
hardly move share one law for how they move: nobody could see the difference, so there
must be none, or the limit would promise what no sensor reads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from models.synthetic.durations import Stay

if TYPE_CHECKING:
    from collections.abc import Mapping


class Behaviour(NamedTuple):
    """One behaviour.

    usual, varies: mean and standard deviation over bouts of each number of GESTURE.
    stay: how long a bout lasts. then: weights of what may follow; never itself.
    """

    name: str
    usual: tuple[float, ...]
    varies: tuple[float, ...]
    stay: Stay
    then: Mapping[str, float]


# fmt: off
#                  pitch   roll   neck  turn cadence bounce share   lag  rock   nod
STAND_USUAL     = ( 0.00,  0.00,  0.45, 0.00, -0.20, -3.50,  0.00, 0.15, -4.0, -4.0)
SIT_USUAL       = ( 0.60,  0.00,  0.05, 0.00, -0.20, -3.60,  0.00, 0.15, -4.0, -4.0)
LIE_USUAL       = ( 0.24,  0.42, -0.20, 0.00, -0.20, -4.00,  0.00, 0.15, -4.0, -4.0)
REST_USUAL      = ( 0.00,  1.15, -0.15, 0.00, -0.20, -4.20,  0.00, 0.15, -4.0, -4.0)
EAT_USUAL       = (-0.10,  0.00, -0.50, 0.00,  0.40, -3.10,  0.00, 0.15, -3.5, -2.2)
WALK_USUAL      = ( 0.00,  0.00,  0.20, 0.00,  0.26, -1.75, -1.00, 0.25, -2.4, -2.9)
TURN_USUAL      = ( 0.00,  0.10,  0.15, 1.50,  0.15, -2.00, -0.70, 0.25, -2.4, -2.9)
TROT_USUAL      = ( 0.00,  0.00,  0.25, 0.00,  0.68, -1.00, -1.70, 0.07, -2.8, -3.0)
GALLOP_USUAL    = ( 0.00,  0.00,  0.15, 0.00,  0.98, -0.50,  0.40, 0.26, -2.7, -2.0)
SHAKE_USUAL     = ( 0.00,  0.00,  0.10, 0.00,  1.45, -1.30,  0.00, 0.12, -1.0, -2.3)

STILL_VARIES    = ( 0.11,  0.10,  0.15, 0.10,  0.25,  0.40,  0.60, 0.06, 0.40, 0.40)
REST_VARIES     = ( 0.12,  0.15,  0.20, 0.10,  0.25,  0.40,  0.60, 0.06, 0.40, 0.40)
MOVING_VARIES   = ( 0.10,  0.08,  0.15, 0.22,  0.16,  0.35,  0.70, 0.09, 0.40, 0.40)
TURN_VARIES     = ( 0.10,  0.10,  0.15, 0.50,  0.16,  0.35,  0.70, 0.09, 0.40, 0.40)
# fmt: on

DOG = (
    Behaviour(
        "stand",
        STAND_USUAL,
        STILL_VARIES,
        Stay("negative_binomial", 4.5, 0.8, 2.0),
        {"walk": 3, "sit": 3, "turn": 2, "eat": 3, "shake": 3, "lie": 1},
    ),
    Behaviour(
        "sit",
        SIT_USUAL,
        STILL_VARIES,
        Stay("negative_binomial", 6.0, 1.0, 2.5),
        {"stand": 3, "lie": 5, "shake": 2},
    ),
    Behaviour(
        "lie",
        LIE_USUAL,
        STILL_VARIES,
        Stay("lognormal", 6.0, 1.0, 0.7),
        {"sit": 2, "rest": 4, "stand": 2},
    ),
    Behaviour(
        "rest",
        REST_USUAL,
        REST_VARIES,
        Stay("lognormal", 7.0, 1.2, 0.7),
        {"lie": 1},
    ),
    Behaviour(
        "eat",
        EAT_USUAL,
        STILL_VARIES,
        Stay("lognormal", 5.0, 1.0, 0.6),
        {"stand": 3, "walk": 3},
    ),
    Behaviour(
        "walk",
        WALK_USUAL,
        MOVING_VARIES,
        Stay("negative_binomial", 5.0, 0.8, 3.0),
        {"stand": 4, "trot": 3, "turn": 3, "eat": 2, "shake": 1},
    ),
    Behaviour(
        "turn",
        TURN_USUAL,
        TURN_VARIES,
        Stay("poisson", 2.5, 0.8),
        {"walk": 2, "stand": 3, "trot": 2},
    ),
    Behaviour(
        "trot",
        TROT_USUAL,
        MOVING_VARIES,
        Stay("negative_binomial", 5.0, 0.8, 3.0),
        {"walk": 4, "gallop": 5, "turn": 1},
    ),
    Behaviour(
        "gallop",
        GALLOP_USUAL,
        MOVING_VARIES,
        Stay("negative_binomial", 4.5, 0.8, 3.0),
        {"trot": 1},
    ),
    Behaviour(
        "shake",
        SHAKE_USUAL,
        MOVING_VARIES,
        Stay("poisson", 2.2, 0.8),
        {"stand": 2, "walk": 1},
    ),
)
