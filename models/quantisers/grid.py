"""The grid of finite scalar quantisation, defined once for torch, numpy and a graph.

Mentzer et al. 2023. With L levels in a dimension, value z becomes level

    i = floor((L - 1) / 2 tanh(z) + L / 2)   in 0..L-1,   and   2 i / (L - 1) - 1

in [-1, 1], the same to both sides of zero for even and odd L alike. Half of a step
rounds up. The paper's own bound, with its shift, leaves even L lopsided.

No two libraries have the same last digit of tanh, and a value near the middle between
two levels would then have two codes. So the level is found without it: it is how many
of these thresholds the value has reached, in single precision,

    z >= atanh((2 j - L) / (L - 1)),   j = 1..L-1

which is a comparison, and the same everywhere; so are infinities and huge values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

# Codes are int32 and a histogram of them is counted.
MOST_CODES = 1 << 24


@dataclass(frozen=True)
class Grid:
    """Levels of each dimension, as (8, 6, 5) with its 240 codes.

    A code is sum_z stride_z level_z: the first dimension runs fastest.
    """

    levels: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what is no grid."""
        if not self.levels:
            raise ValueError("levels are empty: wanted one number per dimension")
        for place, level in enumerate(self.levels):
            if level < 2:
                message = f"levels hold {level} at {place}: wanted at least 2"
                raise ValueError(message)
        if self.n_codes > MOST_CODES:
            message = f"levels make {self.n_codes} codes: wanted at most {MOST_CODES}"
            raise ValueError(message)

    @property
    def n_codes(self) -> int:
        """How many codes there are."""
        return math.prod(self.levels)

    @property
    def strides(self) -> tuple[int, ...]:
        """What one level counts for in a code, by dimension."""
        return tuple(accumulate((1, *self.levels[:-1]), mul))

    @property
    def halves(self) -> tuple[float, ...]:
        """(L - 1) / 2 by dimension: a value is (level - half) / half."""
        return tuple((level - 1) / 2 for level in self.levels)

    @property
    def thresholds(self) -> tuple[tuple[float, ...], ...]:
        """Thresholds by row j and dimension, nan where a dimension has fewer.

        Nothing reaches nan, so that every dimension can be asked every row.
        """
        rows = range(1, max(self.levels))
        return tuple(tuple(_threshold(j, n) for n in self.levels) for j in rows)


def grid(levels: Sequence[int]) -> Grid:
    """Give the grid of a list of whole numbers."""
    for place, level in enumerate(levels):
        if int(level) != level:
            raise ValueError(f"levels hold {level} at {place}: wanted whole numbers")
    return Grid(tuple(int(level) for level in levels))


def _threshold(j: int, n_levels: int) -> float:
    """Where level j begins, of levels 0..n_levels-1."""
    if j >= n_levels:
        return math.nan
    return math.atanh((2 * j - n_levels) / (n_levels - 1))
