"""What a subject does: a semi-Markov chain of bouts, each with a gesture of its own.

The chain is in equilibrium from its first frame on: the first bout began some time
before. So a frame's place in the recording says nothing about its behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.synthetic.gestures import SIDED

if TYPE_CHECKING:
    from models.shapes import Array, IntArray
    from models.synthetic.bodies import Habits
    from models.synthetic.world import World


class Bouts(NamedTuple):
    """What was really done, one row a bout.

    states (M,); starts (M,): first frame; durations (M,): frames seen;
    gestures (M, U): how it was done.
    The first bout began before frame 0 and the last goes on after the end: both are
    censored, and their durations are what was seen of them.
    """

    states: IntArray
    starts: IntArray
    durations: IntArray
    gestures: Array

    @property
    def changes(self) -> IntArray:
        """Give the change points (M-1,): where every bout but the first begins."""
        return self.starts[1:]

    @property
    def labels(self) -> IntArray:
        """Give the behaviour of each frame, (T,)."""
        return np.repeat(self.states, self.durations)


def draw(
    known: World, habits: Habits, n_frames: int, rng: np.random.Generator
) -> Bouts:
    """Draw what a subject does for `n_frames`; more frames only add to the end."""
    following, staying = habits.follows.cumsum(axis=1), habits.stays.cumsum(axis=1)
    states, durations, gestures = [], [], []
    state, left = _first(habits, rng)
    seen = 0
    while seen < n_frames:
        states.append(state)
        durations.append(min(left, n_frames - seen))
        gestures.append(_gesture(known, habits, state, rng))
        seen += left
        state = _pick(following[state], rng)
        left = 1 + _pick(staying[state], rng)
    lengths = np.array(durations, dtype=np.int64)
    starts = np.concatenate([[0], lengths.cumsum()[:-1]])
    return Bouts(np.array(states, dtype=np.int64), starts, lengths, np.stack(gestures))


def visits(follows: Array) -> Array:
    """Give the share of bouts of each behaviour (K,): v = v A, summing to one."""
    n_states = len(follows)
    balance = np.vstack([follows.T - np.eye(n_states), np.ones(n_states)])
    share: Array = np.linalg.lstsq(balance, np.eye(n_states + 1)[-1], rcond=None)[0]
    return np.maximum(share, 0.0)


def survival(stays: Array) -> Array:
    """Give P(d >= r) of tables (K, D): row r-1 is the chance to last r frames."""
    lasting: Array = stays[..., ::-1].cumsum(axis=-1)[..., ::-1]
    return lasting


def _first(habits: Habits, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the behaviour at a random moment, and how long it goes on from there.

        p(k, r) = visits_k P(d_k >= r) / sum_k visits_k E[d_k]

    Long bouts hold more moments than short ones.
    """
    joint = visits(habits.follows)[:, None] * survival(habits.stays)
    state, rest = divmod(_pick(joint.cumsum(), rng), joint.shape[1])
    return state, 1 + rest


def _gesture(
    known: World, habits: Habits, state: int, rng: np.random.Generator
) -> Array:
    """Draw how a bout is done: law, the subject's style, a coin for the side."""
    varied = known.varies[state] * rng.standard_normal(known.varies.shape[1])
    gesture: Array = known.usual[state] + varied + habits.shift
    if rng.random() < 0.5:
        gesture[list(SIDED)] *= -1.0
    return gesture


def _pick(cumulative: Array, rng: np.random.Generator) -> int:
    """Draw an index by cumulative weights, which need not sum to one."""
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
