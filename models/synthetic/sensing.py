"""What the devices read: accelerometer, gyroscope and magnetometer, 9 channels each.

The third triad is a magnetometer: it is what a nine-axis unit carries, and the only
one of the usual choices (linear acceleration, orientation) that the other two do not
already contain.

With T(roll, pitch) from the device's frame to the level one and M its mounting,

    accelerometer  M T' (push + up)           g: one up when at rest
    gyroscope      M (rates of the angles)    rad/s
    magnetometer   M T' (field at heading)    parts of the field's strength

then gain, offset, a bias that wanders slowly, white noise, and the sensor's range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.synthetic.bodies import CHANNELS, PLACES

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import Array
    from models.synthetic.bodies import Worn
    from models.synthetic.motion import Motion

    FloatArray = npt.NDArray[np.float32]

DIP = 1.1
BIAS_S = 10.0
# By triad: g, rad/s, parts of the field.
NOISE = (0.02, 0.04, 0.03)
BIAS = (0.01, 0.02, 0.02)
RANGE = (4.0, 17.5, 2.0)


def readings(
    motion: Motion, worn: Worn, rate_hz: float, rng: np.random.Generator
) -> FloatArray:
    """Give what the devices read of `motion`: (V, P, T) float32."""
    places = [
        sensed(angles, push, rate_hz) for angles, push in zip(*motion, strict=True)
    ]
    n_frames = motion.push.shape[-1]
    shape = (len(CHANNELS), len(PLACES))
    # A stream of its own: a longer recording draws more of both and keeps what it had.
    drawn = rng.spawn(1)[0].standard_normal((n_frames, *shape), dtype=np.float32)
    noise = np.ascontiguousarray(drawn.reshape(n_frames, -1).T).reshape(*shape, -1)
    wander = _wander(n_frames, rate_hz, rng)
    out = np.empty_like(noise)
    for v, p in np.ndindex(shape):
        k, triad = v // 3, places[p][v // 3 * 3 : v // 3 * 3 + 3]
        line = worn.gain[v, p] * (worn.askew[p, v % 3] @ triad)
        line += worn.offset[v, p]
        line += BIAS[k] * wander[v, p]
        line += NOISE[k] * noise[v, p]
        out[v, p] = line.clip(-RANGE[k], RANGE[k])
    return out


def sensed(angles: Array, push: Array, rate_hz: float) -> Array:
    """Give what a perfect device reads that sits straight: (V, T).

    angles (3, T): roll, pitch, heading; push (3, T): ahead, left, up, in g.
    """
    roll, pitch, heading = angles
    level = np.stack([push[0], push[1], push[2] + 1.0])
    field = np.stack(
        [
            np.cos(DIP) * np.cos(heading),
            -np.cos(DIP) * np.sin(heading),
            np.full_like(heading, -np.sin(DIP)),
        ]
    )
    tilt = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch)
    return np.concatenate(
        [_into(level, *tilt), rates(angles, rate_hz, *tilt), _into(field, *tilt)]
    )


def rates(
    angles: Array,
    rate_hz: float,
    cos_r: Array,
    sin_r: Array,
    cos_p: Array,
    sin_p: Array,
) -> Array:
    """Give the body's rates about its own axes (3, T) from how its angles change.

    Nose up is a turn about -y. Differences look back; the first frame is at rest.
    """
    d_roll, d_pitch, d_heading = rate_hz * np.diff(angles, prepend=angles[:, :1])
    x = d_roll + d_heading * sin_p
    y = -d_pitch * cos_r + d_heading * sin_r * cos_p
    z = d_pitch * sin_r + d_heading * cos_r * cos_p
    return np.stack([x, y, z])


def _into(
    level: Array, cos_r: Array, sin_r: Array, cos_p: Array, sin_p: Array
) -> Array:
    """Turn vectors (3, T) from the level frame into the device's: roll after pitch."""
    x, y, z = level
    ahead = cos_p * x + sin_p * z
    up = cos_p * z - sin_p * x
    return np.stack([ahead, cos_r * y + sin_r * up, cos_r * up - sin_r * y])


def _wander(n_frames: int, rate_hz: float, rng: np.random.Generator) -> Array:
    """Give slow bias of deviation about one (V, P, T): lines between drawn knots."""
    hold = max(1, round(BIAS_S * rate_hz))
    drawn = rng.standard_normal((n_frames // hold + 2, len(CHANNELS), len(PLACES)))
    knots = np.ascontiguousarray(drawn.transpose(1, 2, 0))[..., None]
    part = np.arange(hold) / hold
    lines = knots[:, :, :-1] + np.diff(knots, axis=2) * part
    wander: Array = lines.reshape(len(CHANNELS), len(PLACES), -1)[..., :n_frames]
    return wander
