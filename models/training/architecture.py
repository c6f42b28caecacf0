"""Which network is trained, in the few words that build it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from models.networks.conv2d_vq import Conv2dVQ
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.projected import ProjectedFSQ


class Architecture(NamedTuple):
    """What a network is made of; each value is plain, and can be written anywhere.

    quantiser: "ema", a codebook of `codes` moving averages; or "fsq", a fixed grid of
    `levels`. dims: of the vectors that are quantised. width: of all layers. decay,
    commitment, dead: of the codebook; a code is moved when its count is under the share
    `dead` of the mean one.
    """

    behaviours: int
    quantiser: str = "ema"
    codes: int = 512
    levels: tuple[int, ...] = (8, 6, 5)
    dims: int = 64
    width: int = 32
    decay: float = 0.99
    commitment: float = 0.25
    dead: float = 0.1
    causal: bool = False
    seed: int = 0

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Architecture:
        """Give the one whose fields are in `plain`, where lists stand for tuples."""
        return cls(**{**plain, "levels": tuple(plain["levels"])})


def built(plan: Architecture) -> Conv2dVQ:
    """Build the network; the same plan gives the same weights."""
    if plan.width < 2:
        raise ValueError(f"width is {plan.width}: it must be 2 or more")
    quantiser = _quantiser(plan)
    return Conv2dVQ(
        quantiser,
        plan.behaviours,
        seed=plan.seed,
        n_dims=plan.dims,
        width=plan.width,
        causal=plan.causal,
    )


def _quantiser(plan: Architecture) -> VectorQuantizerEMA2D | ProjectedFSQ:
    """Give the quantiser by its name."""
    if plan.quantiser == "ema":
        return VectorQuantizerEMA2D(
            plan.codes,
            plan.dims,
            decay=plan.decay,
            commitment_cost=plan.commitment,
            dead_code_threshold=plan.dead,
            seed=plan.seed,
        )
    if plan.quantiser == "fsq":
        return ProjectedFSQ(plan.levels, plan.dims, plan.dims)
    raise ValueError(f"quantiser is {plan.quantiser!r}: it must be one of ema, fsq")
