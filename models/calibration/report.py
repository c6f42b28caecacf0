"""Every metric of a model's probabilities, each with the interval it is known to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import (
    bias,
    bins,
    bootstrap,
    classwise,
    confusion,
    door,
    interval,
    mass,
)
from models.calibration.interval import Measure, Measures
from models.calibration.verdict import Verdicts, verdicts

if TYPE_CHECKING:
    from models.calibration.bootstrap import Bootstrap
    from models.calibration.classwise import BrierParts
    from models.calibration.door import Floats, Integers
    from models.shapes import Array, IntArray


class Report(NamedTuple):
    """What is known of a model after M frames of G subjects.

    accuracy: share of frames predicted rightly.
    macro_f1: mean F1 over the classes that a label or a prediction holds.
    coverage: share of frames whose confidence reaches the threshold, so that their
        prediction is offered. offered_accuracy: share of those that are right.
    ece, ece_adaptive, ece_classwise: expected calibration error over bins of one width,
        over bins of equal mass, and as a mean over classes.
    ece_debiased: the first of them less its bias. ece_floor: what perfect calibration
        would show here by chance.
    mce: the largest gap of a bin.
    brier: mean squared error, in 0 .. 2, and its parts. nll: mean negative
        log-likelihood in nats, infinite when a label was held impossible.
    precision, recall, f1 (K,): nan where not defined. confusion (K, K): labels in rows.
    absent: classes that neither a label nor a prediction holds; not in macro_f1.
    n_groups: 0 when frames were taken as independent.
    """

    accuracy: Measure
    macro_f1: Measure
    coverage: Measure
    offered_accuracy: Measure
    ece: Measure
    ece_debiased: Measure
    ece_floor: float
    ece_adaptive: Measure
    ece_classwise: Measure
    mce: Measure
    brier: Measure
    brier_parts: BrierParts
    nll: Measure
    precision: Measures
    recall: Measures
    f1: Measures
    confusion: IntArray
    absent: tuple[int, ...]
    n_frames: int
    n_groups: int


class _Classes(NamedTuple):
    counts: IntArray
    macro: Measure
    precision: Measures
    recall: Measures
    f1: Measures


class _Gaps(NamedTuple):
    ece: Measure
    debiased: Measure
    floor: float
    adaptive: Measure
    largest: Measure


def report(
    probs: Floats,
    labels: Integers,
    groups: object = None,
    rng: np.random.Generator | None = None,
    *,
    predictions: Integers | None = None,
    threshold: float = 0.5,
    n_bins: int = 15,
    level: float = 0.95,
    n_draws: int = 2_000,
) -> Report:
    """Measure probs (.., K) against labels (..), with intervals over groups (..).

    Give the subject of each frame in `groups` (whole numbers or text): intervals are
    then about another draw of subjects. Without it frames count as independent, which
    neighbours in one recording are not. Without `rng` the draws are always the same.
    `predictions` (..) stand in for the most probable class, as after smoothing; reports
    before and after are compared field by field.

    Takes three passes over `probs` in blocks, and keeps a few numbers per frame.
    """
    seen = verdicts(probs, labels, predictions)
    door.share(threshold, "threshold")
    n_bins = door.count(n_bins, "n_bins")
    again = bootstrap.drawn(groups, np.shape(labels), rng, level=level, n_draws=n_draws)
    n_classes = np.shape(probs)[-1]
    accuracy, coverage, offered = _offers(seen, threshold, again)
    classes = _classes(seen, np.ravel(labels), n_classes, again)
    gaps = _gaps(seen, n_bins, again)
    found = classwise.by_class(
        probs,
        labels,
        n_bins=n_bins,
        member=again.clusters.member,
        n_clusters=again.n_clusters,
    )
    brier = again.mean(seen.brier, 2.0)
    return Report(
        accuracy=accuracy,
        macro_f1=classes.macro,
        coverage=coverage,
        offered_accuracy=offered,
        ece=gaps.ece,
        ece_debiased=gaps.debiased,
        ece_floor=gaps.floor,
        ece_adaptive=gaps.adaptive,
        ece_classwise=again.absolute_sum(found.surplus, n_classes),
        mce=gaps.largest,
        brier=brier,
        brier_parts=classwise.brier_parts(found, brier.value),
        nll=again.mean(seen.nll, np.inf),
        precision=classes.precision,
        recall=classes.recall,
        f1=classes.f1,
        confusion=classes.counts,
        absent=tuple(int(k) for k in np.flatnonzero(np.isnan(classes.f1.value))),
        n_frames=len(seen.nll),
        n_groups=again.n_groups,
    )


def _offers(
    seen: Verdicts, threshold: float, again: Bootstrap
) -> tuple[Measure, Measure, Measure]:
    """Accuracy, share of frames offered, and accuracy among those."""
    clusters = again.clusters
    frames = clusters.size.astype(np.float64)
    is_offered = seen.confidence >= threshold
    offered = clusters.sums(is_offered)
    return (
        again.share(clusters.sums(seen.is_right), frames),
        again.share(offered, frames),
        again.share(clusters.sums(is_offered & seen.is_right), offered),
    )


def _classes(
    seen: Verdicts, labels: Integers, n_classes: int, again: Bootstrap
) -> _Classes:
    """Count labels and predictions, by cluster and in all."""
    clusters = again.clusters
    truth = labels.astype(np.int64)
    hits = clusters.sums_at(truth, n_classes, seen.is_right)
    predicted = clusters.sums_at(seen.predicted, n_classes)
    labelled = clusters.sums_at(truth, n_classes)
    counts = confusion.confusion(truth, seen.predicted, n_classes=n_classes)
    f1 = confusion.of_confusion(counts).f1
    draws = confusion.scores(
        again.times @ hits, again.times @ predicted, again.times @ labelled
    ).f1
    mean = np.array([confusion.macro(f1)])
    return _Classes(
        counts,
        again.smooth(mean, confusion.macro(draws)[:, None]).of(0),
        again.shares(hits, predicted),
        again.shares(hits, labelled),
        again.smooth(f1, draws),
    )


def _gaps(seen: Verdicts, n_bins: int, again: Bootstrap) -> _Gaps:
    """Sum confidence less being right, by cluster and bin, in bins of both kinds."""
    surplus = seen.confidence - seen.is_right
    at = bins.place(seen.confidence, n_bins)
    of_bins = again.clusters.sums_at(at, n_bins, surplus)
    ece = again.absolute_sum(of_bins)
    errors = again.clusters.errors(at, n_bins, surplus)
    debiased = bias.debiased(of_bins.sum(axis=0) / len(surplus), errors)
    lower = mass.edges(seen.confidence, n_bins)
    in_mass = again.clusters.sums_at(
        mass.place(seen.confidence, lower), len(lower) + 1, surplus
    )
    return _Gaps(
        ece,
        Measure(debiased, min(ece.low, debiased), ece.high),
        bias.floor(errors),
        again.absolute_sum(in_mass),
        _largest(of_bins, at, seen, again),
    )


def _largest(surplus: Array, at: IntArray, seen: Verdicts, again: Bootstrap) -> Measure:
    """Largest gap of a bin, every bin held at once (Bonferroni)."""
    n_bins = surplus.shape[1]
    sizes = again.clusters.sums_at(at, n_bins)
    hits = again.clusters.sums_at(at, n_bins, seen.is_right)
    frames = sizes.sum(axis=0)
    is_used = frames > 0.0
    level = 1.0 - (1.0 - again.level) / is_used.sum()
    gaps = surplus.sum(axis=0) / np.maximum(frames, 1.0)
    return interval.largest(gaps, again.shares(hits, sizes, level), is_used)
