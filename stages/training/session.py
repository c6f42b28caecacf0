"""One course of learning on one or several processes, kept after each epoch."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from models.training.architecture import Architecture, built
from models.training.learner import Epoch, Learner, Recipe
from models.training.learning import ALONE, Share, learn
from models.training.together import together
from stages.training.cohorts import Cohorts
from stages.training.keeping import keep, kept, key
from stages.training.material import Material


class Session(NamedTuple):
    """What is learned, how, where, and by what its checkpoint is known.

    device: of this process. place: the folder of the checkpoint.
    """

    plan: Architecture
    recipe: Recipe
    device: str
    compiled: bool
    place: Path
    belongs: str = ""

    def known_by(self, split: Cohorts) -> Session:
        """Bind its checkpoint to what is learned, how, and from whom."""
        return self._replace(
            belongs=key(
                plan=self.plan,
                recipe=self.recipe,
                train=split.scale.rows,
                learned_from=split.certificate.train,
            )
        )

    @property
    def checkpoint(self) -> Path:
        """Where the learner is kept."""
        return self.place / "learner.pt"


def taken_up(session: Session, log: logging.Logger) -> Learner:
    """Give the learner as its checkpoint has it, or as it begins."""
    learner = Learner(built(session.plan).to(session.device), session.recipe)
    state, said = kept(session.checkpoint, session.belongs)
    log.info("%s", said)
    if state is not None:
        learner.take_up(state)
        done, planned = len(learner.history), session.recipe.epochs
        log.info("%d of %d epochs are done", done, planned)
    return learner


def go(
    session: Session, learner: Learner, material: Material, share: Share = ALONE
) -> Iterator[Epoch]:
    """Go through the epochs that are left, and keep each before it is told."""
    through: nn.Module = learner.course
    if session.compiled:
        _compile(learner)
    if share.of > 1:
        through = together(learner.course)
    own = material.to(session.device)
    for told in learn(learner, own.lesson, own.unseen, share=share, through=through):
        if share.rank == 0:
            keep(session.checkpoint, session.belongs, learner.state())
        yield told


def _compile(learner: Learner) -> None:
    """Compile what is made of convolutions; the quantiser decides by values."""
    network = learner.network
    for part in (network.encoder, network.decoder, network.classifier):
        part.compile()


def settle(device: str) -> None:
    """Ask for the same bits each time, where a device leaves a choice."""
    if device.startswith("cuda"):
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True
        torch.backends.cuda.matmul.allow_tf32 = False
