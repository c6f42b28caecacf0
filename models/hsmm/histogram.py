"""Categorical durations: a probability of its own for each length."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import durations
from models.hsmm.draws import draw_rows
from models.hsmm.durations import Table, cut
from models.logspace import logsumexp

if TYPE_CHECKING:
    from models.hsmm.durations import Truncate
    from models.shapes import Array, IntArray


class Histogram(NamedTuple):
    """Log P(duration = d) (D, K) in row d-1, and log P(longer) (K,)."""

    log_d: Array
    log_tail: Array

    def table(self, max_duration: int, truncate: Truncate = "tail") -> Table:
        """Cut at `max_duration`, or fill up with durations that cannot happen.

        What is beyond the histogram's own end cannot be placed: a longer table than
        the histogram is refused while there is such a tail.
        """
        durations.reachable(max_duration)
        n_known, n_states = self.log_d.shape
        if max_duration > n_known and not np.isneginf(self.log_tail).all():
            raise ValueError(
                f"max_duration is {max_duration}: the histogram ends at {n_known} and "
                f"does not say where its tail lies"
            )
        filled = np.full((max(max_duration, n_known), n_states), -np.inf)
        filled[:n_known] = self.log_d
        beyond = np.vstack([filled[max_duration:], self.log_tail])
        known = bool(np.isneginf(self.log_tail).all())
        means = self.means() if known else np.zeros(n_states)
        table = cut(filled[:max_duration], logsumexp(beyond, axis=0), means, truncate)
        unknown = truncate == "tail" and not known
        return table._replace(log_excess=None) if unknown else table

    def means(self) -> Array:
        """Mean duration (K,); infinite where some are longer than the histogram."""
        lengths = np.arange(1.0, len(self.log_d) + 1.0)
        within = lengths @ np.exp(self.log_d)
        mean: Array = np.where(np.isneginf(self.log_tail), within, np.inf)
        return mean

    def draw(self, states: IntArray, rng: np.random.Generator) -> IntArray:
        """Draw a duration for each of `states`; refuse those with a tail."""
        if not np.isneginf(self.log_tail[states]).all():
            raise ValueError("a histogram with a tail does not say how long it lasts")
        return 1 + draw_rows(self.log_d.T[states], rng)

    @classmethod
    def fit(
        cls,
        counts: Array,
        censored: Array | None = None,
        *,
        truncate: Truncate = "tail",
        otherwise: Histogram | None = None,
    ) -> Histogram:
        """Give the most likely, from counts (D, K) of durations, whole and censored.

        Kaplan and Meier (1958): of those known to have lasted d frames, the share that
        lasted no longer. Censored ones of d frames are known to have lasted at least d,
        and not whether longer. What the longest leave over is the tail or,
        renormalised, lies evenly on the durations from the longest censored one to D.
        What nothing was counted of keeps its law of `otherwise`.
        """
        counts, cut_short = durations.counted(counts, censored)
        seen = durations.seen(counts + cut_short, otherwise is not None)
        whole, open_ended = counts[:, seen], cut_short[:, seen]
        later = open_ended[::-1].cumsum(axis=0)[::-1] - open_ended
        at_risk = whole[::-1].cumsum(axis=0)[::-1] + later
        with np.errstate(invalid="ignore", divide="ignore"):
            ending = np.where(at_risk > 0.0, whole / np.maximum(at_risk, whole), 0.0)
            log_left = np.log1p(-ending).cumsum(axis=0)
            before = np.vstack([np.zeros((1, whole.shape[1])), log_left[:-1]])
            log_d = np.log(ending) + np.where(ending > 0.0, before, 0.0)
        log_tail = log_left[-1].copy()
        if truncate == "renormalise":
            log_d, log_tail = _spread(log_d, log_tail, open_ended)
        if otherwise is None:
            return Histogram(log_d, log_tail)
        merged = otherwise.table(len(counts), truncate)
        merged.log_d[:, seen], merged.log_tail[seen] = log_d, log_tail
        return Histogram(merged.log_d, merged.log_tail)


def _spread(log_d: Array, log_tail: Array, open_ended: Array) -> tuple[Array, Array]:
    """Lay the tail evenly on the durations from the longest censored one to D."""
    frames = np.arange(len(log_d))[:, None]
    longest = np.where(open_ended > 0.0, frames, 0).max(axis=0)
    share = log_tail - np.log(len(log_d) - longest)
    spread = np.where(frames >= longest, np.logaddexp(log_d, share), log_d)
    return spread, np.full_like(log_tail, -np.inf)
