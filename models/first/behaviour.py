"""Simulated behaviour: worn sensors on animals that do one thing for a while.

A `World` holds what all subjects share: how each behaviour looks to a sensor, how long
it lasts, what follows it. A subject wears its sensors a little askew, moves a little
more or less and a little faster or slower, so that to recognise a behaviour on an
unseen subject is a real question. Each subject has its own random stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.shapes import einsum

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

CHANNELS = 9
PLACES = 2
DURATION_SHAPE = 6.0


class World(NamedTuple):
    """What all subjects share.

    posture    (K, V, P): the mean reading
    sway       (K, V, P): the amplitude of its oscillation
    phase      (K, V, P): where in the cycle each channel is
    rate       (K,): cycles a frame
    duration   (K,): mean frames of one stay
    transition (K, K): what follows; rows sum to one, the diagonal is empty
    """

    posture: Array
    sway: Array
    phase: Array
    rate: Array
    duration: Array
    transition: Array


class Body(NamedTuple):
    """How one subject differs: sensors askew (P, 3, 3), bias (V, P), gain, tempo."""

    askew: Array
    bias: Array
    gain: float
    tempo: float


class Recording(NamedTuple):
    """One subject's readings (T, V, P) and what it really did (T,)."""

    frames: Array
    states: IntArray


def world(n_states: int, rng: np.random.Generator) -> World:
    """Draw a world of `n_states` behaviours, lasting 12 to 40 frames on average."""
    shape = (n_states, CHANNELS, PLACES)
    transition = rng.dirichlet(np.ones(n_states), size=n_states)
    np.fill_diagonal(transition, 0.0)
    return World(
        posture=rng.normal(0.0, 0.8, shape),
        sway=rng.gamma(2.0, 0.5, (n_states, 1, 1)) * rng.random(shape),
        phase=rng.uniform(0.0, 2.0 * np.pi, shape),
        rate=rng.uniform(0.05, 0.25, n_states),
        duration=rng.permutation(np.geomspace(12.0, 40.0, n_states)),
        transition=transition / transition.sum(axis=1, keepdims=True),
    )


def record(known: World, n_frames: int, rng: np.random.Generator) -> Recording:
    """Record one new subject for `n_frames`; its last stay may be cut off."""
    states = stays(known, n_frames, rng)
    return Recording(wear(known, states, body(rng), rng), states)


def stays(known: World, n_frames: int, rng: np.random.Generator) -> IntArray:
    """Draw the behaviour of each frame (T,): a semi-Markov chain, cut at the end."""
    runs: list[IntArray] = []
    state, left = int(rng.integers(len(known.rate))), n_frames
    while left > 0:
        length = min(left, stay(float(known.duration[state]), rng))
        runs.append(np.full(length, state, dtype=np.int64))
        state = int(rng.choice(len(known.rate), p=known.transition[state]))
        left -= length
    return np.concatenate(runs)


def stay(mean: float, rng: np.random.Generator) -> int:
    """Draw one duration: 1 + negative binomial, so that short stays are rare."""
    return 1 + int(rng.poisson(rng.gamma(DURATION_SHAPE, (mean - 1) / DURATION_SHAPE)))


def body(rng: np.random.Generator) -> Body:
    """Draw how one subject differs from the rest."""
    return Body(
        askew=np.stack([rotation(rng.normal(0.0, 0.2, 3)) for _ in range(PLACES)]),
        bias=rng.normal(0.0, 0.35, (CHANNELS, PLACES)),
        gain=float(np.exp(rng.normal(0.0, 0.25))),
        tempo=float(np.exp(rng.normal(0.0, 0.1))),
    )


def rotation(axis: Array) -> Array:
    """Turn (3,) into a rotation (3, 3) by Cayley: (I - S)^-1 (I + S), S skew."""
    x, y, z = axis / 2.0
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned: Array = np.linalg.solve(np.eye(3) - skew, np.eye(3) + skew)
    return turned


def wear(
    known: World, states: IntArray, wearer: Body, rng: np.random.Generator
) -> Array:
    """Give what the sensors read (T, V, P) while `wearer` does `states` (T,)."""
    cycles = np.cumsum(known.rate[states]) * wearer.tempo
    angle = 2.0 * np.pi * cycles[:, None, None] + known.phase[states]
    clean = known.posture[states] + wearer.gain * known.sway[states] * np.sin(angle)
    triads = clean.reshape(len(states), CHANNELS // 3, 3, PLACES)
    turned = einsum("pxy,tmyp->tmxp", wearer.askew, triads).reshape(clean.shape)
    return turned + wearer.bias + rng.normal(0.0, 0.5, clean.shape)


def shared_frames(some: Array, others: Array) -> int:
    """Count the readings (., V, P) of `some` that are in `others` too, bit for bit."""
    seen = {frame.tobytes() for frame in some}
    return sum(frame.tobytes() in seen for frame in others)
