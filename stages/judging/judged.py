"""How probabilities fare on subjects that taught nothing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.calibration import temperature
from models.calibration.reliability import Diagram, reliability
from models.calibration.report import Report, report
from models.calibration.selective import Selective, selective
from models.calibration.sets import Outcome, outcome
from models.calibration.uncertainty import entropy
from models.shapes import Array, BoolArray, IntArray
from models.temporal.dwell import best_posterior
from models.temporal.median import MedianHysteresisPolicy
from models.temporal.stretches import stretches
from stages.exchange import Logits
from stages.judging.fitted import Fitted, Floats, inside

RAW, WARM = "before", "temperature"
# What is impossible to single precision need not be impossible.
LEAST = 1e-38


class Policy(NamedTuple):
    """How labels are smoothed: kinds to try, windows a run lasts, windows that vote."""

    kinds: tuple[str, ...]
    min_dwell: int
    window_size: int


class Judged(NamedTuple):
    """All that was measured, on N windows of known truth.

    reports: by what was done, "before", "temperature", and the kinds of smoothing
    before, after: diagrams of the first two. sets: by conformal method
    confidence (N,) before and after, entropy (N,) in nats, is_right (N,): after
    """

    reports: dict[str, Report]
    before: Diagram
    after: Diagram
    sets: dict[str, Outcome]
    selective: Selective
    confidence: tuple[Array, Array]
    entropy: Array
    is_right: BoolArray


def judge(logits: Logits, fitted: Fitted, policy: Policy, n_bins: int) -> Judged:
    """Judge windows of one part or more, of which some truth at least is known."""
    is_known = logits.truth >= 0
    smooth = smoothed(logits, fitted.temperature, policy)
    truth, who = logits.truth[is_known].astype(np.int64), logits.subject[is_known]
    raw, warm = (
        temperature.scaled(logits.logits[is_known].astype(np.float64), one)
        for one in (1.0, fitted.temperature)
    )

    def reported(probs: Floats, predictions: IntArray | None = None) -> Report:
        return report(probs, truth, who, predictions=predictions, n_bins=n_bins)

    reports = {RAW: reported(raw), WARM: reported(warm)}
    for kind, labels in smooth.items():
        reports[kind] = reported(warm, labels[is_known])
    return Judged(
        reports,
        reliability(raw, truth, who, n_bins=n_bins),
        reliability(warm, truth, who, n_bins=n_bins),
        {
            name: outcome(inside(name, warm, limit), truth, who)
            for name, limit in fitted.limits.items()
        },
        selective(warm, truth, who),
        (raw.max(axis=1), warm.max(axis=1)),
        entropy(warm),
        warm.argmax(axis=1) == truth,
    )


def smoothed(logits: Logits, warmth: float, policy: Policy) -> dict[str, IntArray]:
    """Smooth the labels of all windows (N,), each recording for itself, by kind."""
    probs = temperature.scaled(logits.logits.astype(np.float64), warmth)
    laid = stretches(logits.recording, logits.start, logits.hop)
    found = {}
    if "posterior" in policy.kinds:
        logs = np.log(np.maximum(probs, LEAST))[laid.place]
        found["posterior"] = best_posterior(logs, policy.min_dwell, laid.lengths)
    if "median" in policy.kinds:
        median = MedianHysteresisPolicy(
            min_dwell=policy.min_dwell, window_size=policy.window_size
        )
        top = probs.argmax(axis=1)[laid.place]
        found["median"] = median.smooth(top, laid.lengths)
    return {kind: laid.flat(labels) for kind, labels in found.items()}
