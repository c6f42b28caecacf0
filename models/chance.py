"""Random streams by purpose, so that adding one never disturbs another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.shapes import IntArray


def stream(seed: int, purpose: str, index: int = 0) -> np.random.Generator:
    """Give the generator of one purpose, and of one index within it.

    What is drawn depends on these three alone: an epoch draws the same whether it comes
    after others or first after a resume. Seeds and indices are below 2**32: a larger
    one would be cut into words, and could be taken for two smaller ones.
    """
    for name, number in (("seed", seed), ("index", index)):
        if not 0 <= number < 1 << 32:
            message = f"{name} is {number}: 0 to 2**32 - 1 is wanted"
            raise ValueError(message)
    return np.random.default_rng([seed, index, *purpose.encode()])


def batches(n_rows: int, size: int, rng: np.random.Generator) -> list[IntArray]:
    """Deal all rows out, in random order, into batches of about `size`."""
    return np.array_split(rng.permutation(n_rows), max(1, n_rows // size))
