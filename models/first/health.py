"""Is the quantiser sound? A small mixture, a codebook partly thrown away, a verdict.

Three faults are common and silent: codes that leave the range of the data, revived
codes that the next update puts back, and a loss that does not fall. Each is looked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models import chance
from models.first import codebook, quantiser

if TYPE_CHECKING:
    from models.first.quantiser import Codebook, Rates
    from models.shapes import Array, BoolArray

# Farther than any point of a mixture with centres of this spread.
CENTRES, FAR = 4.0, 1e3


class Health(NamedTuple):
    """What was found.

    loss, first_loss: mean squared distance in the last and the first epoch
    usage, perplexity: of the codes at the end
    outside: codes out of the data's range at the end
    revived: how often a dead code was moved onto a point
    survival: share of the codes thrown away that win points at the end
    """

    loss: float
    first_loss: float
    usage: float
    perplexity: float
    outside: int
    revived: int
    survival: float


def mixture(
    n_points: int, n_centres: int, n_dims: int, rng: np.random.Generator
) -> Array:
    """Draw points (B, Z) from round clusters of unit width."""
    centres = rng.normal(0.0, CENTRES, (n_centres, n_dims))
    return centres[rng.integers(n_centres, size=n_points)] + rng.normal(
        size=(n_points, n_dims)
    )


def throw_away(book: Codebook, which: BoolArray) -> Codebook:
    """Put the codes of `which` (C,) where no point is, and let them weigh little."""
    counts = np.where(which, 1e-3 * book.counts, book.counts)
    codes = np.where(which[:, None], FAR, book.codes)
    return book._replace(codes=codes, counts=counts, sums=codes * counts[:, None])


def examine(
    points: Array,
    n_codes: int,
    epochs: int,
    rates: Rates,
    rng: np.random.Generator,
    size: int = 256,
) -> Health:
    """Fit `n_codes` codes to points (B, Z), half of them thrown away at the start."""
    lost = np.arange(n_codes) % 2 == 1
    book = throw_away(quantiser.start(points, n_codes, size / n_codes, rng), lost)
    losses, revived = [], 0
    for _ in range(epochs):
        dealt = chance.batches(len(points), size, rng)
        passed = quantiser.epoch(book, [points[i] for i in dealt], rates, rng)
        book, revived = passed.book, revived + passed.revived
        losses.append(passed.loss)
    won = codebook.histogram(quantiser.assign(book.codes, points), n_codes)
    return Health(
        loss=losses[-1],
        first_loss=losses[0],
        usage=codebook.usage(won),
        perplexity=codebook.perplexity(won),
        outside=quantiser.outside(book.codes, points),
        revived=revived,
        survival=float((won[lost] > 0).mean()),
    )
