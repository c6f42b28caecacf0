"""The semi-Markov messages against what one writes in an afternoon, and their growth.

No library installs that has an explicit-duration model with these messages, so the
rivals are the plain recursion over a window, in logs, and hmmlearn's compiled messages
of an ordinary chain: for scale, since a chain knows no durations.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.measure import Timing, in_turns, paired_ratio
from models.hsmm.messages import log_evidence
from models.hsmm.poisson import Poisson
from models.hsmm.posterior import marginals, posterior
from models.hsmm.process import Process
from models.hsmm.viterbi import viterbi

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.shapes import Array

FRAMES, STATES, LONGEST = 10_000, 20, 100


class Size(NamedTuple):
    """N records of T frames, K states, and durations to D."""

    records: int = 1
    frames: int = FRAMES
    states: int = STATES
    longest: int = LONGEST


class Work(NamedTuple):
    """A process and records log_lik (N, T, K)."""

    process: Process
    log_lik: Array


def work(size: Size) -> Work:
    """Draw Poisson stays of a tenth to a half of D, and noisy likelihoods."""
    rng = np.random.default_rng(0)
    n_records, n_frames, n_states, longest = size
    moves = rng.dirichlet(np.ones(n_states), n_states)
    np.fill_diagonal(moves, 0.0)
    moves /= moves.sum(axis=1, keepdims=True)
    means = rng.uniform(0.1 * longest + 1.0, 0.5 * longest + 1.0, n_states)
    log_pi = np.full(n_states, -np.log(n_states))
    with np.errstate(divide="ignore"):
        log_a = np.log(moves)
    process = Process(log_pi, log_a, *Poisson(means).table(longest))
    truth = np.repeat(rng.integers(n_states, size=n_frames), longest // 3)[:n_frames]
    log_lik = 2.0 * rng.normal(size=(n_records, n_frames, n_states))
    log_lik[:, np.arange(n_frames), truth] += 2.0
    return Work(process, log_lik)


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Measure all in turns, on one thread."""
    return [*_rivals(rounds), *_batches(rounds), *_growth(rounds)]


def _rivals(rounds: int) -> list[tuple[str, str, str]]:
    from hmmlearn import _hmmc

    process, log_lik = work(Size())
    chain = (np.exp(process.log_pi), np.exp(process.log_a), log_lik[0])

    def chain_both() -> None:
        _hmmc.forward_log(*chain)
        _hmmc.backward_log(*chain)

    took = in_turns(
        {
            "viterbi": lambda: viterbi(process, log_lik),
            "plain viterbi": lambda: plain_viterbi(process, log_lik[0]),
            "chain viterbi": lambda: _hmmc.viterbi(*chain),
            "marginals": lambda: marginals(process, log_lik),
            "posterior": lambda: posterior(process, log_lik),
            "plain forward": lambda: plain_forward(process, log_lik[0]),
            "chain both": chain_both,
        },
        rounds=rounds,
    )
    size = "T=10,000 K=20 D=100"
    return [
        (
            f"HSMM Viterbi with its path, {size}",
            _ms(took["viterbi"]),
            _beside(took, "viterbi", "plain viterbi", "chain viterbi", "100 ms"),
        ),
        (
            f"HSMM forward, backward, occupancy and change points, {size}",
            _ms(took["marginals"]),
            _beside(took, "marginals", "plain forward", "chain both", "400 ms"),
        ),
        (
            f"the same with every count of an EM step, {size}",
            _ms(took["posterior"]),
            "limit 400 ms",
        ),
    ]


def _beside(
    took: dict[str, Timing], ours: str, plain: str, chain: str, limit: str
) -> str:
    """Say how ours did: `plain` gives no path, and of both messages the forward one."""
    ratio = paired_ratio(took[plain], took[ours])
    return (
        f"numpy, {plain} in logs {_ms(took[plain])}: x{ratio:.2f}; "
        f"hmmlearn's plain {chain} {_ms(took[chain])}; limit {limit}"
    )


def _batches(rounds: int) -> list[tuple[str, str, str]]:
    """One long record, and its frames as a hundred records."""
    process, log_lik = work(Size(frames=100_000))
    many = np.ascontiguousarray(log_lik.reshape(100, 1_000, STATES))
    rows = []
    acts: dict[str, Callable[..., object]] = {
        "forward, backward and occupancy": marginals,
        "Viterbi": viterbi,
    }
    for name, act in acts.items():
        took = in_turns(
            {
                "many": functools.partial(act, process, many),
                "one": functools.partial(act, process, log_lik),
            },
            rounds=max(1, rounds // 3),
        )
        ratio = paired_ratio(took["one"], took["many"])
        rows.append(
            (
                f"HSMM {name}, 100 sequences of 1,000 at once",
                _ms(took["many"]),
                f"one of 100,000 {_ms(took['one'])}: x{ratio:.2f}; limit x1",
            )
        )
    return rows


def _growth(rounds: int) -> list[tuple[str, str, str]]:
    """Exponents of T, D and K: the slope of log least time by log size."""
    acts: dict[str, Callable[..., object]] = {
        "forward": log_evidence,
        "Viterbi": viterbi,
    }
    sizes = {
        "T 5,000 to 40,000": ([5_000, 10_000, 20_000, 40_000], "frames"),
        "D 50 to 400": ([50, 100, 200, 400], "longest"),
        "K 5 to 50": ([5, 10, 20, 50], "states"),
    }
    rows = []
    for what, act in acts.items():
        for name, (values, field) in sizes.items():
            given = {value: work(Size()._replace(**{field: value})) for value in values}
            took = in_turns(
                {
                    str(value): functools.partial(act, *one)
                    for value, one in given.items()
                },
                rounds=rounds,
            )
            least = [min(took[str(value)].seconds) for value in values]
            slope = float(np.polyfit(np.log(values), np.log(least), 1)[0])
            times = ", ".join(f"{1e3 * second:.0f}" for second in least)
            rows.append(
                (
                    f"HSMM {what}, growth with {name}",
                    f"exponent {slope:.2f} ({times} ms)",
                    "linear: 1",
                )
            )
    return rows


def plain_viterbi(process: Process, log_lik: Array) -> float:
    """Give the best score, one frame at a time over a window of D."""
    window, before = _window(process, log_lik)
    summed = log_lik.cumsum(axis=0)
    for t, total in enumerate(summed):
        ends = (before[t : t + len(window)] + window).max(axis=0) + total
        starts = (ends[:, None] + process.log_a).max(axis=0)
        before[t + len(window)] = starts - total
    return float(ends.max())


def plain_forward(process: Process, log_lik: Array) -> float:
    """Give the forward message at the end, one frame at a time over a window of D."""
    window, before = _window(process, log_lik)
    summed = log_lik.cumsum(axis=0)
    for t, total in enumerate(summed):
        terms = before[t : t + len(window)] + window
        ends = _logsumexp(terms) + total
        before[t + len(window)] = _logsumexp(ends[:, None] + process.log_a) - total
    return float(np.logaddexp.reduce(ends))


def _window(process: Process, log_lik: Array) -> tuple[Array, Array]:
    """Give durations, the longest first, and room for the starts before each frame."""
    longest, n_states = process.log_d.shape
    before = np.full((longest + len(log_lik), n_states), -1e300)
    before[longest - 1] = process.log_pi
    return process.log_d[::-1].copy(), before


def _logsumexp(terms: Array) -> Array:
    top = terms.max(axis=0)
    summed: Array = np.log(np.exp(terms - top).sum(axis=0)) + top
    return summed


def _ms(timing: Timing) -> str:
    return f"{1e3 * timing.median:.0f} ms (least {1e3 * min(timing.seconds):.0f})"
