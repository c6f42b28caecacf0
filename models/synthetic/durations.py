"""How long a behaviour lasts: laws over whole frames, none shorter than a floor.

A law is a table, and the same table is drawn from and judged by. Each is cut at the
longest duration and what is left sums to one: no mass is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from models.shapes import Array

FAMILIES = ("poisson", "negative_binomial", "lognormal")


class Stay(NamedTuple):
    """A law in seconds: floor_s, then a family with the mean mean_s in all.

    shape: the r of the negative binomial, the sigma of the lognormal's logarithm;
    the Poisson has none.
    """

    family: str
    mean_s: float
    floor_s: float
    shape: float = 1.0


def table(stay: Stay, rate_hz: float, n_frames: int, scale: float = 1.0) -> Array:
    """Tabulate p(d) for d = 1 .. n_frames: (D,), where row d-1 is duration d.

    `scale` stretches the part above the floor. The floor is a matter of the body's
    inertia and does not stretch.
    """
    floor = max(1, round(stay.floor_s * rate_hz))
    above = scale * (stay.mean_s * rate_hz - floor)
    chances = np.zeros(n_frames)
    chances[floor - 1 :] = _normalised(_log_weights(stay, above, n_frames - floor))
    return chances


def _log_weights(stay: Stay, mean: float, last: int) -> Array:
    """Give log weights of 0 .. last frames above the floor, up to a constant.

    Counts by the ratio of neighbours: p(n) / p(n-1) is mean / n for the Poisson and
    q (n + r - 1) / n, q = mean / (mean + r), for the negative binomial.
    """
    n = np.arange(1, last + 1, dtype=np.float64)
    if stay.family == "lognormal":
        centre = np.log(mean) - 0.5 * stay.shape**2
        x = np.log(np.arange(last + 1) + 0.5)
        bell: Array = -0.5 * ((x - centre) / stay.shape) ** 2 - x
        return bell
    if stay.family == "poisson":
        ratio = mean / n
    else:
        ratio = mean / (mean + stay.shape) * (n + stay.shape - 1.0) / n
    return np.concatenate([[0.0], np.log(ratio).cumsum()])


def _normalised(log_weights: Array) -> Array:
    """Turn log weights into chances."""
    weights = np.exp(log_weights - log_weights.max())
    chances: Array = weights / weights.sum()
    return chances
