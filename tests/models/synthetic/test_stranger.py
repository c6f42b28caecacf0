"""What a stranger knows of a window, weighed once more by subjects drawn afresh."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import stats

from models.chance import stream
from models.shapes import Array
from models.synthetic.bodies import habits
from models.synthetic.bouts import Bouts
from models.synthetic.gestures import SIDED
from models.synthetic.ideal import observe, strangers
from models.synthetic.recording import live
from models.synthetic.windows import window_labels
from models.synthetic.world import world

WIDE = world(spread=1.6)
RNG = stream(9, "afresh")
SHIFTS = WIDE.style * RNG.standard_normal((4000, 10))
DRAWN = [habits(WIDE, RNG) for _ in range(200)]
FOLLOWS = np.stack([each.follows for each in DRAWN])
STAYS = np.stack([np.insert(each.stays, 0, 0.0, axis=1) for each in DRAWN])
LASTING = STAYS[..., ::-1].cumsum(axis=-1)[..., ::-1]


def _met() -> Array:
    """Give p(behaviour, frames to go) at a random moment, by walking for long."""
    shares = np.linalg.matrix_power(0.5 * (FOLLOWS + np.eye(10)), 4096)[:, 0]
    met = shares[..., None] * LASTING
    met[..., 0] = 0.0
    moments: Array = met / met.sum(axis=(1, 2), keepdims=True)
    return moments


MET = _met()
SPANNED = MET[..., ::-1].cumsum(axis=-1)[..., ::-1]


def _chance(path: tuple[int, ...], lengths: list[int]) -> float:
    """Give p(path, lengths in view), the mean over the drawn subjects."""
    if len(path) == 1:
        return float(SPANNED[:, path[0], lengths[0]].mean())
    p = MET[:, path[0], lengths[0]].copy()
    for j, k in itertools.pairwise(path):
        p *= FOLLOWS[:, j, k]
    for k, length in zip(path[1:-1], lengths[1:-1], strict=True):
        p *= STAYS[:, k, length]
    return float((p * LASTING[:, path[-1], lengths[-1]]).mean())


def _by_hand(bouts: Bouts, start: int) -> Array:
    """Weigh every sequence of behaviours in view by every style: (K,)."""
    since, until = start - WIDE.reach, start + 100
    ends = bouts.starts + bouts.durations
    seen = np.flatnonzero((bouts.starts < until) & (ends > since))
    lengths = np.minimum(ends[seen], until) - np.maximum(bouts.starts[seen], since)
    mirror = np.where(np.isin(range(10), SIDED), -1.0, 1.0)
    fits = {
        (i, k): sum(
            np.exp(
                stats.norm.logpdf(side, WIDE.usual[k] + SHIFTS, WIDE.varies[k]).sum(1)
            )
            for side in (bouts.gestures[n], mirror * bouts.gestures[n])
        )
        for i, n in enumerate(seen)
        for k in range(10)
    }
    weight = np.zeros(10)
    for path in itertools.product(range(10), repeat=len(seen)):
        if p := _chance(path, lengths.tolist()):
            frames = np.repeat(path, lengths)[None, WIDE.reach :]
            styles = np.prod([fits[i, k] for i, k in enumerate(path)], axis=0)
            weight[window_labels(frames)] += p * styles.mean()
    chance: Array = weight / weight.sum()
    return chance


def test_the_posterior_is_that_of_subjects_drawn_afresh() -> None:
    """Nothing is integrated in closed form here: 4000 styles and 200 habits are drawn.

    Hundreds of the styles fit a view, so a chance is right to some 0.03: 0.08 is
    allowed of one, and 0.01 in the mean. Every second view holds a change point.
    """
    off = []
    for subject in range(10):
        _, bouts = live(WIDE, 77, subject, 3000)
        changed = int(bouts.changes[bouts.changes < 2900][-1])
        start = changed - 10 * subject if subject % 2 else 500

        seen = observe(WIDE, strangers(WIDE), bouts, np.array([start]), 100)

        off.append(np.abs(seen.windows[0] - _by_hand(bouts, start)).max())
    assert max(off) < 0.08
    assert np.mean(off) < 0.01
