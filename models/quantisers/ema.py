"""Vector quantisation with a codebook of moving averages, for maps (B, Z, H, T).

Van den Oord et al. 2017, appendix A.1. A training step assigns, quantises with the
codebook as it was, and only then updates it:

    n_c = frames that took code c          g_c = sum over them of (z - e_c)
    N_c <- max(decay N_c + (1 - decay) n_c, epsilon)
    e_c <- e_c + (1 - decay) g_c / N_c

which is e = m / N with m <- decay m + (1 - decay) sum of z, written so that nothing can
come apart: the sums m = N e are not kept beside the codes but read off them, a code
that won nothing has g = 0 and stays where it is to the last bit, and a revived code
needs no more than a place and a count.

The codebook is a buffer. No optimiser sees it; the encoder's gradient comes straight
through the codes and from the commitment term.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from models.quantisers import collective, draws, seeding, tally
from models.quantisers.door import (
    check_codes,
    check_map,
    check_settings,
    refuse_without_square,
)
from models.quantisers.nearest import nearest
from models.quantisers.precision import KeepsPrecision
from models.quantisers.rotation import Rotated
from models.quantisers.statistics import Usage, usage
from models.quantisers.straight import StraightThrough

GRADIENTS: dict[str, Callable[..., tuple[Tensor, Tensor]]] = {
    "straight": StraightThrough.apply,
    "rotation": Rotated.apply,
}
STARTS = {"kmeans": seeding.kmeans, "points": seeding.points}


class VectorQuantizerEMA2D(KeepsPrecision):
    """Replace each frame of a map by the nearest of `num_codes` codes.

    Buffers: codebook (C, Z), counts (C,) in frames per training batch, steps (). They
    are single or double precision, whatever the module is cast to.

    init_scale: start at random codes of this scale. Without it the first training batch
    gives them, by `init`; until then they are random, of scale one.
    epsilon: least count of a code, so that one which never wins divides by no zero.
    dead_code_threshold: a code is dead whose count is under this share of the mean one;
    with enable_dead_code_refresh it moves onto a random frame of the batch, with a mean
    count. gradient: "straight", or "rotation" for the rotation trick.

    The same batches and the same seed give the same bits on one device. Processes of
    torch.distributed share one codebook, that of their joined batch, bit for bit.
    """

    codebook: Tensor
    counts: Tensor
    steps: Tensor

    def __init__(
        self,
        num_codes: int = 512,
        code_dim: int = 64,
        decay: float = 0.99,
        epsilon: float = 1e-5,
        commitment_cost: float = 0.25,
        init_scale: float | None = None,
        dead_code_threshold: float = 0.01,
        enable_dead_code_refresh: bool = True,  # noqa: FBT001, FBT002  the original's
        *,
        init: Literal["kmeans", "points"] = "kmeans",
        gradient: Literal["straight", "rotation"] = "straight",
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.num_codes, self.code_dim = num_codes, code_dim
        self.decay, self.epsilon = decay, epsilon
        self.commitment_cost, self.init_scale = commitment_cost, init_scale
        self.dead_code_threshold = dead_code_threshold
        self.enable_dead_code_refresh = enable_dead_code_refresh
        self.init, self.gradient, self.seed = init, gradient, seed
        check_settings(self, starts=STARTS, gradients=GRADIENTS)
        first = torch.randn(num_codes, code_dim, generator=draws.stream(seed, 0))
        scale = 1.0 if init_scale is None else init_scale
        self.register_buffer("codebook", first * scale)
        self.register_buffer("counts", torch.ones(num_codes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._has_begun = False

    def forward(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor]]:
        """Quantise z (B, Z, H, T); in training, update the codebook afterwards.

        Give z_q (B, Z, H, T), whose values are codes to the last bit; the losses

            codebook    |z - z_q|^2 / size of z, without any gradient
            commitment  commitment_cost times that, with its gradient to z
            vq          their sum: add it to the loss of the network

        and what happened: indices (B, H, T) int64, code_histogram (C,) of this batch
        (of all processes in training), its entropy in nats, perplexity, active_codes
        and usage, and dead_codes, how many are dead by their running counts, before
        any of them is revived.

        Refuse a z that holds nan or an infinity, and then leave the state as it was.
        """
        check_map(z, self.code_dim)
        rows = self._rows(z)
        with torch.no_grad():
            if self.training and not self._has_begun:
                self._begin(z, rows)
            index = nearest(rows, self.codebook)
            codes = self.codebook.index_select(0, index)
            gaps = rows - codes
            mse = torch.dot(gaps.flatten(), gaps.flatten()) / max(1, z.numel())
            won = tally.wins(index, self.num_codes)
            if self.training:
                won, counts = self._update(z, rows, gaps, index, won, mse)
            else:
                counts = self.counts
                refuse_without_square(z, mse)
            quantised = _as_map(codes, z)
        graded = mse
        if z.requires_grad and torch.is_grad_enabled():
            quantised, graded = GRADIENTS[self.gradient](z, quantised, mse)
        commitment = self.commitment_cost * graded
        losses = {"commitment": commitment, "codebook": mse, "vq": commitment + mse}
        found = usage(won)._asdict()
        found["indices"] = index.view(z.shape[0], *z.shape[2:])
        found["code_histogram"] = won
        found["dead_codes"] = self._dead(counts).sum()
        return quantised, losses, found

    @property
    def sums(self) -> Tensor:
        """What each code is the average of: m = N e (C, Z)."""
        return self.counts[:, None] * self.codebook

    def running(self) -> Usage:
        """Describe how evenly codes have been used lately, by their running counts."""
        return usage(self.counts)

    @torch.no_grad()
    def codes_of(self, z: Tensor) -> Tensor:
        """Give the code of each frame: z (B, Z, 1, T) -> (B, T) int32. Change nothing.

        This is what is exported; a graph cannot refuse, so nan is refused only here.
        """
        check_map(z, self.code_dim, one_row=True)
        rows = self._rows(z)
        refuse_without_square(z, torch.dot(rows.flatten(), rows.flatten()))
        index = nearest(rows, self.codebook)
        return index.view(z.shape[0], z.shape[3]).int()

    def embed(self, codes: Tensor) -> Tensor:
        """Give the vectors of codes (B, T) as (B, Z, T)."""
        check_codes(codes, self.num_codes)
        return self.codebook[codes.long()].transpose(1, 2)

    def _rows(self, z: Tensor) -> Tensor:
        """Frames of z (B, Z, H, T) as rows (N, Z), in the codebook's precision."""
        frames = z.detach().permute(0, 2, 3, 1).reshape(-1, self.code_dim)
        return frames.to(self.codebook.dtype)

    def _begin(self, z: Tensor, rows: Tensor) -> None:
        """Take the first codes and counts from the first batch ever."""
        n_rows = sum(collective.sizes(len(rows), rows.device))
        if self.init_scale is None and int(self.steps) == 0:
            if n_rows == 0:
                return
            refuse_without_square(z, collective.total(rows.square().sum()))
            generator = draws.stream(self.seed, 0)
            wanted = seeding.PER_CODE * self.num_codes
            places = draws.places(wanted, n_rows, generator).to(rows.device)
            sample = collective.picked(rows, places).cpu()
            start = STARTS[self.init](sample, self.num_codes, generator)
            counts = start.counts * (n_rows / len(sample))
            self.codebook.copy_(start.codes)
            self.counts.copy_(counts.clamp_min(self.epsilon))
            collective.agree(self.codebook, self.counts)
        self._has_begun = True

    def _update(
        self,
        z: Tensor,
        rows: Tensor,
        gaps: Tensor,
        index: Tensor,
        won: Tensor,
        mse: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Move codes toward the frames they won; revive the dead ones.

        Everything is decided before anything is written.
        """
        pulls = tally.sums(gaps, index, won)
        pulls, won, mse = collective.totals(pulls, won, mse)
        rate = 1.0 - self.decay
        counts = self.decay * self.counts + rate * won.to(self.counts.dtype)
        counts.clamp_min_(self.epsilon)
        is_dead = self._dead(counts)
        asked = [mse.isfinite(), won.any(), is_dead.any()]
        is_finite, any_won, any_dead = torch.stack(asked).tolist()
        if not is_finite:
            refuse_without_square(z, mse)
        if not any_won:
            return won, self.counts
        self.codebook.add_(pulls * (rate / counts)[:, None])
        self.counts.copy_(counts)
        if any_dead and self.enable_dead_code_refresh:
            self._revive(rows, is_dead)
        self.steps.add_(1)
        return won, counts

    def _dead(self, counts: Tensor) -> Tensor:
        """Tell which codes (C,) carry almost nothing."""
        return counts < self.dead_code_threshold * counts.mean()

    def _revive(self, rows: Tensor, is_dead: Tensor) -> None:
        """Put dead codes onto frames of the batch, each with a mean count.

        Place and count change together, and the sum with them. Fewer frames than dead
        codes revive the first of those.
        """
        n_rows = sum(collective.sizes(len(rows), rows.device))
        which = is_dead.nonzero().squeeze(1)
        generator = draws.stream(self.seed, int(self.steps) + 1)
        places = draws.places(len(which), n_rows, generator).to(rows.device)
        which = which[: len(places)]
        self.codebook[which] = collective.picked(rows, places)
        self.counts[which] = self.counts.mean()

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        """Ask anew, after loading, whether the codes have been started."""
        super()._load_from_state_dict(*args, **kwargs)
        self._has_begun = False

    def extra_repr(self) -> str:
        """Say what matters when a network is printed."""
        return f"{self.num_codes} codes of {self.code_dim}, decay {self.decay}"


def _as_map(rows: Tensor, like: Tensor) -> Tensor:
    """Rows (N, Z) as a map (B, Z, H, T), laid out in memory as `like` is."""
    n_batch, n_dims, height, n_steps = like.shape
    spread = rows.view(n_batch, height, n_steps, n_dims).permute(0, 3, 1, 2)
    if like.is_contiguous():
        return spread.to(like.dtype).contiguous()
    return torch.empty_like(like).copy_(spread)
