"""A network so small, and windows so few, that a test can learn from them."""

from __future__ import annotations

import numpy as np
import torch

from models.networks.objective import Weights
from models.training.architecture import Architecture, built
from models.training.augmentation import Nuisance
from models.training.course import Course
from models.training.learner import Learner, Recipe
from models.training.lesson import Batch, Lesson, lesson

KINDS = 3
PLAN = Architecture(KINDS, codes=16, dims=8, width=4, decay=0.9)
RECIPE = Recipe(epochs=4, steps=3, batch=8, opening=1, rate=1e-2)


def series(seed: int = 0, n_frames: int = 450, scale: float = 1.0) -> Lesson:
    """Two recordings in which each kind has a level of its own."""
    rng = np.random.default_rng(seed)
    labels = [np.repeat(rng.integers(0, KINDS, n_frames // 50), 50) for _ in range(2)]
    frames = [
        scale * (each + 0.3 * rng.standard_normal((9, 2, n_frames))).astype(np.float32)
        for each in labels
    ]
    return lesson(frames, labels, KINDS)


def unseen() -> Batch:
    """Windows of other recordings."""
    return series(7).at(np.arange(0, 350, 50), 100)


def learner(recipe: Recipe = RECIPE, plan: Architecture = PLAN) -> Learner:
    """Give one that has learned nothing yet."""
    return Learner(built(plan), recipe)


def course(precision: str = "float32") -> Course:
    """Give a course over a new network."""
    return Course(built(PLAN), Weights(), precision)  # type: ignore[arg-type]


def weights(of: Learner) -> dict[str, torch.Tensor]:
    """Copy all weights and buffers."""
    return {name: t.clone() for name, t in of.network.state_dict().items()}


def is_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Compare them to the last bit."""
    return one.keys() == other.keys() and all(
        torch.equal(one[name], other[name]) for name in one
    )


STILL = Nuisance(0.0, 0.0)
