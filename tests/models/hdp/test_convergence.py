"""R-hat and effective size on chains whose autocorrelation is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal, stats

from models.chance import stream
from models.hdp import convergence
from models.shapes import Array


def autoregressive(rho: float, n_chains: int, n_draws: int, seed: int) -> Array:
    """AR(1) chains in their stationary law."""
    rng = stream(seed, "chains")
    noise = rng.normal(size=(n_chains, n_draws)) * np.sqrt(1.0 - rho**2)
    noise[:, 0] = rng.normal(size=n_chains)
    drawn: Array = signal.lfilter([1.0], [1.0, -rho], noise, axis=1)
    return drawn


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.6, 0.9])
def test_effective_size_is_that_of_an_autoregression(rho: float) -> None:
    """M N (1 - rho) / (1 + rho): over 20 seeds within a tenth."""
    found = [
        convergence.effective_size(autoregressive(rho, 4, 2_000, seed))
        for seed in range(20)
    ]

    wanted = 8_000 * (1.0 - rho) / (1.0 + rho)
    # One estimate varies by about 10 %, so the mean of 20 by 2 to 3 %.
    assert np.mean(found) == pytest.approx(wanted, rel=0.1)


def scores_of(chains: Array) -> Array:
    """Normal scores of the halves of chains, by the paper's formula."""
    half = chains.shape[1] // 2
    halves = np.vstack([chains[:, :half], chains[:, -half:]])
    ranks = stats.rankdata(halves).reshape(halves.shape)
    scores: Array = stats.norm.ppf((ranks - 0.375) / (halves.size + 0.25))
    return scores


def plain_r_hat(z: Array) -> float:
    """Root of the pooled variance of scores over that within chains."""
    within = z.var(axis=1, ddof=1).mean()
    between = z.mean(axis=1).var(ddof=1)
    return float(np.sqrt((z.shape[1] - 1) / z.shape[1] + between / within))


def test_figures_are_those_of_their_formulas() -> None:
    """Both written out with loops, on chains of an odd length that hardly agree."""
    chains = autoregressive(0.7, 3, 101, 5)
    chains[0] += 0.4
    z = scores_of(chains)
    n_draws, within = z.shape[1], z.var(axis=1, ddof=1).mean()
    pooled = within * (n_draws - 1) / n_draws + z.mean(axis=1).var(ddof=1)

    lagged = [
        np.mean(
            [
                (x[: n_draws - t] * x[t:]).sum() / (n_draws - 1)
                for x in z - z.mean(1, keepdims=True)
            ]
        )
        for t in range(n_draws)
    ]
    rho = [1.0, *(1.0 - (within - lag) / pooled for lag in lagged[1:])]
    time, least = -1.0, np.inf
    for t in range(0, n_draws - 1, 2):
        if rho[t] + rho[t + 1] <= 0.0:
            break
        least = min(least, rho[t] + rho[t + 1])
        time += 2.0 * least

    folded = scores_of(np.abs(chains - np.median(chains)))
    wanted = max(plain_r_hat(z), plain_r_hat(folded))
    assert convergence.effective_size(chains) == pytest.approx(z.size / time)
    assert convergence.r_hat(chains) == pytest.approx(wanted)


def test_chains_of_one_law_have_met() -> None:
    """R-hat of independent draws is below 1.01."""
    assert convergence.r_hat(autoregressive(0.0, 4, 1_000, 1)) < 1.01


@pytest.mark.parametrize("change", ["place", "spread", "drift", "tails"])
def test_chains_that_differ_are_noticed(change: str) -> None:
    """In place, in spread alone, by drifting, and under Cauchy tails."""
    chains = autoregressive(0.0, 4, 500, 2)
    if change == "place":
        chains[0] += 1.0
    if change == "spread":
        chains[0] *= 3.0
    if change == "drift":
        chains += np.linspace(0.0, 2.0, 500)
    if change == "tails":
        chains = stream(3, "tails").standard_cauchy((4, 500))
        chains[0] += 2.0

    assert convergence.r_hat(chains) > 1.05


def test_ranks_make_the_scale_of_a_trace_irrelevant() -> None:
    """A monotone change of all draws changes nothing but the folding's median."""
    chains = autoregressive(0.5, 3, 400, 4)

    one = convergence.effective_size(chains)
    other = convergence.effective_size(np.exp(5.0 * chains))

    assert one == pytest.approx(other, rel=1e-12)


def test_traces_that_never_move_have_met_only_if_they_are_equal() -> None:
    """Equal: 1. Different: infinity. One draw in both cases.

    A hundred equal scores have a mean that is rounded, and a variance above zero.
    """
    for n_draws in (8, 100):
        equal = np.ones((2, n_draws))
        apart = np.repeat([[3.0], [5.0], [7.0]], n_draws, axis=1)
        assert convergence.r_hat(equal) == 1.0
        assert convergence.r_hat(apart) == np.inf
        assert convergence.effective_size(equal) == 1.0
        assert convergence.effective_size(apart) == 1.0


@pytest.mark.parametrize(
    ("chains", "message"),
    [
        (np.ones((1, 3)), "1 chain of 4 draws"),
        (np.ones((0, 9)), "1 chain of 4 draws"),
        (np.array([[1.0, 2.0, np.nan, 3.0]]), r"chains holds nan at \(0, 2\)"),
        (np.ones(9), r"\(M, N\) is wanted"),
    ],
)
def test_traces_that_are_none_are_refused(chains: Array, message: str) -> None:
    """By what they hold."""
    with pytest.raises(ValueError, match=message):
        convergence.r_hat(chains)
