"""The training loop: epochs of steps, each a function of what came before alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, NoReturn

import torch
from torch import Tensor, nn

from models.networks.objective import Objective
from models.quantisers import collective
from models.shapes import IntArray
from models.training.augmentation import shaken
from models.training.examination import examine
from models.training.learner import Epoch, Learner, Means, Recipe
from models.training.lesson import Batch, Lesson
from models.training.order import dealt
from models.training.schedule import rate


class Diverged(ValueError):
    """Learning came apart: a number is no number any more."""


class Share(NamedTuple):
    """Which part of each batch is this process's: number `rank` of `of`."""

    rank: int = 0
    of: int = 1

    def rows(self, n_rows: int) -> slice:
        """Give its rows."""
        part = n_rows // self.of
        return slice(self.rank * part, (self.rank + 1) * part)


ALONE = Share()


def learn(
    learner: Learner,
    lesson: Lesson,
    unseen: Batch,
    *,
    share: Share = ALONE,
    through: nn.Module | None = None,
) -> Iterator[Epoch]:
    """Go through the epochs that are left; at each yield the learner can be kept.

    through: what calls the learner's course, where that is another module around it.
    Raise Diverged once a loss or a slope is not finite; the learner is then spent.
    """
    if learner.recipe.batch % share.of:
        found = f"{learner.recipe.batch} for {share.of} processes"
        raise ValueError(f"batch is {found}: it must be a multiple of them")
    while not learner.has_ended:
        epoch = len(learner.history)
        learner.course.is_open = epoch < learner.recipe.opening
        means, last = _epoch(learner, through or learner.course, lesson, share)
        told = Epoch(epoch + 1, means, last, examine(learner.course, unseen))
        if not math.isfinite(told.grade.loss):
            _refuse(
                learner, learner.recipe.steps, "the validation loss", told.grade.loss
            )
        learner.note(told)
        yield told


def _epoch(
    learner: Learner, through: nn.Module, lesson: Lesson, share: Share
) -> tuple[Means, float]:
    """Take the steps of one epoch; give their means, and the last one's rate."""
    recipe, epoch = learner.recipe, len(learner.history)
    rows = _rows(recipe, lesson, epoch)
    sums = torch.zeros(len(Means._fields), dtype=torch.float64)
    now = 0.0
    learner.course.train()
    for step, starts in enumerate(rows):
        done = epoch * recipe.steps + step
        now = rate(done, recipe.epochs * recipe.steps, recipe.rate)
        batch = _batch(recipe, lesson, starts[share.rows(recipe.batch)], done, share)
        sums += _step(learner, through, batch, now, step)
    return Means(*(sums / recipe.steps).tolist()), now


def _rows(recipe: Recipe, lesson: Lesson, epoch: int) -> list[IntArray]:
    """Deal the windows of one epoch into batches."""
    n_windows = recipe.steps * recipe.batch
    first = epoch * n_windows
    rows = dealt(
        lesson.begins,
        lesson.lengths,
        recipe.size,
        seed=recipe.seed,
        first=first,
        last=first + n_windows,
    )
    return list(rows.reshape(recipe.steps, recipe.batch))


def _batch(
    recipe: Recipe, lesson: Lesson, starts: IntArray, done: int, share: Share
) -> Batch:
    """Cut windows and change them by what the step alone decides."""
    batch = lesson.at(starts, recipe.size)
    shape = batch.windows.shape[1:]
    drawn = recipe.nuisance.drawn(recipe.batch, shape, recipe.seed, done)
    own = drawn[:, share.rows(recipe.batch)]
    return batch._replace(windows=shaken(batch.windows, own))


def _step(
    learner: Learner, through: nn.Module, batch: Batch, now: float, step: int
) -> Tensor:
    """Go one step down the slope; give the loss, its parts and the slope's length."""
    optimiser, scaler = learner.optimiser, learner.scaler
    optimiser.rate = now
    optimiser.zero_grad()
    try:
        found: Objective = through(batch)
    except ValueError as error:
        _refuse(learner, step, "what it sees", error)
    torch.autograd.backward(scaler.scale(found.total))
    scaler.unscale_(optimiser)  # type: ignore[arg-type]  # it is one in all it asks
    slope = nn.utils.clip_grad_norm_(learner.network.parameters(), learner.recipe.clip)
    told = _joined(torch.stack([*found, slope]).detach().double())
    if not told[0].isfinite():
        _refuse(learner, step, "the loss", float(told[0]))
    # The scaler leaves out a step whose slope is too steep for half precision.
    if not told[-1].isfinite() and not scaler.is_enabled():
        _refuse(learner, step, "the slope", float(told[-1]))
    scaler.step(optimiser)  # type: ignore[arg-type]
    scaler.update()
    return told.nan_to_num(0.0, 0.0, 0.0)


def _joined(told: Tensor) -> Tensor:
    """Give the means of what the processes tell, the same in each; on the CPU."""
    n_processes = len(collective.sizes(1, told.device))
    return collective.total(told).cpu() / n_processes


def _refuse(learner: Learner, step: int, what: str, found: object) -> NoReturn:
    """Say where learning came apart, and what can be done."""
    done = len(learner.history)
    raise Diverged(
        f"learning came apart in epoch {done + 1}, step {step + 1}: {what} is {found}; "
        f"lower the rate ({learner.recipe.rate:g}); the {done} epochs before are whole"
    )
