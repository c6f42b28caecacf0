"""Make probabilities mean what they say: fitted on some subjects, judged on others."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from models.first import calibration, classifier, drawing, split
from models.shapes import Array, IntArray
from pipeline.stage import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Bins of confidence, and how often a set may miss."""

    bins: int = 15
    miss: float = 0.1


def run(params: Params, ctx: StageContext) -> None:
    """Fit a temperature and a conformal threshold, and judge both."""
    with np.load(ctx.input("train/logits.npz")) as arrays:
        logits = arrays["logits"].astype(np.float64)
        truth, groups = arrays["truth"].astype(np.int64), arrays["groups"]
    fitted, judged = groups == split.CALIBRATE, groups == split.TEST

    temperature = calibration.temperature(flat(logits[fitted]), truth[fitted].ravel())
    probs = calibration.probabilities(logits, temperature)
    scores = calibration.scores(probs[fitted], truth[fitted])
    threshold = calibration.threshold(scores, params.miss)

    report_errors(params, logits[judged], truth[judged], temperature, ctx)
    report_sets(probs[judged], truth[judged], threshold, ctx)
    with ctx.output("calibration.json") as path:
        found = {"temperature": temperature, "threshold": threshold}
        path.write_text(json.dumps(found, indent=2) + "\n")


def flat(logits: Array) -> Array:
    """Forget whose frames they are: (N, T, K) -> (N T, K)."""
    return logits.reshape(-1, logits.shape[-1])


def report_errors(
    params: Params,
    logits: Array,
    truth: IntArray,
    temperature: float,
    ctx: StageContext,
) -> None:
    """Tell the calibration error and the loss, before and after."""
    rows, labels = flat(logits), truth.ravel()
    before = calibration.reliability(
        calibration.probabilities(rows, 1.0), labels, params.bins
    )
    after = calibration.reliability(
        calibration.probabilities(rows, temperature), labels, params.bins
    )
    with ctx.result("reliability.json") as path:
        table = {name: part.tolist() for name, part in after._asdict().items()}
        path.write_text(json.dumps(table, indent=2) + "\n")
    with ctx.figure("reliability.svg") as path:
        title = f"share right in each of {params.bins} bins of confidence, 0 to 1"
        path.write_text(drawing.bars(after.accuracy, title))
    ctx.metric(
        ece=calibration.expected_error(after),
        ece_before=calibration.expected_error(before),
        nll=classifier.nll(rows / temperature, labels),
        nll_before=classifier.nll(rows, labels),
        temperature=temperature,
    )


def report_sets(
    probs: Array, truth: IntArray, threshold: float, ctx: StageContext
) -> None:
    """Tell how often the sets hold the truth, and how large they are."""
    inside = calibration.sets(probs, threshold)
    covered = calibration.coverage(inside, truth)
    ctx.metric(
        coverage=covered.mean(),
        coverage_worst_subject=covered.min(),
        set_size=inside.sum(axis=-1).mean(),
    )
