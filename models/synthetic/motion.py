"""How the body moves: gestures become angles and pushes at the two devices.

    bouts --repeat--> steps --add drift--> --blend--> track --gait--> motion

Blending looks back only: a reading depends on gestures up to its own frame, and not
further back than World.reach. The behaviour's name is nowhere in this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.synthetic.bodies import PLACES
from models.synthetic.gestures import Track

if TYPE_CHECKING:
    from models.shapes import Array
    from models.synthetic.bouts import Bouts
    from models.synthetic.world import World

DRIFT_S = 0.5
HIND_LATE_S = 0.02
TREMOR = 0.25

# The part of each movement that a place takes, collar and back.
NECK = (1.0, 0.0)
NODS = (1.0, 0.25)
ROCKS = (1.0, 0.7)
BOUNCES = (1.0, 0.8)


class Motion(NamedTuple):
    """What the devices go through.

    angles (P, 3, T): roll, pitch, heading, in rad
    push (P, 3, T): acceleration ahead, to the left and up, in g, without gravity
    """

    angles: Array
    push: Array


def track(known: World, bouts: Bouts, rng: np.random.Generator) -> Track:
    """Give the gesture at every frame, blended and wandering: each field (T,).

    The wandering has the same law whatever is done, and so tells nothing of it.
    """
    n_frames = int(bouts.durations.sum())
    hold = max(1, round(DRIFT_S * known.rate_hz))
    knots = rng.standard_normal((-(-n_frames // hold), len(known.drift)))
    wandering = (known.drift * knots).T.repeat(hold, axis=1)[:, :n_frames]
    held = bouts.gestures.T.repeat(bouts.durations, axis=1)
    half = known.blend // 2
    smooth = _trailing_mean(_trailing_mean(held + wandering, half), half)
    return Track(*smooth)


def move(known: World, at: Track, edge: float, rng: np.random.Generator) -> Motion:
    """Let the body go through `at`.

    Phase and heading start anywhere, and go on unbroken from bout to bout:

        phase(t) = phase(0) + 2 pi sum cadence / rate,  heading likewise from turn.
    """
    begin, facing = rng.uniform(0.0, 2.0 * np.pi, 2)
    strides = np.exp(at.cadence)
    phase = begin + (2.0 * np.pi / known.rate_hz) * strides.cumsum()
    heading = facing + at.turn.cumsum() / known.rate_hz
    behind = 2.0 * np.pi * (at.lag + HIND_LATE_S * strides)
    headings = (heading, _late(heading, known.follow))
    tremor = rng.standard_normal((len(phase), len(PLACES), 3), dtype=np.float32)
    places = [
        _place(at, p, phase - p * behind, headings[p], edge) for p in range(len(PLACES))
    ]
    shaken = TREMOR * np.exp(at.bounce) * tremor.transpose(1, 2, 0)
    return Motion(
        angles=np.stack([angles for angles, _ in places]),
        push=np.stack([push for _, push in places]) + shaken,
    )


def _place(
    at: Track, p: int, phase: Array, heading: Array, edge: float
) -> tuple[Array, Array]:
    """Give angles (3, T) and pushes (3, T) of place `p`, whose stride is at `phase`."""
    rock, nod = ROCKS[p] * np.exp(at.rock), NODS[p] * np.exp(at.nod)
    size = BOUNCES[p] * np.exp(at.bounce)
    once = 1.0 / (1.0 + np.exp(-at.share))
    sine, cosine = np.sin(phase), np.cos(phase)
    roll = at.roll + rock * sine
    pitch = at.pitch + NECK[p] * at.neck + nod * cosine
    up = size * (
        once * footfall(cosine, edge)
        + (1.0 - once) * footfall(cosine * cosine - sine * sine, edge)
    )
    ahead = size * (0.35 * once * sine - 0.7 * (1.0 - once) * sine * cosine)
    left = 0.3 * size * sine
    return np.stack([roll, pitch, heading + 0.4 * rock * cosine]), np.stack(
        [ahead, left, up]
    )


def footfall(cosine: Array, edge: float) -> Array:
    """Give a beat of mean zero and deviation one, sharp where the foot lands.

    (exp(k c) - I0(k)) / sqrt(I0(2k) - I0(k)^2),  c the cosine of the phase
    """
    mean = float(np.i0(edge))
    beat: Array = np.exp(edge * cosine) - mean
    return beat / float(np.sqrt(np.i0(2.0 * edge) - mean**2))


def _trailing_mean(x: Array, n: int) -> Array:
    """Average each frame with the n - 1 before it; before the first, like the first."""
    padded = np.concatenate([x[:, :1].repeat(n, axis=1), x], axis=1)
    summed = padded.cumsum(axis=1)
    mean: Array = (summed[:, n:] - summed[:, :-n]) / n
    return mean


def _late(x: Array, n: int) -> Array:
    """Delay by n frames; the first value is taken to have lasted."""
    return np.concatenate([np.full(min(n, len(x)), x[0]), x[: max(0, len(x) - n)]])
