"""What all subjects share: the behaviours and their laws, and how subjects differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.synthetic.behaviours import DOG
from models.synthetic.durations import FAMILIES
from models.synthetic.gestures import GESTURE, SIDED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.shapes import Array
    from models.synthetic.behaviours import Behaviour
    from models.synthetic.durations import Stay

LONGEST_S = 40.0
BLEND_S = 0.4
FOLLOW_S = 0.12

# The pitch of the subject's own posture and of its devices' mounting are one number,
# as readings show only their sum: so the Bayes limit counts both.
# fmt: off
#        pitch  roll  neck  turn cadence bounce share  lag  rock   nod
STYLE = (0.08, 0.00, 0.12, 0.00,  0.08,  0.20, 0.30, 0.03, 0.20, 0.20)
DRIFT = (0.03, 0.02, 0.06, 0.08,  0.05,  0.15, 0.20, 0.02, 0.15, 0.15)
# fmt: on


class World(NamedTuple):
    """What all subjects share; U is the ten numbers of a gesture (gestures.py).

    usual, varies (K, U): mean and deviation of a bout's gesture, by behaviour
    style (U,): deviation over subjects, the same shift for all behaviours
    drift (U,): deviation of the wandering within a bout, whatever the behaviour
    follows (K, K): chance of what follows; rows sum to one, the diagonal is empty
    stays: the law of each behaviour's durations, in seconds
    """

    names: tuple[str, ...]
    rate_hz: float
    usual: Array
    varies: Array
    style: Array
    drift: Array
    follows: Array
    stays: tuple[Stay, ...]

    @property
    def longest(self) -> int:
        """Give the longest duration, in frames."""
        return round(LONGEST_S * self.rate_hz)

    @property
    def blend(self) -> int:
        """Give the frames over which one gesture turns into the next."""
        return max(2, round(BLEND_S * self.rate_hz))

    @property
    def follow(self) -> int:
        """Give the frames by which the hind end turns after the front."""
        return round(FOLLOW_S * self.rate_hz)

    @property
    def reach(self) -> int:
        """Give how many frames before it a reading may depend on, at most."""
        return self.blend + self.follow


def world(
    rate_hz: float = 100.0,
    behaviours: Sequence[Behaviour] = DOG,
    spread: float = 1.0,
) -> World:
    """Give the world of `behaviours`, sampled at `rate_hz`.

    `spread` widens the laws of the gestures: at 0 every bout of a behaviour is the
    same, at 2 behaviours overlap a good deal more than they do by default.
    """
    _check(rate_hz, behaviours, spread)
    names = tuple(each.name for each in behaviours)
    weights = np.array(
        [[float(each.then.get(name, 0.0)) for name in names] for each in behaviours]
    )
    return World(
        names=names,
        rate_hz=float(rate_hz),
        usual=np.array([each.usual for each in behaviours]),
        varies=spread * np.array([each.varies for each in behaviours]),
        style=np.array(STYLE),
        drift=np.array(DRIFT),
        follows=weights / weights.sum(axis=1, keepdims=True),
        stays=tuple(each.stay for each in behaviours),
    )


def _check(rate_hz: float, behaviours: Sequence[Behaviour], spread: float) -> None:
    """Refuse a rate, a spread or a table that cannot make a world."""
    if not (np.isfinite(rate_hz) and rate_hz >= 20.0):
        raise ValueError(
            f"rate_hz must be at least 20, for strides to be seen: {rate_hz}"
        )
    if not (np.isfinite(spread) and spread > 0.0):
        raise ValueError(f"spread must be a positive number: {spread}")
    names = [each.name for each in behaviours]
    if len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"behaviours wants two or more, each named once: {names}")
    for each in behaviours:
        _check_behaviour(each, names)


def _check_behaviour(each: Behaviour, names: list[str]) -> None:
    """Refuse a behaviour that follows itself, leads nowhere, or is ill described."""
    unknown = sorted(set(each.then) - set(names))
    if unknown:
        raise ValueError(f"behaviour {each.name!r} leads to unknown {unknown}")
    if each.name in each.then:
        raise ValueError(f"behaviour {each.name!r} follows itself: make it longer")
    weights = np.array(list(each.then.values()), dtype=np.float64)
    if not (len(weights) and np.isfinite(weights).all() and weights.min() > 0.0):
        raise ValueError(f"behaviour {each.name!r} wants positive weights in `then`")
    if not len(each.usual) == len(each.varies) == len(GESTURE):
        raise ValueError(f"behaviour {each.name!r} wants {len(GESTURE)} numbers a row")
    if not np.isfinite((each.usual, each.varies)).all() or min(each.varies) <= 0.0:
        raise ValueError(
            f"behaviour {each.name!r} wants finite numbers, and deviations above 0"
        )
    if each.stay.family not in FAMILIES or not 0.0 < each.stay.shape < np.inf:
        raise ValueError(
            f"behaviour {each.name!r} has the law {each.stay}: "
            f"wanted one of {FAMILIES} and a positive shape"
        )
    shortest = BLEND_S + FOLLOW_S
    if not shortest <= each.stay.floor_s < each.stay.mean_s < LONGEST_S:
        raise ValueError(
            f"behaviour {each.name!r} wants {shortest} <= floor_s < mean_s < "
            f"{LONGEST_S}, found {each.stay.floor_s} and {each.stay.mean_s}"
        )


assert all(STYLE[u] == 0.0 for u in SIDED), "a shift to one side would not be mirrored"
