"""The ideal observer: what could be known of a window, at the very best.

It sees the gestures in view themselves, and the instants at which they change. Given
these, a window's readings say nothing more of its label:

    - motion and sensing are told gestures, and never a behaviour's name (motion.py)
    - what was done before the view is forgotten (World.reach); only the phase and the
      heading go on, and both began anywhere on the circle, so they say nothing of it
    - wandering, noise and how the devices sit are drawn apart from what is done

So whatever a classifier makes of a window's readings, the observer could make of the
gestures, by drawing readings itself; and nothing is right more often than the label
that is most likely given all that is seen, which is right max_k p(k | view) of the
time. That is the data processing inequality (Cover and Thomas, Elements of Information
Theory, 2.8). p is the prior of prior.py times the likelihood of evidence.py, summed
over every sequence of behaviours that the view can hold.

    knowing    knows the subject too: its style, what follows what, its pace
    stranger   has never seen the subject. The style is integrated out in closed form,
               what follows what and the pace are averaged over drawn subjects. This
               is the case of a classifier that is judged on an unseen subject.

Both are upper limits, in the mean, and the stranger's is the lower. Neither has to find
out how the devices sit, nor to read a gesture out of noise: what that costs is not in
them. Neither binds whoever looks at more than one window at a time, as neighbours and
other windows of a subject tell of this one: see hindsight.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.chance import stream
from models.logspace import log_softmax
from models.shapes import einsum
from models.synthetic.bodies import habits as drawn_habits
from models.synthetic.evidence import log_gestures
from models.synthetic.prior import Prior, feasible, log_paths, prior
from models.synthetic.views import views
from models.synthetic.windows import starts

if TYPE_CHECKING:
    from models.shapes import Array, IntArray
    from models.synthetic.bouts import Bouts
    from models.synthetic.recording import Recording
    from models.synthetic.world import World

STRANGERS = 32
CELLS = 1_000_000  # numbers that a table may hold at a time


class Ideal(NamedTuple):
    """What an ideal observer knows of each window.

    windows (B, K): p(label of the window | all in view)
    frames (B, T, K): p(behaviour of the frame | the same)
    """

    windows: Array
    frames: Array


def ideal(known: World, recording: Recording, size: int = 100, hop: int = 50) -> Ideal:
    """Give what a stranger could know of the windows that `windows` cuts.

    No classifier that takes them one by one, and learned from other subjects, is right
    more often than `ideal(..).windows.max(-1)`, in the mean over subjects: compare on
    the very windows that it is judged on, and allow for luck.
    """
    if recording.rate_hz != known.rate_hz:
        raise ValueError(
            f"recording was made at {recording.rate_hz} Hz, the world has "
            f"{known.rate_hz} Hz: judge it by the world it is of"
        )
    start = starts(len(recording.labels), size, hop)
    return observe(known, strangers(known), recording.bouts, start, size)


def strangers(known: World, n_bodies: int = STRANGERS) -> Prior:
    """Tabulate the habits that a stranger averages over; always the same ones.

    They only weigh what follows and how long: 32 give the limit to about 0.0003.
    """
    rngs = [stream(0, "strangers", i) for i in range(n_bodies)]
    return prior(*(drawn_habits(known, rng) for rng in rngs))


def observe(
    known: World,
    tables: Prior,
    bouts: Bouts,
    start: IntArray,
    size: int,
    shift: Array | None = None,
) -> Ideal:
    """Give the exact posterior of windows of `size` frames that begin at `start` (B,).

    With `shift` (U,) the style is known; without, it is integrated out. `tables` are
    those of the one who knows, of one habit, or of `strangers`, of S.
    Costs B Q m (U + S) for the Q sequences that m bouts can be.
    """
    windows = np.zeros((len(start), len(known.names)))
    frames = np.zeros((len(start), size, len(known.names)))
    for view in views(bouts, start, size, known.reach):
        paths = feasible(known.follows, view.bout.shape[1])
        deep = len(paths) * max(len(tables.log_a), len(known.names))
        for few in view.blocks(max(1, CELLS // deep)):
            log_p = log_paths(tables, paths, few.seen)
            log_p += log_gestures(known, bouts.gestures[few.bout], paths, shift)
            chance = np.exp(log_softmax(log_p))
            windows[few.row] = _of_windows(chance, paths, few.inside, windows.shape[1])
            frames[few.row] = _of_frames(chance, paths, few.inside, frames.shape[1:])
    return Ideal(windows, frames)


def _of_windows(
    chance: Array, paths: IntArray, inside: IntArray, n_states: int
) -> Array:
    """Sum the chance of paths (B, Q) by the label they give the window: (B, K).

    The rule is that of window_labels: most frames, and of equals the one seen last.
    """
    same = (paths[:, :, None] == paths[:, None, :]).astype(np.int64)
    held = np.einsum("qij,bj->bqi", same, inside)
    from_last = np.where(inside[:, None, :] > 0, held, -1)[:, :, ::-1]
    bout = paths.shape[1] - 1 - from_last.argmax(axis=-1)  # (B, Q)
    label = paths[np.arange(len(paths)), bout]
    picked = label[..., None] == np.arange(n_states)
    return einsum("bq,bqk->bk", chance, picked.astype(np.float64))


def _of_frames(
    chance: Array, paths: IntArray, inside: IntArray, shape: tuple[int, ...]
) -> Array:
    """Give each frame (B, T, K) the posterior of the bout that it is in."""
    size, n_states = shape
    named = (paths[..., None] == np.arange(n_states)).astype(np.float64)
    of_bouts = einsum("bq,qik->bik", chance, named)
    ends = inside.cumsum(axis=1)
    bout = (np.arange(size)[:, None] >= ends[:, None, :]).sum(axis=-1)
    posterior: Array = np.take_along_axis(of_bouts, bout[..., None], axis=1)
    return posterior
