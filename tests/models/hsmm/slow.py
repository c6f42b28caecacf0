"""Every segment of a record, weighed by a plain recursion in logs.

Slow, in extended precision, and without blocks, scales or matrix products: what the
recursions of models/ are held against where enumeration cannot reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.models.hsmm import enumeration

if TYPE_CHECKING:
    from tests.models.hsmm.cases import Case

Slow = np.ndarray


def said(case: Case) -> tuple[float, dict[str, Slow]]:
    """Give the log evidence, and what the posterior says, by the names of its fields.

    Nothing is said of a record that cannot happen.
    """
    process, log_lik, edges = case
    n_frames, n_states = log_lik.shape
    lik, log_a = log_lik.astype(np.longdouble), process.log_a.astype(np.longdouble)
    weights = _weights(case)
    n_durations = len(process.log_d)

    def weigh(s: int, t: int) -> Slow:
        """Log weight (K,) of the segment s .. t, with its frames."""
        place = 2 * (s == 0) + (t == n_frames)
        table: Slow = weights[place][t - s - 1]
        weight: Slow = table + lik[s:t].sum(axis=0)
        return weight

    nothing = np.full((n_frames + 1, n_states), -np.inf, dtype=np.longdouble)
    ends, starts, within, after = (nothing.copy() for _ in range(4))
    starts[0] = after[n_frames] = 0.0
    reach = {
        (s, t): weigh(s, t)
        for s in range(n_frames)
        for t in range(s + 1, min(s + n_durations, n_frames) + 1)
    }
    for t in range(1, n_frames + 1):
        begun = range(max(0, t - n_durations), t)
        ends[t] = _sum([starts[s] + reach[s, t] for s in begun])
        starts[t] = _sum(list(ends[t][:, None] + log_a))
    total = _sum(list(ends[n_frames]))
    if total == -np.inf:
        return -np.inf, {}
    for s in range(n_frames - 1, -1, -1):
        ended = range(s + 1, min(s + n_durations, n_frames) + 1)
        within[s] = _sum([reach[s, t] + after[t] for t in ended])
        after[s] = _sum(list((log_a + within[s]).T))
    names = ("durations", "right_censored", "left_censored", "both_censored")
    found = {name: np.zeros((n_durations, n_states)) for name in names}
    found["occupancy"] = np.zeros((n_frames, n_states))
    found["begins"] = np.zeros((n_frames, n_states))
    for (s, t), weight in reach.items():
        share = np.exp(starts[s] + weight + after[t] - total).astype(np.float64)
        left = s == 0 and edges.left == "censored"
        right = t == n_frames and edges.right == "censored"
        found[names[2 * left + right]][t - s - 1] += share
        found["occupancy"][s:t] += share
        found["begins"][s] += share * (s > 0)
    moved = ends[1:-1, :, None] + log_a + within[1:-1, None, :] - total
    found["transitions"] = np.exp(moved).sum(axis=0).astype(np.float64)
    return float(total), found


def _weights(case: Case) -> tuple[Slow, Slow, Slow, Slow]:
    """Log weights (D, K) of segments: inner, last, first, only."""
    process, _, edges = case
    upwards = np.vstack([process.log_tail, process.log_d[::-1]]).astype(np.longdouble)
    lasts = np.stack([_sum(list(upwards[:i])) for i in range(2, len(upwards) + 1)])
    last = lasts[::-1] if edges.right == "censored" else process.log_d
    if edges.left == "complete":
        return (
            process.log_d,
            last,
            process.log_pi + process.log_d,
            process.log_pi + last,
        )
    to_go = enumeration.settled(process)
    beyond = to_go[::-1].cumsum(axis=0)[::-1]
    only = beyond if edges.right == "censored" else to_go
    return process.log_d, last, np.log(to_go), np.log(only)


def _sum(logs: list[Slow]) -> Slow:
    """Log of the sum of exp, term by term."""
    total = logs[0]
    for term in logs[1:]:
        total = np.logaddexp(total, term)
    return total
