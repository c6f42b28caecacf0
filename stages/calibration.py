"""Make probabilities mean what they say: fitted on some subjects, judged on others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.stage import StageContext
from stages import account
from stages.drawing import calibration as drawing
from stages.exchange import Logits
from stages.judging import telling
from stages.judging.fitted import Fitted, fit
from stages.judging.judged import Judged, Policy, judge

FITTED, JUDGED = "calibrate", "test"
LOGITS = "train/logits.npz"
SMOOTHING = ("posterior", "median")
# Each draw of subjects holds a number for each bin.
MOST_BINS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Bins of confidence, how often a set may miss, and how labels are smoothed.

    smoothing: "posterior", the likeliest labels of which every run lasts; or "median",
    a vote and then the fewest changes. Both are judged; gates ask about this one.
    min_dwell: windows that a run lasts at least. window_size: windows that vote.
    """

    bins: int = 15
    miss: float = 0.1
    smoothing: str = "posterior"
    min_dwell: int = 2
    window_size: int = 3


def run(params: Params, ctx: StageContext) -> None:
    """Fit a temperature and conformal thresholds, and judge them on unseen subjects."""
    if params.smoothing not in SMOOTHING:
        found = f"smoothing is {params.smoothing!r}"
        raise ValueError(f"{found}: it must be one of {', '.join(SMOOTHING)}")
    if not 1 <= params.bins <= MOST_BINS:
        raise ValueError(f"bins is {params.bins}: it must be from 1 to {MOST_BINS}")
    logits = Logits.read(ctx.input(LOGITS))
    fitted = fit(known(logits.of(FITTED)), params.miss)
    tested = logits.of(JUDGED)
    policy = Policy(SMOOTHING, params.min_dwell, params.window_size)
    judged = None
    if len(known(tested).truth):
        judged = judge(tested, fitted, policy, params.bins)
    missing = tuple(unknown(fitted, judged))

    for sentence in missing:
        ctx.log.warning(sentence)
    with ctx.output("calibration.json") as path:
        account.write(path, for_export(params, fitted, logits))
    write(params, ctx, fitted, judged, tested, missing)


def known(logits: Logits) -> Logits:
    """Leave out windows whose truth is not known."""
    rows = logits.truth >= 0
    columns = ("logits", "truth", "part", "subject", "recording", "start")
    return logits._replace(**{name: getattr(logits, name)[rows] for name in columns})


def unknown(fitted: Fitted, judged: Judged | None) -> Iterator[str]:
    """Say what could not be done."""
    if not fitted.windows:
        yield (
            f"no window of part {FITTED} has a known truth: "
            "the temperature stays 1, and there are no conformal sets"
        )
    if fitted.at_bound:
        yield f"the temperature {fitted.temperature:g} is the last that is allowed"
    if judged is None:
        yield f"no window of part {JUDGED} has a known truth: nothing is judged"


def for_export(params: Params, fitted: Fitted, logits: Logits) -> dict[str, object]:
    """Give what a device needs; a limit of null lets every class in."""
    return {
        "temperature": fitted.temperature,
        "miss": params.miss,
        "score": "lac: 1 - p; aps: mass of likelier classes + u p, u uniform, 0 .. 1",
        "limits": fitted.limits,
        "smoothing": {
            "kind": params.smoothing,
            "min_dwell_windows": params.min_dwell,
            "window_size": params.window_size,
            "hop_frames": logits.hop,
        },
        "labels": logits.labels,
        "fitted_on": {"windows": fitted.windows, "subjects": fitted.subjects},
    }


def write(
    params: Params,
    ctx: StageContext,
    fitted: Fitted,
    judged: Judged | None,
    tested: Logits,
    missing: tuple[str, ...],
) -> None:
    """Write the report, the table and the figures, and tell the numbers."""
    said: dict[str, object] = {"missing": missing, "temperature": fitted.temperature}
    if judged is not None:
        said |= telling.account(judged, fitted, tested)
        with ctx.result("table.csv") as path:
            account.table(path, telling.HEADER, telling.table(judged))
        for name, draw in drawing.FIGURES.items():
            with ctx.figure(name) as path:
                draw(path, judged, 1.0 - params.miss)
        ctx.metric(**telling.metrics(judged, fitted, params.smoothing))
    elif len(tested.logits):
        with ctx.figure("confidence.png") as path:
            drawing.unjudged(path, tested.logits.astype(np.float64), fitted.temperature)
    with ctx.result("report.json") as path:
        account.write(path, said)
    ctx.metric(temperature=fitted.temperature, judged=int(judged is not None))
