"""What was judged, as numbers for gates, a table, and an account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.calibration.interval import Measures
from models.calibration.reliability import Diagram
from models.calibration.report import Report
from models.calibration.sets import Outcome
from stages.exchange import Logits
from stages.judging.fitted import Fitted, is_endless
from stages.judging.judged import RAW, WARM, Judged

SCALARS = (
    "accuracy",
    "macro_f1",
    "ece",
    "ece_debiased",
    "ece_adaptive",
    "ece_classwise",
    "mce",
    "brier",
    "nll",
)
# What depends on probabilities alone; smoothing changes labels.
OF_PROBABILITIES = {"ece_classwise", "brier", "nll"}
HEADER = ("metric", "done", "value", "low", "high")
# The largest gap is mostly that of the emptiest bin; `mce_filled` leaves those out.
FILLED = 30


class Worst(NamedTuple):
    """The largest gap between confidence and share right, and windows in its bin."""

    gap: float
    windows: int


def metrics(judged: Judged, fitted: Fitted, policy: str) -> dict[str, float]:
    """Name every number that a gate may ask for."""
    raw, warm = judged.reports[RAW], judged.reports[WARM]
    smooth = judged.reports[policy]
    numbers = {name: getattr(warm, name).value for name in SCALARS}
    numbers |= {
        f"{name}_before": getattr(raw, name).value
        for name in ("ece", "ece_adaptive", "mce", "brier", "nll")
    }
    numbers |= {
        f"{name}_smoothed": getattr(smooth, name).value
        for name in ("accuracy", "macro_f1", "ece")
    }
    for ending, diagram in (("_before", judged.before), ("", judged.after)):
        numbers[f"mce_windows{ending}"] = worst(diagram, 1).windows
        numbers[f"mce_filled{ending}"] = worst(diagram, FILLED).gap
    numbers["ece_floor"] = warm.ece_floor
    numbers["risk_area"] = judged.selective.area
    numbers["temperature"] = fitted.temperature
    for name, outcome in judged.sets.items():
        ending = "" if name == "lac" else f"_{name}"
        numbers[f"coverage{ending}"] = outcome.coverage.value
        numbers[f"set_size{ending}"] = outcome.size.value
    if "lac" in judged.sets:
        least = judged.sets["lac"].by_subject.value.min()
        numbers["coverage_worst_subject"] = float(least)
    return numbers


def worst(diagram: Diagram, least: int) -> Worst:
    """Find the largest gap of the bins that hold so many windows or more.

    The gap is nan where no bin does.
    """
    is_filled = diagram.frames >= least
    if not is_filled.any():
        return Worst(float("nan"), 0)
    gaps = np.abs(diagram.confidence - diagram.accuracy.value)
    at = int(np.where(is_filled, gaps, -1.0).argmax())
    return Worst(float(gaps[at]), int(diagram.frames[at]))


def table(judged: Judged) -> Iterator[Sequence[Any]]:
    """Give each measure, before and after what was done, with its interval."""
    for name in SCALARS:
        for done, report in judged.reports.items():
            if done in {RAW, WARM} or name not in OF_PROBABILITIES:
                yield name, done, *getattr(report, name)
    for method, outcome in judged.sets.items():
        yield "coverage", method, *outcome.coverage
        yield "set_size", method, *outcome.size


def account(judged: Judged, fitted: Fitted, logits: Logits) -> dict[str, object]:
    """Give all that was judged as plain values."""
    labels = logits.labels.tolist()
    return {
        "windows": judged.reports[RAW].n_frames,
        "subjects": judged.reports[RAW].n_groups,
        "reports": {done: _report(r, labels) for done, r in judged.reports.items()},
        "reliability": {"before": judged.before, "after": judged.after},
        "largest_gap": {
            done: {
                "of_any_bin": worst(diagram, 1),
                f"of_{FILLED}_windows_or_more": worst(diagram, FILLED),
            }
            for done, diagram in ((RAW, judged.before), (WARM, judged.after))
        },
        "conformal": {
            name: _sets(outcome, labels, is_endless(fitted.limits[name]))
            for name, outcome in judged.sets.items()
        },
        "selective": judged.selective,
        "entropy_nats": {
            "right": _mean(judged.entropy[judged.is_right]),
            "wrong": _mean(judged.entropy[~judged.is_right]),
        },
    }


def _report(report: Report, labels: list[str]) -> dict[str, object]:
    """Give a report with its classes by name."""
    said = report._asdict()
    for name in ("precision", "recall", "f1"):
        said[name] = _named(said[name], labels)
    said["absent"] = [labels[k] for k in report.absent]
    return said


def _sets(outcome: Outcome, labels: list[str], endless: bool) -> dict[str, object]:  # noqa: FBT001
    """Give how sets fared, by class and subject; endless: too little to fit on."""
    said = outcome._asdict()
    said["by_class"] = _named(outcome.by_class, labels)
    said["by_subject"] = _named(outcome.by_subject, outcome.subjects.tolist())
    del said["subjects"]
    return {**said, "too_few_to_fit": endless}


def _named(measures: Measures, names: Sequence[str]) -> dict[str, object]:
    return {name: measures.of(k) for k, name in enumerate(names)}


def _mean(values: Any) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
