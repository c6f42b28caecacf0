"""The small tables that a reader of the results wants."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from models.training.learner import Epoch
from stages.training.cohorts import Cohorts
from stages.training.verdicts import Subject

HISTORY = (
    *("epoch", "loss", "reconstruction", "quantiser", "frames", "window", "slope"),
    *("rate", "validation_loss", "validation_accuracy", "validation_frames"),
    *("validation_perplexity", "validation_usage"),
)


def history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write one row for each epoch."""
    rows = ([each.number, *each.means, each.rate, *each.grade] for each in epochs)
    _table(path, HISTORY, rows)


def subjects(path: Path, found: Sequence[Subject]) -> None:
    """Write one row for each unseen subject."""
    rows = ([*each, each.accuracy] for each in found)
    _table(path, ("subject", "windows", "right", "accuracy"), rows)


def certificate(path: Path, split: Cohorts) -> None:
    """Write who is in which part, and the digests by which the proof knows them."""
    own = split.certificate
    parts = {
        name: {
            "subjects": sorted(set(one.origin.subject.tolist())),
            "recordings": len({each.name for each in one.recordings}),
            "windows": len(one.windows),
        }
        for name, one in split.parts.items()
    }
    digests = {
        "train and validate": own.train,
        "calibrate": own.calibrate,
        "test": own.test,
        "scale": split.scale.rows,
    }
    said = {"claim": own.claim, "leaks": 0, "parts": parts, "digests": digests}
    path.write_text(json.dumps(said, indent=2) + "\n")


def _table(path: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table with its head; a number in six digits, which plots do not show."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_short(value) for value in row] for row in rows)


def _short(value: Any) -> Any:
    """Write a fraction in six digits."""
    return f"{value:.6g}" if isinstance(value, float) else value
