"""Codebook and head, learning side by side: one epoch moves both.

A learner is a value: it can be written down after any epoch and taken up again, and the
rest of the way is the same to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models import chance
from models.first import classifier, codebook, quantiser
from models.first.classifier import Batch, Descent, Head, Steps
from models.first.quantiser import Codebook, Rates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.shapes import Array, IntArray


class Lesson(NamedTuple):
    """What is learned from: points (B, Z), labels (B,), in batches of `size`."""

    points: Array
    labels: IntArray
    size: int


class Learner(NamedTuple):
    """Where both stand, and how the last epoch went; nan before the first.

    loss: mean squared distance to the codes. nll: the head's, per frame.
    perplexity: of the codes. revived: codes brought back so far, in all epochs.
    """

    book: Codebook
    descent: Descent
    loss: float = float("nan")
    nll: float = float("nan")
    perplexity: float = float("nan")
    revived: int = 0


def start(
    lesson: Lesson, n_codes: int, n_labels: int, rng: np.random.Generator
) -> Learner:
    """Start with codes on random points, and a head that knows nothing."""
    book = quantiser.start(lesson.points, n_codes, lesson.size / n_codes, rng)
    return Learner(book, classifier.start(n_codes, lesson.points.shape[1], n_labels))


def epoch(
    learner: Learner,
    lesson: Lesson,
    rates: Rates,
    steps: Steps,
    rng: np.random.Generator,
) -> Learner:
    """Go once over the lesson: first the codes move, then the head learns them."""
    dealt = chance.batches(len(lesson.labels), lesson.size, rng)
    moved = quantiser.epoch(learner.book, [lesson.points[i] for i in dealt], rates, rng)
    codes = quantiser.assign(moved.book.codes, lesson.points)
    batches = [Batch(codes[i], lesson.points[i], lesson.labels[i]) for i in dealt]
    descent = classifier.epoch(learner.descent, batches, steps)
    logits = classifier.logits(descent.head, codes, lesson.points)
    used = codebook.histogram(codes, len(moved.book.counts))
    return Learner(
        book=moved.book,
        descent=descent,
        loss=moved.loss,
        nll=classifier.nll(logits, lesson.labels),
        perplexity=codebook.perplexity(used),
        revived=learner.revived + moved.revived,
    )


def to_arrays(learner: Learner) -> dict[str, Array]:
    """Give all that a learner is, by name."""
    head, velocity = learner.descent
    went = (learner.loss, learner.nll, learner.perplexity, learner.revived)
    return {
        **learner.book._asdict(),
        **head._asdict(),
        "table_velocity": velocity.table,
        "weights_velocity": velocity.weights,
        "went": np.array(went, dtype=np.float64),
    }


def from_arrays(arrays: Mapping[str, Array]) -> Learner:
    """Undo `to_arrays`."""
    book = Codebook(arrays["codes"], arrays["counts"], arrays["sums"])
    head = Head(arrays["table"], arrays["weights"])
    velocity = Head(arrays["table_velocity"], arrays["weights_velocity"])
    loss, nll, perplexity, revived = arrays["went"].tolist()
    return Learner(book, Descent(head, velocity), loss, nll, perplexity, int(revived))
