"""How hard the default world is, on unseen subjects: neither trivial nor hopeless.

24 subjects to learn from and 12 others to be judged on, 100 s each.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from models.shapes import Array, IntArray
from models.synthetic.gestures import SIDED
from models.synthetic.ideal import ideal, observe, strangers
from models.synthetic.recording import live, record
from models.synthetic.windows import (
    Windows,
    chance_level,
    cohort,
    starts,
    window_labels,
)
from models.synthetic.world import World, world

KNOWN = world()
SEED = 7
UNSEEN = range(1000, 1012)


@cache
def _split() -> tuple[Windows, Windows]:
    """Record those to learn from and those to be judged on."""
    return cohort(KNOWN, SEED, range(24), 100.0), cohort(KNOWN, SEED, UNSEEN, 100.0)


@cache
def _limit() -> float:
    """Give the accuracy that no classifier of these very windows has in the mean."""
    seen = [ideal(KNOWN, record(KNOWN, SEED, s, 100.0)).windows for s in UNSEEN]
    return float(np.concatenate(seen).max(axis=-1).mean())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_linear_model_of_raw_windows_stays_under_seventy_percent() -> None:
    """Multinomial logistic regression of standardised readings, well above chance.

    0.66 here, at the best of weights 1e-5 .. 1; discriminants with shrinkage 0.65,
    ridge 0.56. With another seed 0.67; from 80 subjects to 40 others 0.61. Chance 0.21.
    """
    train, test = _split()
    mean, deviation = train.frames.mean(axis=0), train.frames.std(axis=0)
    known, unseen = (
        ((w.frames - mean) / deviation).reshape(len(w.labels), -1)
        for w in (train, test)
    )

    model = LogisticRegression(C=1e-3, max_iter=100).fit(known, train.labels)
    right = model.score(unseen, test.labels)

    assert chance_level(test.labels) + 0.3 < right < 0.70


@pytest.mark.slow
def test_a_good_model_comes_near_the_limit_and_not_above() -> None:
    """Trees on means, deviations, spectra and correlations, where the limit is 0.984.

    0.91 here; with other seeds 0.90 and 0.92, where the limit is 0.989 and 0.993.
    """
    train, test = _split()
    trees = ExtraTreesClassifier(150, max_features=0.15, random_state=0)

    right = trees.fit(_features(train), train.labels).score(
        _features(test), test.labels
    )

    assert 0.88 < right < _limit() < 0.998


def _features(of: Windows) -> Array:
    """Describe each window by what a nonlinear model would look at: (B, F)."""
    frames = of.frames.reshape(len(of.labels), 18, 100).astype(np.float64)
    mean = frames.mean(axis=-1, keepdims=True)
    centred = frames - mean
    spectrum = np.abs(np.fft.rfft(centred * np.hanning(100), n=200))[..., 1:31]
    bands = np.log(spectrum.reshape(-1, 18, 10, 3).mean(axis=-1) + 0.01)
    deviation = centred.std(axis=-1) + 1e-3
    products = np.einsum("bit,bjt->bij", centred, centred) / 100
    ties = products / (deviation[:, :, None] * deviation[:, None, :])
    upper = np.triu_indices(18, 1)
    halves = frames[..., 50:].mean(axis=-1) - frames[..., :50].mean(axis=-1)
    return np.concatenate(
        [
            mean[..., 0],
            np.abs(mean[..., 0]),
            np.log(deviation),
            bands.reshape(len(frames), -1),
            ties[:, upper[0], upper[1]],
            halves,
        ],
        axis=1,
    )


@pytest.mark.slow
def test_a_learner_that_is_shown_the_gestures_meets_the_limit_from_below() -> None:
    """A Gaussian for each behaviour comes near what the ideal observer knows.

    In a world with much overlap, on the same windows of 100 unseen subjects: 0.88 where
    the limit is 0.91. It does without what lengths and neighbours tell; over five seeds
    the gap is 0.027 to 0.036, its error 0.009, and 0.06 is allowed. It may pass by no
    more than that error.
    """
    wide = world(spread=1.6)
    known, unseen = _shown(wide, range(300)), _shown(wide, range(300, 400))
    learner = QuadraticDiscriminantAnalysis().fit(*known[:2])

    right = learner.predict(unseen[0]) == unseen[1]

    gap = (right - unseen[2]).reshape(100, -1).mean(axis=1)
    assert -0.06 < gap.mean() < 3.0 * gap.std() / 10.0


def _shown(wide: World, subjects: range) -> tuple[Array, IntArray, Array]:
    """Give what holds most of each window, its label, and what could be known of it."""
    start = starts(6000, 100, 200)
    unknown = strangers(wide)
    gestures, labels, best = [], [], []
    for subject in subjects:
        _, bouts = live(wide, SEED, subject, 6000)
        called = window_labels(bouts.labels[start[:, None] + np.arange(100)])
        middle = np.searchsorted(bouts.starts, start + 50, side="right") - 1
        gestures.append(bouts.gestures[middle])
        labels.append(called)
        best.append(observe(wide, unknown, bouts, start, 100).windows.max(axis=-1))
    seen = np.concatenate(gestures)
    seen[:, SIDED] = np.abs(seen[:, SIDED])
    return seen, np.concatenate(labels), np.concatenate(best)
