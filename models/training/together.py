"""Several processes that learn as one: each sees its share of every batch.

Gradients are averaged by DistributedDataParallel and the codebook sums its own; what is
left are the batch norms, whose statistics must be those of the whole batch. So what
comes out is what one process would have learned, but for rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from models.networks.convolution import Convolution
from models.quantisers import collective
from models.training.course import Course


class Summed(torch.autograd.Function):
    """Sum a tensor over the processes.

    What depends on the sum in any process depends on every process's part, so the
    gradient to a part is the sum of theirs.
    """

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:  # noqa: ARG004  torch's
        """Give the sum, the same in each process."""
        return collective.total(part)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ARG004  torch's
        """Give the sum of what every process wants."""
        return collective.total(grad.contiguous())


SUMMED: Callable[[Tensor], Tensor] = Summed.apply


class SharedNorm(nn.BatchNorm2d):
    """A batch norm over the joined batch of all processes; at rest it is as any other.

    mean = sum x / n, var = sum (x - mean)^2 / n, both sums over the processes; the
    gradient goes through them, and from each process to every other.
    """

    @classmethod
    def of(cls, norm: nn.BatchNorm2d) -> SharedNorm:
        """Give one with the weights and statistics of `norm`, the very same tensors."""
        own = cls(norm.num_features, norm.eps, norm.momentum)
        own.load_state_dict(norm.state_dict(), assign=True)
        own.weight, own.bias = norm.weight, norm.bias
        return own

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (B, F, P, T)."""
        if not self.training:
            return super().forward(x)
        wide, axes = x.float(), (0, 2, 3)
        n = wide.numel() // wide.shape[1] * distributed.get_world_size()
        mean = SUMMED(wide.sum(axes)) / n
        centred = wide - mean[:, None, None]
        var = SUMMED(centred.square().sum(axes)) / n
        self._follow(mean.detach(), var.detach() * (n / (n - 1)))
        gain = self.weight * torch.rsqrt(var + self.eps)
        return torch.addcmul(self.bias[:, None, None], centred, gain[:, None, None]).to(
            x.dtype
        )

    def _follow(self, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics a little."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(var, self.momentum)
        self.num_batches_tracked.add_(1)


def together(course: Course) -> nn.Module:
    """Wrap a course so that the processes of torch.distributed learn as one."""
    for module in course.modules():
        if isinstance(module, Convolution) and isinstance(module.norm, nn.BatchNorm2d):
            module.norm = SharedNorm.of(module.norm)
    # Every process makes the same updates of its buffers; copying them would only cost.
    return DistributedDataParallel(course, forward_sync_buffers=False)
