"""A process as tensors, and what a segment weighs by its place, with gradients.

The same equations as in models.hsmm.edges. A log of nothing is -inf in what comes in;
inside it is FLOOR, which adds and subtracts without making nan of the gradients, and
what is at the floor has gradient zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.hsmm import process as plainly
from models.hsmm.edges import Edges
from models.hsmm.edges import weights as weigh

# Far below any sum of log likelihoods, and 1e8 of them still fit single precision.
FLOOR = -1e30


class Process(NamedTuple):
    """A semi-Markov process, fields as in models.hsmm.process.Process.

    log_pi (K,), log_a (K, K), log_d (D, K), log_tail (K,), log_excess (K,) or None
    """

    log_pi: Tensor
    log_a: Tensor
    log_d: Tensor
    log_tail: Tensor
    log_excess: Tensor | None = None


class Weights(NamedTuple):
    """Log weight (D, K) of a segment of d frames by its place: as in edges."""

    inner: Tensor
    first: Tensor
    last: Tensor
    only: Tensor


def floored(log_x: Tensor) -> Tensor:
    """Lift -inf to FLOOR; there the gradient is zero."""
    return log_x.clamp(min=FLOOR)


def survival(log_d: Tensor, log_tail: Tensor) -> Tensor:
    """Log P(duration >= d) (D, K), the tail included."""
    upwards = torch.cat([floored(log_tail)[None], floored(log_d).flip(0)])
    return upwards.logcumsumexp(0)[1:].flip(0)


def weights(process: Process, edges: Edges) -> Weights:
    """Weigh segments by their place, as models.hsmm.edges.weights does."""
    inner, log_pi = floored(process.log_d), floored(process.log_pi)
    surviving = survival(process.log_d, process.log_tail)
    last = surviving if edges.right == "censored" else inner
    lasting = _lasting(process, edges)
    if edges.left == "complete":
        return Weights(inner, log_pi + inner, last, log_pi + last)
    excess = process.log_tail if process.log_excess is None else process.log_excess
    to_go = survival(surviving, excess)
    states = log_stationary(process.log_a, lasting)
    mean = (states + to_go[0]).logsumexp(0)
    beyond = to_go if edges.right == "censored" else surviving
    return Weights(inner, states + surviving - mean, last, states + beyond - mean)


def log_stationary(log_a: Tensor, lasting: Tensor) -> Tensor:
    """Log share (K,) of the segments in each state once the process has run for ever.

    States are taken out one by one, as in models.hsmm.stationary: a linear solve would
    lose the rare ones. States left for good, those not `lasting`, have FLOOR.
    """
    a = floored(log_a)[lasting][:, lasting]
    entered = []
    for n in range(len(a) - 1, 0, -1):
        into = a[:n, n] - a[n, :n].logsumexp(0)
        entered.append(into)
        a = floored(torch.logaddexp(a[:n, :n], into[:, None] + a[n, :n]))
    share = log_a.new_zeros(1)
    for into in reversed(entered):
        share = torch.cat([share, (share + into).logsumexp(0, keepdim=True)])
    nowhere = torch.full_like(log_a[0], FLOOR)
    return nowhere.masked_scatter(lasting, share.log_softmax(0))


def _lasting(process: Process, edges: Edges) -> Tensor:
    """Which states (K,) are come back to for ever; refuse what numpy's edges refuse."""
    plain = plainly.Process(
        *(None if f is None else f.detach().cpu().double().numpy() for f in process)  # type: ignore[arg-type]
    )
    weights_there = weigh(plain, edges)
    begun = np.isfinite(weights_there.only).any(axis=0)
    return torch.from_numpy(begun).to(process.log_a.device)
