"""How hard the default world is: the Bayes limit, chance, and a linear model.

Not of speed: these are the figures to look at before any threshold is set. Subjects to
be judged on were never seen.
"""

from __future__ import annotations

import warnings

import numpy as np

from models.synthetic.limit import Estimate, limit
from models.synthetic.windows import cohort
from models.synthetic.world import World, world

SECONDS = 100.0
SEED, JUDGES_SEED = 7, 8


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Estimate the limit from 10 subjects for each round and twenty besides."""
    known = world()
    subjects = 20 + 10 * rounds
    best = limit(known, JUDGES_SEED, n_subjects=subjects, n_seconds=SECONDS)
    of = f"{subjects} subjects, three standard errors"
    return [
        ("Bayes limit, windows of unseen subjects", _said(best.windows), of),
        ("the same, counting hits", _said(best.hits), ""),
        ("the same, frames", _said(best.frames), ""),
        ("the same, macro-F1 of windows", _said(best.macro_f1), ""),
        ("who knows the subject, windows", _said(best.windows_knowing), ""),
        ("who sees the whole recording, frames", _said(best.recording), ""),
        ("naming the commonest", f"{best.chance:.3f}", "chance"),
        (
            "a linear model of raw windows, 24 subjects to learn from, 12 unseen",
            f"{_linear(known):.3f}",
            "below 0.70",
        ),
    ]


def _said(of: Estimate) -> str:
    return f"{of.value:.4f} ({of.low:.4f}-{of.high:.4f})"


def _linear(known: World) -> float:
    """Share right of logistic regression on standardised readings."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train = cohort(known, SEED, range(24), SECONDS)
    test = cohort(known, SEED, range(1000, 1012), SECONDS)
    mean, deviation = train.frames.mean(axis=0), train.frames.std(axis=0)
    rows, unseen = (
        ((w.frames - mean) / deviation).reshape(len(w.labels), -1).astype(np.float64)
        for w in (train, test)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = LogisticRegression(C=1e-3, max_iter=100).fit(rows, train.labels)
    return float(fitted.score(unseen, test.labels))
