"""The Bayes limit of a world: the best that anyone could do, before any threshold.

Behaviour and gestures are simulated, readings need not be: the ideal observer does
not look at them. See ideal.py for what it bounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.synthetic.door import whole
from models.synthetic.hindsight import hindsight
from models.synthetic.ideal import observe, strangers
from models.synthetic.prior import prior
from models.synthetic.recording import frames_in, live
from models.synthetic.windows import chance_level, starts, window_labels

if TYPE_CHECKING:
    from models.shapes import Array, IntArray
    from models.synthetic.bodies import Habits
    from models.synthetic.bouts import Bouts
    from models.synthetic.prior import Prior
    from models.synthetic.world import World

GROUPS = 20
WIDTH = 3.0


class Estimate(NamedTuple):
    """A mean over simulated subjects, and 3 standard errors to either side.

    Subjects are the unit, as windows of one subject are not independent. Most are easy
    and a few are hard, so a small sample may lack the hard ones: simulated, of subjects
    of 100 s in the default world, the interval held the true mean 99 times in 100 from
    60 subjects on and 97 of 20; of `recording`, where the hard are rarest, 96 of 200
    and 72 of 20. Where it missed, the truth lay below `low` nearly always.
    """

    value: float
    low: float
    high: float


class Limit(NamedTuple):
    """What no classifier exceeds, in the mean over unseen subjects.

    windows        accuracy of a window's label, by a stranger to the subject who looks
                   at one window at a time
    frames         accuracy of a frame's label, from the window it lies in, likewise
    macro_f1       macro-F1 of windows, each class with the rule that is best for it
    windows_knowing, frames_knowing
                   likewise by one who knows the subject's habits: the limit of
                   whatever is adapted to its subject first, and then looks at one
                   window at a time
    recording      accuracy of a frame by one who knows the habits and sees the whole
                   recording: the limit of whatever smooths over time
    hits           how often the stranger was right: `windows`, by counting. The two
                   agree only where the posterior is right; this one varies more.
    chance         accuracy of always naming the most frequent label
    """

    windows: Estimate
    frames: Estimate
    macro_f1: Estimate
    windows_knowing: Estimate
    frames_knowing: Estimate
    recording: Estimate
    hits: Estimate
    chance: float


class Seen(NamedTuple):
    """What one simulated subject adds: figures (6,), posterior (B, K), labels (B,)."""

    figures: Array
    posterior: Array
    labels: IntArray


def limit(
    known: World,
    seed: int,
    n_subjects: int = 200,
    n_seconds: float = 100.0,
    size: int = 100,
    hop: int = 50,
) -> Limit:
    """Estimate the Bayes limit of windows of `size` frames, `hop` apart.

    Accuracy is the mean over windows of the largest posterior, E[max_k p(k | view)],
    which varies less than counting hits. The posterior is exact but for the habits
    that a stranger averages over (ideal.strangers), so what remains is chance in
    which subjects were simulated: that is the interval. Some 20 ms a subject of 100 s.
    """
    seed, n_subjects = whole("seed", seed, 0), whole("n_subjects", n_subjects, GROUPS)
    n_frames = frames_in(known, n_seconds)
    start = starts(n_frames, size, hop)
    unknown = strangers(known)
    seen = [
        _look(known, unknown, start, size, live(known, seed, subject, n_frames))
        for subject in range(n_subjects)
    ]
    means = [_estimate(column) for column in np.stack([s.figures for s in seen]).T]
    windows, frames, windows_knowing, frames_knowing, recording, hits = means
    return Limit(
        windows=windows,
        frames=frames,
        macro_f1=_macro_f1([s.posterior for s in seen]),
        windows_knowing=windows_knowing,
        frames_knowing=frames_knowing,
        recording=recording,
        hits=hits,
        chance=chance_level(np.concatenate([s.labels for s in seen])),
    )


def f1_limit(posterior: Array) -> float:
    """Give the largest macro-F1 that posteriors (B, K) allow, over many such windows.

    Whoever calls the windows A class k gets, with expected counts,

        F1 = 2 sum_A p_k / (|A| + sum p_k)

    which is largest for some A of the windows with the largest p_k. Each class takes
    its own A, which one label a window does not allow: so this is an upper limit.
    """
    if posterior.ndim != 2 or not posterior.size:
        raise ValueError(f"posterior wants windows (B, K), found {posterior.shape}")
    # Rows that were single precision once add up to 1 within K eps / 2.
    wrong = ~((posterior >= 0.0).all(axis=1) & (abs(posterior.sum(axis=1) - 1) < 1e-5))
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"posterior row {row} is {posterior[row]}: wanted chances")
    ranked = -np.sort(-posterior, axis=0)
    size = np.arange(1, len(ranked) + 1)[:, None]
    mass = ranked.sum(axis=0)
    best = (2.0 * ranked.cumsum(axis=0) / (size + mass)).max(axis=0)
    return float(best[mass > 0.0].mean())


def _look(
    known: World,
    unknown: Prior,
    start: IntArray,
    size: int,
    lived: tuple[Habits, Bouts],
) -> Seen:
    """Let the ideal observers look at one simulated subject."""
    habits, bouts = lived
    labels = window_labels(bouts.labels[start[:, None] + np.arange(size)])
    stranger = observe(known, unknown, bouts, start, size)
    knowing = observe(known, prior(habits), bouts, start, size, habits.shift)
    certain = hindsight(known, habits, bouts).max(axis=-1)
    figures = [
        stranger.windows.max(axis=-1).mean(),
        stranger.frames.max(axis=-1).mean(),
        knowing.windows.max(axis=-1).mean(),
        knowing.frames.max(axis=-1).mean(),
        certain @ bouts.durations / bouts.durations.sum(),
        (stranger.windows.argmax(axis=-1) == labels).mean(),
    ]
    return Seen(np.array(figures), stranger.windows, labels)


def _estimate(by_subject: Array) -> Estimate:
    """Give the mean over subjects (N,) with its interval."""
    error = float(by_subject.std(ddof=1) / np.sqrt(len(by_subject)))
    return _around(float(by_subject.mean()), error)


def _macro_f1(posteriors: list[Array]) -> Estimate:
    """Give the limit of macro-F1, its error by leaving out groups of subjects in turn.

    Delete-a-group jackknife: var = (G - 1) / G sum_g (f_g - mean f)^2.
    """
    whole = f1_limit(np.concatenate(posteriors))
    group = np.arange(len(posteriors)) % GROUPS
    without = [
        f1_limit(np.concatenate([posteriors[n] for n in np.flatnonzero(group != g)]))
        for g in range(GROUPS)
    ]
    return _around(whole, float(np.std(without) * np.sqrt(GROUPS - 1)))


def _around(value: float, error: float) -> Estimate:
    """Give `value` with its interval, within 0 and 1."""
    reach = WIDTH * error
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach))
