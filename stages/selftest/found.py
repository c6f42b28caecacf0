"""What the self-test of a quantiser found."""

from __future__ import annotations

import math
from typing import NamedTuple

from models.quantisers.health import Health
from models.quantisers.recount import Recount

# What single precision leaves of the textbook's sums after some steps.
ROUNDING = 1e-5


class Contract(NamedTuple):
    """What came of the first batch, which is noise.

    in_range: every code is one of the codebook's, one for each frame.
    determined: two quantisers of one seed gave the same bits.
    """

    shape: tuple[int, ...]
    wanted: tuple[int, ...]
    loss: float
    usage: float
    perplexity: float
    in_range: bool
    determined: bool

    @property
    def is_kept(self) -> bool:
        """All of it is as it must be."""
        is_shaped = self.shape == self.wanted and math.isfinite(self.loss)
        return is_shaped and self.usage > 0 and self.in_range and self.determined


class Found(NamedTuple):
    """All that the self-test found; fsq_differing counts codes of the fixed grid."""

    contract: Contract
    health: Health
    recount: Recount
    fsq_differing: int

    @property
    def is_healthy(self) -> bool:
        """Nothing is ill, and nothing was lost."""
        learns = self.recount.error <= ROUNDING and self.recount.survival == 1.0
        is_sound = self.health.is_sound and learns and self.fsq_differing == 0
        return self.contract.is_kept and is_sound
