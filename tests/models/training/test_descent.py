"""Steps down a slope, beside those of torch's own class."""

from __future__ import annotations

import copy

import torch
from torch import nn

from models.training.architecture import built
from models.training.descent import Descent
from tests.models.training import small

RATES = (0.5, 0.02, 0.1)


def slope(network: nn.Module, step: int) -> None:
    """Give every weight a slope that the step decides."""
    generator = torch.Generator().manual_seed(step)
    for each in network.parameters():
        each.grad = torch.randn(each.shape, generator=generator)


def test_steps_are_those_of_torch_to_the_last_bit() -> None:
    """Norms and biases are not pulled to zero; the rate is another at each step."""
    mine = built(small.PLAN)
    its = copy.deepcopy(mine)
    own = Descent(mine, 1.0, 0.3)
    wide = [each for each in its.parameters() if each.dim() > 1]
    narrow = [each for each in its.parameters() if each.dim() <= 1]
    theirs = torch.optim.AdamW([{"params": wide}, {"params": narrow}], fused=True)
    for step, rate in enumerate(RATES):
        own.rate = rate
        for group, pull in zip(theirs.param_groups, (0.3, 0.0), strict=True):
            group.update(lr=rate, weight_decay=pull)
        for network, descent in ((mine, own), (its, theirs)):
            slope(network, step)
            descent.step()

    assert small.is_same(mine.state_dict(), its.state_dict())


def test_forgotten_slopes_are_gone() -> None:
    """All of them."""
    network = built(small.PLAN)
    slope(network, 0)

    Descent(network, 0.1, 0.0).zero_grad()

    assert all(each.grad is None for each in network.parameters())
