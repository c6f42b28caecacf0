"""Have the chains met? Rank-normalised split R-hat, and the effective sample size.

(Vehtari, Gelman, Simpson, Carpenter and Buerkner 2021.) Each chain is split in two;
the draws are replaced by the normal scores of their ranks, so that heavy tails cannot
hide a difference; the folded draws, |x - median|, show chains that differ in spread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from models.hdp import doors

if TYPE_CHECKING:
    from models.shapes import Array


def r_hat(chains: Array) -> float:
    """Split R-hat of chains (M chains, draws): the larger of bulk and folded.

    Near 1 when chains agree; above 1.01 go on sweeping. Traces that never move give 1
    if they are all equal and infinity if they are not.
    """
    chains = _checked(chains)
    folded = np.abs(chains - np.median(chains))
    return max(_r_hat(_scores(_halves(x))) for x in (chains, folded))


def effective_size(chains: Array) -> float:
    """Bulk effective sample size of chains (M chains, draws), of normal scores.

    At most M N log10(M N), as negative autocorrelation may raise it above M N draws.
    Traces that never move count as one draw.
    """
    scores = _scores(_halves(_checked(chains)))
    if not _moves(scores):
        return 1.0
    n_chains, n_draws = scores.shape
    total = n_chains * n_draws
    within = scores.var(axis=1, ddof=1).mean()
    covariance = np.mean([_autocovariance(row) for row in scores], axis=0)
    rho = 1.0 - (within - covariance * n_draws / (n_draws - 1.0)) / _pooled(scores)
    rho[0] = 1.0
    return float(min(total / _time(rho), total * np.log10(total)))


def _checked(chains: Array) -> Array:
    chains = doors.finite(chains, "MN", "chains")
    if len(chains) == 0 or chains.shape[1] < 4:
        raise ValueError(
            f"chains has shape {chains.shape}: 1 chain of 4 draws is the least"
        )
    return chains


def _halves(chains: Array) -> Array:
    """First and last halves of each chain as chains; a middle draw is left out."""
    half = chains.shape[1] // 2
    return np.concatenate([chains[:, :half], chains[:, -half:]])


def _scores(chains: Array) -> Array:
    """Normal scores of the ranks over all chains (Blom 1958)."""
    ranks = stats.rankdata(chains).reshape(chains.shape)
    scores: Array = special.ndtri((ranks - 0.375) / (chains.size + 0.25))
    return scores


def _pooled(scores: Array) -> float:
    """Variance of all draws, chains' means included."""
    n_draws = scores.shape[1]
    within = scores.var(axis=1, ddof=1).mean()
    between = scores.mean(axis=1).var(ddof=1)
    return float(within * (n_draws - 1.0) / n_draws + between)


def _r_hat(scores: Array) -> float:
    if not _moves(scores):
        return 1.0 if (scores == scores[0, 0]).all() else np.inf
    within = scores.var(axis=1, ddof=1).mean()
    return float(np.sqrt(_pooled(scores) / within))


def _moves(scores: Array) -> bool:
    """Any chain does; asked of the draws, as a variance is rounded above zero."""
    return bool((scores != scores[:, :1]).any())


def _autocovariance(row: Array) -> Array:
    """Autocovariance at all lags, over n: by the Fourier transform, n log n."""
    n_draws = len(row)
    spectrum = np.fft.rfft(row - row.mean(), n=2 * n_draws)
    power = np.fft.irfft(np.abs(spectrum) ** 2, n=2 * n_draws)[:n_draws]
    covariance: Array = power / n_draws
    return covariance


def _time(rho: Array) -> float:
    """Integrated autocorrelation time, cut by Geyer's monotone sequence (1992).

    Sums of neighbours rho_2t + rho_2t+1 are above zero and fall in any reversible
    chain; from where they do not, it is noise.
    """
    pairs = rho[: len(rho) // 2 * 2].reshape(-1, 2).sum(axis=1)
    below = np.flatnonzero(pairs <= 0.0)
    pairs = pairs[: below[0] if below.size else len(pairs)]
    falling = np.minimum.accumulate(pairs)
    return float(max(2.0 * falling.sum() - 1.0, 1e-12))
