"""Expected calibration error of a million frames, against torchmetrics."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import in_turns, paired_ratio
from models.calibration.bins import ece

FRAMES, CLASSES, BINS = 1_000_000, 10, 15


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Measure both on one set of frames, in turns, on one thread."""
    import torch
    from torchmetrics.functional.classification import (
        multiclass_calibration_error,
    )

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    probs = np.exp(2.0 * rng.normal(size=(FRAMES, CLASSES))).astype(np.float32)
    probs /= probs.sum(axis=1, keepdims=True)
    labels = rng.integers(CLASSES, size=FRAMES)
    their_probs, their_labels = torch.from_numpy(probs), torch.from_numpy(labels)

    def ours() -> float:
        return ece(probs, labels, n_bins=BINS)

    def theirs(*, checked: bool) -> float:
        found = multiclass_calibration_error(
            their_probs, their_labels, CLASSES, BINS, "l1", validate_args=checked
        )
        return float(found)

    acts = {
        "ours": ours,
        "checked": lambda: theirs(checked=True),
        "unchecked": lambda: theirs(checked=False),
    }
    took = in_turns(acts, rounds=rounds)
    best = {name: 1e3 * min(timing.seconds) for name, timing in took.items()}
    ratio = paired_ratio(took["unchecked"], took["ours"])
    differ = abs(ours() - theirs(checked=True))
    half = np.array([[1.0, 0.0], [0.95, 0.05]], dtype=np.float32)
    wrong = torch.tensor([1, 0])
    edge = multiclass_calibration_error(torch.from_numpy(half), wrong, 2, 10, "l1")
    return [
        (
            "ECE of 1e6 x 10 float32, 15 bins, with checks",
            f"{best['ours']:.1f} ms (median {1e3 * took['ours'].median:.1f})",
            "limit 30 ms",
        ),
        (
            "torchmetrics, checked / unchecked",
            f"{best['checked']:.1f} / {best['unchecked']:.1f} ms",
            f"ours is {ratio:.1f} x faster than unchecked (median of pairs)",
        ),
        ("difference of the two errors", f"{differ:.1e}", "float32 sums are theirs"),
        (
            "a wrong frame at 1.0 and a right one at .95, 10 bins",
            f"{ece(half, wrong.numpy(), n_bins=10):.3f}",
            f"torchmetrics {float(edge):.3f}; by definition 0.475",
        ),
    ]
