"""What the devices read, against rotations by scipy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from models.chance import stream
from models.synthetic import bodies, sensing
from models.synthetic.bodies import Worn
from models.synthetic.motion import Motion

if TYPE_CHECKING:
    from models.shapes import Array

RATE = 1000.0
PLAIN = Worn(np.stack([np.eye(3)] * 2), np.ones((9, 2)), np.zeros((9, 2)), 1.3)


def _tumbling(n_frames: int = 2000) -> Array:
    """Give smooth angles (3, T): roll, pitch, heading, all changing at once."""
    t = np.arange(n_frames) / RATE
    return np.stack([0.9 * np.sin(3 * t), 0.7 * np.cos(2 * t + 1), 1.5 * t + np.sin(t)])


def _turned(angles: Array) -> Rotation:
    """Give the device's rotation: heading about z, nose up about -y, roll about x."""
    return Rotation.from_euler("ZYX", np.stack([angles[2], -angles[1], angles[0]], -1))


def test_at_rest_the_accelerometer_reads_one_g_up() -> None:
    """And the gyroscope nothing, and the magnetometer the whole field, dipping."""
    clean = sensing.sensed(np.zeros((3, 5)), np.zeros((3, 5)), RATE)

    assert clean[:3, 2] == pytest.approx([0.0, 0.0, 1.0])
    assert clean[3:6, 2] == pytest.approx([0.0, 0.0, 0.0])
    assert np.linalg.norm(clean[6:, 2]) == pytest.approx(1.0)
    assert clean[8, 2] < 0.0


def test_gravity_and_push_are_turned_into_the_device() -> None:
    """Force is R' (a + g), where a is given ahead, left and up in the level frame."""
    angles = _tumbling()
    push = stream(1, "push").normal(size=angles.shape)

    clean = sensing.sensed(angles, push, RATE)

    level = Rotation.from_euler("z", angles[2][:, None])
    force = level.apply(push.T) + np.array([0.0, 0.0, 1.0])
    wanted = _turned(angles).inv().apply(force)
    assert np.allclose(clean[:3].T, wanted, rtol=0.0, atol=1e-12)


def test_the_magnetometer_reads_the_heading() -> None:
    """It reads R' field, and the field points north and down."""
    angles = _tumbling()

    clean = sensing.sensed(angles, np.zeros_like(angles), RATE)

    field = [np.cos(sensing.DIP), 0.0, -np.sin(sensing.DIP)]
    wanted = _turned(angles).inv().apply(field)
    assert np.allclose(clean[6:].T, wanted, rtol=0.0, atol=1e-12)


def test_the_gyroscope_is_how_the_orientation_changes() -> None:
    """It reads log(R(t-1)' R(t)) * rate_hz, but for the square of one step.

    Angles turn at up to 3 rad/s and bend at up to 10 rad/s^2: half a frame of that,
    and the products of two rates over a frame, are below 0.02.
    """
    angles = _tumbling()

    gyro = sensing.sensed(angles, np.zeros_like(angles), RATE)[3:6]

    turned = _turned(angles)
    steps = (turned[:-1].inv() * turned[1:]).as_rotvec() * RATE
    assert np.allclose(gyro[:, 1:].T, steps, rtol=0.0, atol=0.02)


def test_noise_and_bias_have_the_sizes_they_are_said_to_have() -> None:
    """At rest: the deviation frame by frame, within 5 standard errors of 20000."""
    still = Motion(np.zeros((2, 3, 20_000)), np.zeros((2, 3, 20_000)))

    read = sensing.readings(still, PLAIN, 100.0, stream(1, "noise")).astype(np.float64)

    white = np.diff(read, axis=-1).std(axis=-1) / np.sqrt(2.0)
    wanted = np.repeat(sensing.NOISE, 3)[:, None] * np.ones(2)
    assert white == pytest.approx(wanted, rel=5.0 / np.sqrt(2 * 10_000))


def test_a_sensor_does_not_read_beyond_its_range() -> None:
    """A push of 40 g reads 4 g."""
    hard = Motion(np.zeros((2, 3, 50)), np.full((2, 3, 50), 40.0))

    read = sensing.readings(hard, PLAIN, 100.0, stream(1, "noise"))

    assert read[:3].max() == np.float32(sensing.RANGE[0])


def test_devices_sit_askew_by_a_rotation() -> None:
    """Mountings keep lengths and handedness, and no two subjects' are the same."""
    askew = np.concatenate([bodies.worn(stream(n, "worn")).askew for n in range(20)])

    gram = np.einsum("nij,nkj->nik", askew, askew)
    assert gram == pytest.approx(np.broadcast_to(np.eye(3), gram.shape), abs=1e-12)
    assert np.linalg.det(askew) == pytest.approx(np.ones(40))
    assert len(np.unique(askew[:, 0, 1])) == 40


def test_a_rotation_is_that_of_its_vector() -> None:
    """Rodrigues against scipy, and no turn at all for no vector."""
    vector = np.array([0.3, -0.2, 0.9])

    assert bodies.rotation(vector) == pytest.approx(
        Rotation.from_rotvec(vector).as_matrix()
    )
    assert (bodies.rotation(np.zeros(3)) == np.eye(3)).all()
