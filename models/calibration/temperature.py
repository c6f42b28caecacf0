"""One temperature for all logits: softmax(logits / T), by a bounded convex solve.

In the coldness b = 1 / T the mean negative log-likelihood of frames with logits z and
label y is convex, and all its derivatives come of one pass:

    nll(b)   = mean  logsumexp(b z) - b z_y
    nll'(b)  = mean  E[z] - z_y          E over softmax(b z)
    nll''(b) = mean  Var[z]

So Newton's steps, kept inside a bracket that only shrinks, end at the one optimum
between the bounds (Guo et al. 2017 fit T itself by a line search that need not).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.calibration import blocks, door

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.calibration.door import Floats, Integers
    from models.shapes import Array

# Newton converges quadratically: after a step this small, in parts of b, what is left
# is some 1e-12 of T, and of the likelihood less.
CLOSE = 1e-6
# Of many frames every so manieth tells where to begin.
SAMPLE = 20_000
# Newton has always arrived by then; if not, halving the bracket surely does.
PATIENCE = 20
# Logits are squared on the way.
LARGEST = 1e100


class Scaling(NamedTuple):
    """A fitted temperature.

    temperature: 1.0 when nothing in the bounds is better. nll_before, nll_after: mean
    negative log-likelihood at 1 and at `temperature`, in nats. at_bound: the optimum
    lies beyond the bound that was returned; such data want no temperature. iterations:
    full passes over the logits.
    """

    temperature: float
    nll_before: float
    nll_after: float
    at_bound: bool
    iterations: int


class Slope(NamedTuple):
    """Negative log-likelihood at a coldness, its slope and its curvature."""

    nll: float
    first: float
    second: float


def fit(
    logits: Floats,
    labels: Integers,
    *,
    weights: Floats | None = None,
    bounds: tuple[float, float] = (0.05, 20.0),
) -> Scaling:
    """Find the temperature of least negative log-likelihood between two bounds.

    logits (.., K) finite, labels (..), weights (..) at least 0. Fit on calibration
    subjects, judge on others: nll_after is the fit's own, and never above nll_before.
    Separable data run to the low bound and logits worse than none to the high one, and
    `at_bound` says so. All in double; a pass costs about an exponential per logit, and
    there are four or five.
    """
    logits, flat = _entered(logits, labels)
    low, high = bounds
    if not 0.0 < low < 1.0 < high < math.inf:
        raise ValueError(f"bounds are {bounds}: wanted 0 < low < 1 < high < inf")
    parts = _parts(weights, logits.shape[:-1])

    def full(coldness: float) -> Slope:
        return slope(logits, flat, coldness, parts)

    return _solve(full, _start(logits, flat, parts, bounds), bounds)


def scaled(logits: Floats, temperature: float) -> Floats:
    """Probabilities softmax(logits / temperature), (.., K) to (.., K), of one dtype."""
    logits = door.floats(logits, "logits")
    if not 0.0 < temperature < math.inf:
        raise ValueError(f"temperature is {temperature}: it must be finite, above 0")
    door.finite(logits, "logits")
    # What lies too far below the largest for its dtype becomes -inf, and 0 then.
    with np.errstate(over="ignore"):
        cold = logits - logits.max(axis=-1, keepdims=True)
        np.exp(np.divide(cold, temperature, out=cold), out=cold)
    probs: Floats = np.divide(cold, cold.sum(axis=-1, keepdims=True), out=cold)
    return probs


def slope(
    logits: Floats, labels: Integers, coldness: float, parts: Array | None
) -> Slope:
    """One pass: logits (.., K), labels (M,), parts (M,) that sum to 1, or none."""
    sums = np.zeros(3)
    for first, block in blocks.rows(logits):
        here = slice(first, first + len(block))
        terms = _terms(block, labels[here], coldness)
        sums += terms.sum(axis=1) if parts is None else terms @ parts[here]
    if parts is None:
        sums /= len(labels)
    return Slope(*(float(x) for x in sums))


def _terms(block: Floats, labels: Integers, coldness: float) -> Array:
    """Each frame's negative log-likelihood and its derivatives: (n, K) -> (3, n)."""
    z = blocks.turned(block).astype(np.float64)
    z -= z.max(axis=0)
    weight = np.exp(coldness * z)
    total = weight.sum(axis=0)
    of_label = blocks.at_class(z, labels)
    weight *= z
    mean = weight.sum(axis=0) / total
    weight *= z
    variance = weight.sum(axis=0) / total - mean**2
    nll = np.log(total) - coldness * of_label
    return np.stack([nll, mean - of_label, np.maximum(variance, 0.0)])


def _entered(logits: Floats, labels: Integers) -> tuple[Floats, Integers]:
    """See that logits and labels can be used; the labels come flat."""
    logits = door.floats(logits, "logits")
    *shape, n_classes = logits.shape
    flat = door.integers(labels, "labels", shape=tuple(shape), below=n_classes)
    for _, block in blocks.rows(logits):
        least, most = float(block.min()), float(block.max())
        if not (least >= -LARGEST and most <= LARGEST):
            door.finite(logits, "logits")
            raise ValueError(
                f"logits hold {np.abs(logits).max()}: wanted <= {LARGEST:g}"
            )
    return logits, flat


def _parts(weights: Floats | None, shape: tuple[int, ...]) -> Array | None:
    """Turn weights (..) into parts of one (M,)."""
    if weights is None:
        return None
    array = door.floats(weights, "weights").astype(np.float64)
    if array.shape != shape:
        raise ValueError(f"weights has shape {array.shape}: the frames have {shape}")
    door.finite(array, "weights")
    if array.min() < 0.0 or array.max() == 0.0:
        raise ValueError("weights must not be negative, nor all 0")
    flat: Array = array.reshape(-1) / array.max()
    flat /= flat.sum()
    return flat


def _start(
    logits: Floats, labels: Integers, parts: Array | None, bounds: tuple[float, float]
) -> float:
    """Solve for some frames only, where there are many: near the answer, and cheap."""
    step = len(labels) // SAMPLE
    if step < 2 or parts is not None:
        return 1.0
    picks = np.arange(0, len(labels), step)
    some = logits[np.unravel_index(picks, logits.shape[:-1])]
    few = labels[picks]
    found = _solve(lambda coldness: slope(some, few, coldness, None), 1.0, bounds)
    return 1.0 / found.temperature


def _solve(
    at: Callable[[float], Slope], start: float, bounds: tuple[float, float]
) -> Scaling:
    """Take Newton's steps inside a bracket: at 1, at `start`, and on from there."""
    ends = low, high = 1.0 / bounds[1], 1.0 / bounds[0]
    before = now = at(1.0)
    here, passes = 1.0, 1
    while now.first != 0.0:
        low, high = (low, here) if now.first > 0.0 else (here, high)
        if low == high:
            break
        then = _newton(here, now)
        if abs(then - here) <= CLOSE * here:
            here = min(max(then, ends[0]), ends[1])
            break
        if passes == 1 and low < start < high:
            then = start
        elif passes > PATIENCE or not low < then < high:
            then = _inside(now, low, high, ends)
        here, now = then, at(then)
        passes += 1
    if not now.nll < before.nll:
        return Scaling(1.0, before.nll, before.nll, at_bound=False, iterations=passes)
    is_end = here in ends
    best = bounds[1 - ends.index(here)] if is_end else 1.0 / here
    return Scaling(best, before.nll, now.nll, at_bound=is_end, iterations=passes)


def _newton(here: float, now: Slope) -> float:
    """Where the slope would be zero if it were straight."""
    if now.second == 0.0:
        return -math.copysign(math.inf, now.first)
    return here - now.first / now.second


def _inside(now: Slope, low: float, high: float, ends: tuple[float, float]) -> float:
    """When Newton leaves the bracket: the bound itself if untried, or the middle."""
    if now.first < 0.0 and high == ends[1]:
        return high
    if now.first > 0.0 and low == ends[0]:
        return low
    return math.sqrt(low * high)
