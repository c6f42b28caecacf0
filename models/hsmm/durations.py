"""How long a state lasts, as a table to D frames with what lies beyond it.

A family of duration laws (poisson.py, negative_binomial.py, histogram.py) has one law
for each state, over 1, 2, ... frames: a count shifted by one. Its `table` is what the
messages read. Cutting a law at D loses P(duration > D); the caller chooses what
becomes of it: "tail" keeps it beside the table, "renormalise" gives it to the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np

from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

Truncate = Literal["tail", "renormalise"]


class Table(NamedTuple):
    """Duration laws cut at D: the last three fields of a Process.

    log_d    (D, K): log P(duration = d) in row d-1
    log_tail   (K,): log P(duration > D)
    log_excess (K,): log of the sum of P(duration >= d) over d > D; None: not known
    """

    log_d: Array
    log_tail: Array
    log_excess: Array | None


class Durations(Protocol):
    """A family: one law for each of K states. Its fields are arrays (.., K)."""

    @classmethod
    def fit(
        cls,
        counts: Array,
        censored: Array | None = None,
        *,
        truncate: Truncate = "tail",
    ) -> Durations:
        """Give the most likely laws, from counts (D, K), whole and censored."""
        ...

    def table(self, max_duration: int, truncate: Truncate = "tail") -> Table:
        """Tabulate the laws to `max_duration` frames."""
        ...

    def means(self) -> Array:
        """Mean duration (K,) of the full laws, in frames."""
        ...

    def draw(self, states: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw a duration from the full law of each of `states` (n,) -> (n,)."""
        ...


def cut(log_d: Array, log_tail: Array, means: Array, truncate: Truncate) -> Table:
    """Make the table of laws log_d (D, K) with log_tail (K,) and full means (K,).

    The frames beyond D are what the mean has more than the sum of P(duration >= d)
    over d <= D, since a mean is that sum over all d.
    """
    if truncate == "renormalise":
        nothing = np.full_like(log_tail, -np.inf)
        return Table(log_d - logsumexp(log_d, axis=0), nothing, nothing)
    if truncate != "tail":
        raise ValueError(f"truncate is {truncate!r}: 'tail' or 'renormalise' is wanted")
    upwards = np.concatenate([log_tail[None], log_d[::-1]])
    lived = np.exp(np.logaddexp.accumulate(upwards, axis=0)[1:]).sum(axis=0)
    with np.errstate(divide="ignore"):
        excess = np.maximum(np.log(np.maximum(means - lived, 0.0)), log_tail)
    return Table(log_d, log_tail, np.where(np.isneginf(log_tail), -np.inf, excess))


def means_within(log_d: Array) -> Array:
    """Mean duration (K,) of those of at most D frames: log_d (D, K)."""
    lengths = np.arange(1.0, len(log_d) + 1.0)
    shares = np.exp(log_d - logsumexp(log_d, axis=0))
    mean: Array = lengths @ shares
    return mean


def counted(counts: Array, censored: Array | None) -> tuple[Array, Array]:
    """Give counts (D, K) and censored counts (D, K), zeros for None; check both."""
    ends = np.zeros_like(counts) if censored is None else censored
    for name, table in (("counts", counts), ("censored", ends)):
        if np.ndim(table) != 2 or np.shape(table) != np.shape(counts):
            raise ValueError(
                f"{name} has shape {np.shape(table)}: (D, K) is wanted, as in counts"
            )
        wrong = ~np.isfinite(table) | (table < 0.0)
        if wrong.any():
            d, k = (int(i) for i in np.argwhere(wrong)[0])
            raise ValueError(
                f"{name} holds {table[d, k]} for duration {d + 1} of state {k}: "
                f"finite counts of 0 or more are wanted"
            )
    return counts, ends


def reachable(max_duration: int) -> None:
    """Refuse a table of no durations."""
    if max_duration < 1:
        raise ValueError(f"max_duration is {max_duration}: 1 frame or more is wanted")


def within(name: str, values: Array, least: float) -> None:
    """Refuse a parameter (K,) that is not finite or lies below `least`."""
    wrong = ~np.isfinite(values) | (values < least)
    if np.ndim(values) != 1 or wrong.any():
        k = int(np.argmax(wrong)) if np.ndim(values) == 1 else 0
        found = values[k] if np.ndim(values) == 1 else f"shape {np.shape(values)}"
        raise ValueError(
            f"{name} of state {k} is {found}: one finite number of {least} or more is "
            f"wanted for each state"
        )


def seen(counts: Array, has_otherwise: bool) -> BoolArray:  # noqa: FBT001
    """Which states (K,) have counts; refuse one without when there is nothing else."""
    found: BoolArray = counts.sum(axis=0) > 0.0
    if not has_otherwise and not found.all():
        raise ValueError(
            f"nothing was counted of state {int(np.argmin(found))}: "
            f"`otherwise` must give its law"
        )
    return found
