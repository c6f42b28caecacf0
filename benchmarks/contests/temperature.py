"""Temperature of a million frames, against the recipe of 50 steps of LBFGS."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import in_turns, paired_ratio
from models.calibration import temperature

FRAMES, CLASSES, TRUE = 1_000_000, 10, 1.8


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Fit both to one set of logits, in turns, on one thread.

    The recipe (temperature scaling as published with Guo et al. 2017): a parameter T
    that starts at 1.5, cross entropy of logits / T, LBFGS with rate .01 and at most 50
    iterations in one step.
    """
    import torch

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    logits = (3.0 * rng.normal(size=(FRAMES, CLASSES))).astype(np.float32)
    noise = rng.gumbel(size=(FRAMES, CLASSES))
    labels = (logits / TRUE + noise).argmax(axis=1)
    their_logits, their_labels = torch.from_numpy(logits), torch.from_numpy(labels)

    def recipe() -> float:
        found = torch.nn.Parameter(torch.tensor(1.5))
        optimiser = torch.optim.LBFGS([found], lr=0.01, max_iter=50)

        def closure() -> torch.Tensor:
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(their_logits / found, their_labels)
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own
            return loss

        optimiser.step(closure)  # type: ignore[no-untyped-call]  # torch's own
        return float(found.detach())

    acts = {"ours": lambda: temperature.fit(logits, labels), "recipe": recipe}
    took = in_turns(acts, rounds=rounds)
    ours, theirs = temperature.fit(logits, labels), recipe()
    there = temperature.slope(logits, labels, 1.0 / ours.temperature, None)
    beyond = temperature.slope(logits, labels, 1.0 / theirs, None).nll - ours.nll_after
    ratio = paired_ratio(took["recipe"], took["ours"])
    return [
        (
            "temperature of 1e6 x 10 float32",
            f"{min(took['ours'].seconds):.3f} s (median {took['ours'].median:.3f})",
            "limit 1.5 s",
        ),
        (
            "LBFGS recipe, rate .01, 50 iterations",
            f"{min(took['recipe'].seconds):.2f} s",
            f"ours is {ratio:.0f} x faster (median of pairs)",
        ),
        (
            "temperature found",
            f"{ours.temperature:.4f}, slope there {there.first:.0e}",
            f"recipe {theirs:.4f}; labels were drawn at {TRUE}",
        ),
        ("loss of the recipe above the optimum", f"{beyond:.2e} nats", "ours 0"),
    ]
