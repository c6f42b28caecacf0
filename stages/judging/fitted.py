"""What calibration subjects teach: a temperature, and limits of conformal scores."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.calibration import conformity, sets, temperature, threshold
from models.chance import stream
from models.shapes import Array, BoolArray
from stages.exchange import Logits

Floats = npt.NDArray[np.floating]
# LAC and APS are thresholds for windows that could be exchanged, by_class is one for
# each class, and by_subject covers windows of new subjects, if there are enough.
METHODS = ("lac", "aps", "by_class", "by_subject")


class Fitted(NamedTuple):
    """What is to be done with logits.

    temperature: 1.0 where nothing could be fitted. at_bound: the best lies beyond what
    is allowed. limits: by method; infinite lets every class in, and none is there when
    nothing could be fitted. windows, subjects: how many it was fitted on.
    """

    temperature: float
    at_bound: bool
    limits: dict[str, float | Array]
    windows: int
    subjects: int


def fit(logits: Logits, miss: float) -> Fitted:
    """Fit on windows of which every truth is known; without any, change nothing."""
    subjects = len(np.unique(logits.subject))
    if not len(logits.truth):
        return Fitted(1.0, at_bound=False, limits={}, windows=0, subjects=0)
    truth = logits.truth.astype(np.int64)
    found = temperature.fit(logits.logits, truth)
    probs = temperature.scaled(logits.logits, found.temperature)
    of_label = {
        name: conformity.of_labels(scores(name, probs, "fitted"), truth)
        for name in METHODS
    }
    limits: dict[str, float | Array] = {
        "lac": threshold.split(of_label["lac"], miss=miss),
        "aps": threshold.split(of_label["aps"], miss=miss),
        "by_class": threshold.by_class(
            of_label["by_class"], truth, n_classes=probs.shape[1], miss=miss
        ).limit,
        "by_subject": threshold.by_subject(
            of_label["by_subject"], logits.subject, miss=miss
        ),
    }
    return Fitted(found.temperature, found.at_bound, limits, len(truth), subjects)


def scores(method: str, probs: Floats, purpose: str) -> Array:
    """Give how badly each class suits each window (N, K), as a method has it.

    APS draws a share of each class's own mass, from a stream of its purpose: without
    it a sure model's scores all tie near 1, and sets grow far beyond what was asked.
    """
    if method == "aps":
        return conformity.aps(probs, stream(0, f"aps, {purpose}"))
    return conformity.lac(probs)


def inside(method: str, probs: Floats, limit: float | Array) -> BoolArray:
    """Give the sets (N, K) of a method; the likeliest class is in every one."""
    return sets.within(scores(method, probs, "judged"), limit, keep_likeliest=True)


def is_endless(limit: float | Array) -> bool:
    """Tell whether there was too little to fit: some class is in every set."""
    return (
        bool(np.isinf(limit).any())
        if isinstance(limit, np.ndarray)
        else math.isinf(limit)
    )
