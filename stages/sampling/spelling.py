"""Recordings as a sampler reads them: words at the pace of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch

from models.hdp import words
from models.hdp.words import Reading

if TYPE_CHECKING:
    from pathlib import Path

    from models.shapes import Array, BoolArray, IntArray
    from stages.exchange import Codes, Names

STEPS_HZ = 10.0
UNNAMED = "unnamed"
# In seconds: over which slow axes are sought, and what is long enough to be clustered.
WINDOW_S, LEAST_S, LONGEST_S = 0.5, 0.8, 40.0


class Spelt(NamedTuple):
    """All recordings that hold a frame, and their words.

    seen (R,): those sampled over; judged (R,): those the states are judged on
    is_held_out: whether none is both
    words (R, U) of steps (R,), `step` code frames each
    """

    codes: Codes
    seen: BoolArray
    judged: BoolArray
    is_held_out: bool
    step: int
    words: IntArray
    steps: IntArray
    n_words: int

    @property
    def judged_on(self) -> str:
        """Say in words whom the numbers are of."""
        subjects = len(np.unique(self.codes.subject[self.judged]))
        if self.is_held_out:
            return f"{subjects} test subjects that were not sampled over"
        return f"{subjects} subjects, among them those that were sampled over"

    def name_of(self, label: int) -> str:
        """Give the name of a label, or say that there is none."""
        return str(self.codes.labels[label]) if label >= 0 else UNNAMED


def vectors_of(model: Path, n_codes: int) -> Array:
    """Give the vectors (C, Z) of a trained model's codes."""
    from stages import trained

    quantiser = cast("Any", trained.read(model).network.quantiser)
    with torch.no_grad():
        vectors = quantiser.embed(torch.arange(n_codes)[None])[0].T
    found: Array = vectors.double().numpy()
    return found


def divided(part: Names, most: int) -> tuple[BoolArray, BoolArray, bool]:
    """Say which recordings are sampled over, which are judged, and if none is both.

    Of the training part the first `most`; where a part is missing, all recordings.
    """
    seen, judged = part == "train", part == "test"
    is_held_out = bool(seen.any() and judged.any())
    seen = seen if seen.any() else np.ones_like(seen)
    judged = judged if judged.any() else np.ones_like(judged)
    return seen & (seen.cumsum() <= most), judged, is_held_out


def spelt(codes: Codes, vectors: Array, most: int, rng: np.random.Generator) -> Spelt:
    """Learn words from the recordings sampled over, and spell all in them."""
    codes = _lasting(codes)
    seen, judged, is_held_out = divided(codes.part, most)
    reading = reading_at(codes.rate_hz)
    held, lengths = codes.codes.astype(np.int64), codes.lengths.astype(np.int64)
    learnt = words.learn(vectors, held[seen], lengths[seen], reading, rng)
    spelling, steps = words.spell(learnt, held, lengths, reading)
    n_words = len(learnt.log_share)
    return Spelt(
        codes, seen, judged, is_held_out, reading.step, spelling, steps, n_words
    )


def reading_at(rate_hz: float) -> Reading:
    """Give the lengths of a reading, in frames of this rate."""
    step = max(1, round(rate_hz / STEPS_HZ))
    return Reading(
        step=step,
        window=max(2, round(WINDOW_S * rate_hz / step)),
        least=max(1, round(LEAST_S * rate_hz)),
        longest=max(1, round(LONGEST_S * rate_hz / step)),
    )


def _lasting(codes: Codes) -> Codes:
    """Leave out recordings without a frame."""
    rows = np.flatnonzero(codes.lengths > 0)
    if not len(rows):
        raise ValueError("codes.npz holds no recording of a frame or more")
    own = ("codes", "truth", "lengths", "part", "subject", "recording")
    kept: dict[str, Any] = {name: getattr(codes, name)[rows] for name in own}
    lasting: Codes = codes._replace(**kept)
    return lasting
