"""A network while it learns: all that changes, as one value to write down and take up.

What is taken up goes on as if it had never stopped, to the last bit: nothing that
learning does depends on anything but this state, the recipe and the windows.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor

from models.networks.checkpoint import restore
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.objective import Weights
from models.training.augmentation import Nuisance
from models.training.course import Course, Precision
from models.training.descent import Descent
from models.training.examination import Grade


class Recipe(NamedTuple):
    """How it is learned.

    An epoch is `steps` batches; the first `opening` epochs leave the quantiser out.
    rate: the largest step. shrink: the pull of weights toward zero. clip: the longest
    slope. It ends after `patience` epochs without a better validation loss.
    """

    epochs: int
    steps: int
    batch: int = 64
    opening: int = 0
    rate: float = 3e-3
    shrink: float = 1e-2
    clip: float = 1.0
    patience: int = 8
    seed: int = 0
    size: int = 100
    precision: Precision = "float32"
    weights: Weights = Weights()
    nuisance: Nuisance = Nuisance()


class Means(NamedTuple):
    """Means over the steps of an epoch: the objective, its parts, the slope."""

    loss: float
    reconstruction: float
    quantiser: float
    frames: float
    window: float
    slope: float


class Epoch(NamedTuple):
    """What one epoch was like.

    number: from 1 on. rate: of its last step. grade: of validation, after it.
    """

    number: int
    means: Means
    rate: float
    grade: Grade

    def plain(self) -> list[Any]:
        """Give it as numbers in lists, which `of` takes."""
        return [self.number, list(self.means), self.rate, list(self.grade)]

    @classmethod
    def of(cls, plain: list[Any]) -> Epoch:
        """Give the epoch that `plain` took apart."""
        number, means, now, grade = plain
        return cls(number, Means(*means), now, Grade(*grade))


class Learner:
    """A network that learns; `history` says how it went so far.

    best: the weights after the epoch of the least validation loss; best_epoch: its
    number. Epochs of the opening are never the best: they are not of this network.
    """

    def __init__(self, network: Conv2dVQ, recipe: Recipe) -> None:
        _refuse(recipe)
        self.network, self.recipe = network, recipe
        self.course = Course(network, recipe.weights, recipe.precision)
        self.optimiser = Descent(network, recipe.rate, recipe.shrink)
        self.scaler = torch.amp.GradScaler(enabled=recipe.precision == "float16")
        self.history: list[Epoch] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing is left to learn."""
        done, recipe = len(self.history), self.recipe
        stale = done - max(self.best_epoch, recipe.opening)
        return done >= recipe.epochs or stale >= recipe.patience

    @property
    def told(self) -> Epoch:
        """The best epoch."""
        return self.history[self.best_epoch - 1]

    def note(self, epoch: Epoch) -> None:
        """Add an epoch, and keep the weights when they are the best so far."""
        self.history.append(epoch)
        is_open = epoch.number <= self.recipe.opening
        is_better = not self.best or epoch.grade.loss < self.told.grade.loss
        if is_better and not is_open:
            self.best = copy.deepcopy(self.network.state_dict())
            self.best_epoch = epoch.number

    def state(self) -> dict[str, Any]:
        """Give everything that changes as tensors, numbers and text."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.scaler.state_dict(),
            "history": [each.plain() for each in self.history],
            "best": self.best,
            "best_epoch": self.best_epoch,
        }

    def take_up(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave; raise ValueError for another network's."""
        restore(self.network, state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.scaler.load_state_dict(state["scaler"])
        self.history = [Epoch.of(each) for each in state["history"]]
        self.best, self.best_epoch = state["best"], int(state["best_epoch"])

    def finished(self) -> Conv2dVQ:
        """Give the network with its best weights, at rest."""
        if not self.best:
            raise ValueError(
                "nothing was learned: no epoch has ended after the opening"
            )
        self.network.load_state_dict(self.best)
        return self.network.eval()


def _refuse(recipe: Recipe) -> None:
    """Refuse a recipe that cannot be followed."""
    least = {"epochs": 1, "steps": 1, "batch": 1, "opening": 0, "patience": 1}
    for name, low in least.items():
        found = getattr(recipe, name)
        if found < low:
            raise ValueError(f"{name} is {found}: it must be {low} or more")
    if recipe.opening >= recipe.epochs:
        raise ValueError(
            f"opening is {recipe.opening} of {recipe.epochs} epochs: "
            "one or more must be left for the quantiser"
        )
    if not 0.0 < recipe.rate < 1.0:
        raise ValueError(f"rate is {recipe.rate}: it must be in (0, 1)")
