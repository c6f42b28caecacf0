"""How well subjects are recognised that nobody learned from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.calibration.confusion import confusion, macro, of_confusion
from models.leakage.certificate import judged
from models.shapes import IntArray
from models.synthetic.limit import Limit, limit
from models.synthetic.windows import chance_level
from models.synthetic.world import world
from stages.reading.herd import Herd
from stages.training.cohorts import Cohorts
from stages.training.outlook import Outlook


class Subject(NamedTuple):
    """One unseen subject: how many windows were judged, and how many were right."""

    name: str
    windows: int
    right: int

    @property
    def accuracy(self) -> float:
        """Give the share that was right."""
        return self.right / self.windows


class Verdict(NamedTuple):
    """What was found on the test part.

    confusion (K, K): windows by label (rows) and prediction (columns)
    frames: accuracy of single frames. chance: of always naming the commonest label.
    """

    accuracy: float
    macro_f1: float
    frames: float
    chance: float
    confusion: IntArray
    subjects: tuple[Subject, ...]
    claim: str

    @property
    def worst(self) -> float:
        """Give the accuracy of the subject that is recognised least."""
        return min(each.accuracy for each in self.subjects)


def verdict(split: Cohorts, said: Outlook, n_behaviours: int) -> Verdict:
    """Judge the test part; raise Leak unless it is the one that was certified."""
    test = split.parts["test"]
    guesses = said.logits.argmax(axis=1)
    found = judged(split.certificate, test.windows, test.labels, guesses)
    known = found.labels >= 0
    labels, guesses = found.labels[known], found.predictions[known]
    counts = confusion(labels, guesses, n_classes=n_behaviours)
    return Verdict(
        found.accuracy,
        float(macro(of_confusion(counts).f1)),
        _of_frames([each.truth for each in test.recordings], said.guesses),
        chance_level(labels),
        counts,
        _by_subject(test.origin.subject[known], labels == guesses),
        found.claim,
    )


def bound(herd: Herd, seed: int, observed: int) -> Limit | None:
    """Estimate the best that anyone could do, where the truth is known how it came."""
    if herd.source != "synthetic":
        return None
    return limit(world(herd.rate_hz), seed, observed)


def _of_frames(truth: list[IntArray], guesses: list[IntArray]) -> float:
    """Give the share of labelled frames that are right."""
    labels = np.concatenate(truth)
    known = labels >= 0
    return float((np.concatenate(guesses) == labels)[known].mean())


def _by_subject(
    subjects: npt.NDArray[np.str_], right: npt.NDArray[np.bool_]
) -> tuple[Subject, ...]:
    """Count windows and hits of each subject, in order of their names."""
    return tuple(
        Subject(str(name), int(own.sum()), int(right[own].sum()))
        for name in np.unique(subjects)
        for own in [subjects == name]
    )
