"""A grid of duration laws, one of which each state has.

A finite grid makes the posterior over laws a finite sum: exact under truncation and
censoring alike, where rates and shapes of a negative binomial would need
approximations. A segment that the record cut short counts with P(duration >= what was
seen), so its whole duration need not be drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import doors
from models.hsmm import durations
from models.hsmm.draws import draw_rows
from models.hsmm.negative_binomial import NegativeBinomial

if TYPE_CHECKING:
    from models.hsmm.durations import Durations, Truncate
    from models.shapes import Array, IntArray

# Impossible durations: far below any sum of logs, and no count of them overflows.
NEVER = -1e300

# Shape 1 is geometric, and a large one nearly Poisson.
SHAPES = (1.0, 3.0, 10.0, 100.0)


class Laws(NamedTuple):
    """G laws over durations 1..D, and what is believed of them beforehand.

    log_d (D, G): log P(duration = d) in row d-1; log_tail (G,): log P(duration > D);
    log_weight (G,): log prior of each law
    """

    log_d: Array
    log_tail: Array
    log_weight: Array


def tabulated(
    family: Durations, max_duration: int, truncate: Truncate = "tail"
) -> Laws:
    """Make even laws of a duration family whose states are the points of the grid."""
    doors.at_least_one(max_duration, "max_duration")
    table = family.table(max_duration, truncate)
    n_laws = len(table.log_tail)
    return Laws(table.log_d, table.log_tail, np.full(n_laws, -np.log(n_laws)))


def grid(
    max_duration: int,
    *,
    n_means: int = 14,
    shapes: tuple[float, ...] = SHAPES,
    truncate: Truncate = "tail",
) -> Laws:
    """Make even laws of negative binomials: means from 1.5 to D, of several shapes.

    Means are even in their logarithms, about 1.4 apart at D = 150: nearer ones could
    hardly be told apart by some ten segments.
    """
    doors.at_least_one(n_means, "n_means")
    doors.at_least_one(len(shapes), "the number of shapes")
    means = np.geomspace(1.5, max(1.5, max_duration), n_means)
    laws = [(mean, shape) for mean in means for shape in shapes]
    mean, shape = np.array(laws).T
    return tabulated(NegativeBinomial(mean, shape), max_duration, truncate)


def checked(laws: Laws) -> Laws:
    """Give laws back as doubles, or refuse them."""
    log_d = np.asarray(laws.log_d, dtype=np.float64)
    doors.axes(log_d, "DG", "log_d")
    log_tail = np.asarray(laws.log_tail, dtype=np.float64)
    doors.axes(log_tail, "G", "log_tail")
    if log_tail.shape != log_d.shape[1:] or log_tail.shape != laws.log_weight.shape:
        raise ValueError(
            f"log_d has {log_d.shape[1]} laws, log_tail {len(log_tail)}, "
            f"log_weight {len(laws.log_weight)}: one number of laws is wanted"
        )
    doors.log_distribution(np.vstack([log_d, log_tail]).T, "log_d with log_tail")
    log_weight = doors.log_distribution(laws.log_weight, "log_weight")
    return Laws(log_d, log_tail, log_weight)


def from_prior(laws: Laws, n_states: int, rng: np.random.Generator) -> IntArray:
    """Draw a law for each state (K,) before any segment is seen."""
    return draw_rows(np.tile(laws.log_weight, (n_states, 1)), rng)


def draw(
    laws: Laws, whole: IntArray, cut: IntArray, rng: np.random.Generator
) -> IntArray:
    """Draw the law (K,) of each state given counts of durations, row d-1 for d.

    whole (D, K): segments seen whole; cut (D, K): those that the record's end cut short
    """
    return draw_rows(log_posterior(laws, whole, cut), rng)


def log_posterior(laws: Laws, whole: IntArray, cut: IntArray) -> Array:
    """Log weight (K, G) of each law for each state, up to a constant by state.

    log_weight_g + sum_d whole_d log P(d | g) + sum_d cut_d log P(>= d | g)
    """
    log_d = np.maximum(laws.log_d, NEVER)
    log_longer = np.maximum(survival(laws), NEVER)
    seen = whole.T.astype(np.float64) @ log_d + cut.T.astype(np.float64) @ log_longer
    log_p: Array = laws.log_weight + seen
    return log_p


def survival(laws: Laws) -> Array:
    """Log P(duration >= d) (D, G), row d-1 for d, the tail included."""
    upwards = np.concatenate([laws.log_tail[None], laws.log_d[::-1]])
    surviving: Array = np.logaddexp.accumulate(upwards, axis=0)[:0:-1]
    return surviving


def means(laws: Laws) -> Array:
    """Mean duration (G,) of those of at most D frames, of each law."""
    return durations.means_within(laws.log_d)
