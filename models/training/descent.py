"""AdamW (Loshchilov and Hutter 2019), all weights of a group in one kernel.

It computes what torch.optim.AdamW computes, to the last bit. That class imports
torch's compiler when it is first used, which takes every process seconds; the function
that it calls does not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw


class Group(NamedTuple):
    """Weights that are pulled to zero alike, and what is remembered of their slopes.

    first, second: moving means of each slope and of its square. steps: taken so far.
    """

    weights: list[nn.Parameter]
    shrink: float
    first: list[Tensor]
    second: list[Tensor]
    steps: list[Tensor]

    @classmethod
    def of(cls, weights: list[nn.Parameter], shrink: float) -> Group:
        """Give weights that have taken no step."""
        first, second = (
            [torch.zeros_like(each, requires_grad=False) for each in weights]
            for _ in range(2)
        )
        steps = [torch.zeros((), device=each.device) for each in weights]
        return cls(weights, shrink, first, second, steps)

    @property
    def remembered(self) -> list[Tensor]:
        """Give all that changes beside the weights."""
        return [*self.first, *self.second, *self.steps]


class Descent:
    """Steps down the slopes of a network; norms and biases are not pulled to zero.

    rate: of the next step
    """

    def __init__(self, network: nn.Module, rate: float, shrink: float) -> None:
        weights = list(network.parameters())
        wide = [each for each in weights if each.dim() > 1]
        narrow = [each for each in weights if each.dim() <= 1]
        self.rate = rate
        self.groups = (Group.of(wide, shrink), Group.of(narrow, 0.0))

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """Give the weights as torch.amp.GradScaler looks for them."""
        return [{"params": group.weights} for group in self.groups]

    def zero_grad(self) -> None:
        """Forget all slopes."""
        for group in self.groups:
            for each in group.weights:
                each.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move all weights; each must have a slope."""
        for weights, shrink, first, second, steps in self.groups:
            adamw(
                weights,  # type: ignore[arg-type]  # parameters are tensors
                [each.grad for each in weights],  # type: ignore[misc]  # none is None
                first,
                second,
                [],
                steps,
                fused=True,
                amsgrad=False,
                beta1=0.9,
                beta2=0.999,
                lr=self.rate,
                weight_decay=shrink,
                eps=1e-8,
                maximize=False,
            )

    def state_dict(self) -> dict[str, Any]:
        """Give what is remembered."""
        return {"remembered": [group.remembered for group in self.groups]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Remember what `state_dict` gave for the same network."""
        for group, theirs in zip(self.groups, state["remembered"], strict=True):
            for own, its in zip(group.remembered, theirs, strict=True):
                own.copy_(its)
