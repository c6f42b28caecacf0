"""Quantisers as others wrote them, each with one fault that raises nothing.

They share one honest body; every class puts back what an original got wrong.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

Given = tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]


class Honest(nn.Module):
    """Running sums and counts beside the codes, written plainly, and sound."""

    codebook: Tensor
    counts: Tensor
    sums: Tensor
    decay, floor = 0.99, 0.01

    def __init__(self, n_codes: int, n_dims: int) -> None:
        super().__init__()
        draw = torch.Generator().manual_seed(0)
        first = torch.randn(n_codes, n_dims, generator=draw)
        self._hold(first)
        self.register_buffer("counts", torch.ones(n_codes))
        self.register_buffer("sums", first.clone())
        self.draw = 0

    def _hold(self, first: Tensor) -> None:
        self.register_buffer("codebook", first)

    def forward(self, z: Tensor) -> Given:
        """Assign, quantise, update, revive."""
        rows = z.detach().permute(0, 2, 3, 1).flatten(0, 2)
        index = torch.cdist(rows, self.codebook.detach()).argmin(1)
        flat = self.codebook[index].view(z.shape[0], z.shape[2], z.shape[3], -1)
        quantised = flat.permute(0, 3, 1, 2)
        losses = self.losses(z, quantised)
        z_q = z + (quantised.detach() - z.detach())
        with torch.no_grad():
            self.update(rows, index)
            self.revive(rows)
        return z_q, losses, {"indices": index}

    def losses(self, z: Tensor, quantised: Tensor) -> dict[str, Tensor]:
        """The commitment reaches z."""
        commitment = 0.25 * functional.mse_loss(z, quantised.detach())
        codebook = functional.mse_loss(quantised.detach(), z.detach())
        vq = commitment + codebook
        return {"commitment": commitment, "codebook": codebook, "vq": vq}

    def gather(self, rows: Tensor, index: Tensor) -> None:
        """Move sums and counts."""
        hot = functional.one_hot(index, len(self.counts)).to(rows.dtype)
        self.counts.mul_(self.decay).add_(hot.sum(0), alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(hot.T @ rows, alpha=1 - self.decay)

    def update(self, rows: Tensor, index: Tensor) -> None:
        """Codes are sums over counts."""
        self.gather(rows, index)
        self.codebook.copy_(self.sums / self.counts[:, None])

    def dead(self) -> Tensor:
        """Codes with next to no count."""
        return self.counts < self.floor * self.counts.mean()

    def places(self, rows: Tensor, which: Tensor) -> Tensor:
        """Frames to put codes on."""
        self.draw += 1
        draw = torch.Generator().manual_seed(self.draw)
        return rows[torch.randperm(len(rows), generator=draw)[: int(which.sum())]]

    def revive(self, rows: Tensor) -> None:
        """Dead codes move with count and sum."""
        which = self.dead()
        onto, mean = self.places(rows, which), self.counts.mean()
        self.codebook[which], self.counts[which] = onto, mean
        self.sums[which] = onto * mean


class DetachedEncoder(Honest):
    """The commitment compares a detached z with codes that are buffers."""

    def losses(self, z: Tensor, quantised: Tensor) -> dict[str, Tensor]:
        """No term reaches z."""
        commitment = 0.25 * functional.mse_loss(z.detach(), quantised)
        zero = torch.zeros(())
        return {"commitment": commitment, "codebook": zero, "vq": commitment}


class NormalisedCodes(Honest):
    """Codes are put on the unit sphere each step, and frames are not."""

    def update(self, rows: Tensor, index: Tensor) -> None:
        """Sums over counts, and then something else."""
        super().update(rows, index)
        self.codebook.copy_(functional.normalize(self.codebook, dim=1))


class EmptyStart(Honest):
    """Counts start at zero and sums at the codes, with smoothing in between."""

    def __init__(self, n_codes: int, n_dims: int) -> None:
        super().__init__(n_codes, n_dims)
        self.counts.zero_()

    def update(self, rows: Tensor, index: Tensor) -> None:
        """Sums over smoothed counts: an unused code has a sum and no count."""
        self.gather(rows, index)
        n, eps = self.counts.sum(), 1e-5
        smoothed = (self.counts + eps) / (n + len(self.counts) * eps) * n
        self.codebook.copy_(self.sums / smoothed[:, None])

    def revive(self, rows: Tensor) -> None:
        """Dead for good."""


class RevivedInTheCodesAlone(Honest):
    """Revival forgets sums and counts, and the next update puts codes back."""

    def revive(self, rows: Tensor) -> None:
        """Only the place."""
        which = self.dead()
        self.codebook[which] = self.places(rows, which)


class SwappedLosses(Honest):
    """The cost scales the term that has no path to the encoder."""

    def losses(self, z: Tensor, quantised: Tensor) -> dict[str, Tensor]:
        """Names and detachments are the wrong way round."""
        commitment = 0.25 * functional.mse_loss(quantised, z.detach())
        codebook = functional.mse_loss(quantised.detach(), z)
        vq = commitment + codebook
        return {"commitment": commitment, "codebook": codebook, "vq": vq}


class TwoMasters(Honest):
    """The codebook is a Parameter, and averages write it as well."""

    def _hold(self, first: Tensor) -> None:
        self.codebook = nn.Parameter(first)


class LowestTenthRevived(Honest):
    """A tenth of the codes is moved each step, dead or alive."""

    def dead(self) -> Tensor:
        """The lowest tenth by count."""
        lowest = self.counts.argsort()[: max(1, len(self.counts) // 10)]
        return torch.zeros(len(self.counts), dtype=torch.bool).index_fill(
            0, lowest, value=True
        )


class NoStraightThrough(Honest):
    """Codes are given as they are: no gradient comes through them."""

    def forward(self, z: Tensor) -> Given:
        """Cut the path."""
        z_q, losses, info = super().forward(z)
        return z_q.detach(), losses, info


class Exploding(Honest):
    """The codebook is stretched by each step."""

    def update(self, rows: Tensor, index: Tensor) -> None:
        """Sums over counts, twice as large."""
        super().update(rows, index)
        self.sums.mul_(2.0)
        self.codebook.copy_(self.sums / self.counts[:, None])

    def revive(self, rows: Tensor) -> None:
        """Never."""


class Collapsed(Honest):
    """All codes lie far away but one."""

    def __init__(self, n_codes: int, n_dims: int) -> None:
        super().__init__(n_codes, n_dims)
        self.codebook[1:] += 60.0
        self.sums.copy_(self.codebook)

    def revive(self, rows: Tensor) -> None:
        """Never."""


class NotANumber(Honest):
    """One code divides nothing by nothing."""

    def update(self, rows: Tensor, index: Tensor) -> None:
        """0 / 0."""
        super().update(rows, index)
        self.codebook[-1] = float("nan")
