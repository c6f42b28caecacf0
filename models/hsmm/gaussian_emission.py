"""Features as observations: each state has a Gaussian, its covariance diagonal or full.

The likelihood alone has no maximum: a state that sits on one frame with no variance is
infinitely likely. So the prior is never empty: `strength` made-up frames whose mean and
covariance are those of all frames together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from models.hsmm.emission import inside
from models.shapes import BoolArray, einsum

if TYPE_CHECKING:
    from models.hsmm.emission import Observations
    from models.shapes import Array, IntArray

LOG_2PI = float(np.log(2.0 * np.pi))
# Correlations worse conditioned than this leave a density no digits.
ALIKE = 1e14


class Made(NamedTuple):
    """The made-up frames that are the prior.

    mean (F,), covariance (F, F), strength: how many frames they count as
    """

    mean: Array
    covariance: Array
    strength: float


class GaussianEmission(NamedTuple):
    """p(y | k) = N(y; mean[k], covariance[k]).

    mean (K, F), covariance (K, F, F), prior: made-up frames, shape: what a covariance
    may be. With "diagonal" the covariances hold zeros off the diagonal.
    """

    mean: Array
    covariance: Array
    prior: Made
    shape: Literal["diagonal", "full"] = "diagonal"

    @property
    def n_states(self) -> int:
        """Count the states."""
        return len(self.mean)

    @property
    def log_prior(self) -> float:
        """Give strength * sum_k E[log p(y | k)] over made-up frames y.

        That is log N at their mean less half the trace of covariance[k]^-1 theirs: a
        normal-inverse-Wishart density, up to a constant.
        """
        at_mean = self._log_density(self.prior.mean[None])[0]
        spread = einsum(
            "kfg,gf->k",
            np.linalg.inv(self.covariance).astype(np.float64),
            self.prior.covariance,
        )
        return float(self.prior.strength * np.sum(at_mean - 0.5 * spread))

    def log_lik(self, observations: Observations, lengths: IntArray) -> Array:
        """Log density of each frame: (N, T, F) -> (N, T, K), 0 in the padding."""
        features, kept = checked_features(observations, lengths, self.mean.shape[1])
        found = np.zeros((*kept.shape, self.n_states))
        found[kept] = self._log_density(features[kept])
        return found

    def _log_density(self, rows: Array) -> Array:
        """Log density of rows (B, F) in each state: (B, K), one state at a time.

        Whitened by the inverse of the Cholesky factor, so that no covariance is ever
        inverted, nor a difference of two large squares taken.
        """
        factor = np.linalg.cholesky(self.covariance)
        log_volume = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
        found: Array = np.empty((len(rows), self.n_states))
        for k, whitens in enumerate(np.linalg.inv(factor)):
            white = (rows - self.mean[k]) @ whitens.T
            found[:, k] = -0.5 * einsum("bf,bf->b", white, white) - log_volume[k]
        found -= 0.5 * LOG_2PI * rows.shape[1]
        return found

    def refit(
        self, observations: Observations, lengths: IntArray, weights: Array
    ) -> GaussianEmission:
        """Give the posterior mode: mean and covariance over seen and made-up frames.

        mean[k] = (sum w y + s m) / (sum w + s), and the covariance is the mean of
        (y - mean[k]) (y - mean[k])' over both, with s, m of the made-up frames.
        """
        features, kept = checked_features(observations, lengths, self.mean.shape[1])
        rows, heavy = features[kept] - self.prior.mean, weights[kept]
        total = heavy.sum(axis=0) + self.prior.strength
        shift = (heavy.T @ rows) / total[:, None]
        scatter = np.empty_like(self.covariance)
        for k in range(self.n_states):
            away = rows - shift[k]
            made = self.prior.covariance + np.outer(shift[k], shift[k])
            spread = (heavy[:, k, None] * away).T @ away
            scatter[k] = (spread + self.prior.strength * made) / total[k]
        if self.shape == "diagonal":
            scatter *= np.eye(rows.shape[1])
        return self._replace(mean=self.prior.mean + shift, covariance=scatter)

    def draw(self, states: IntArray, rng: np.random.Generator) -> Array:
        """Draw features for each state: (..) -> (.., F), 0 for -1."""
        noise = rng.standard_normal((*states.shape, self.mean.shape[1]))
        factor = np.linalg.cholesky(self.covariance)
        drawn: Array = np.zeros_like(noise)
        for k in range(self.n_states):
            there = states == k
            drawn[there] = self.mean[k] + noise[there] @ factor[k].T
        return drawn


def pooled(
    features: Observations,
    lengths: IntArray,
    n_states: int,
    *,
    strength: float = 1.0,
    shape: Literal["diagonal", "full"] = "diagonal",
) -> GaussianEmission:
    """Give K states that are all the Gaussian of all frames, as a form to refit.

    A feature that never changes is refused, for its density is infinite in every state;
    so are, for full covariances, features that are sums of each other.
    """
    if n_states < 1 or shape not in {"diagonal", "full"}:
        message = f"n_states is {n_states} and shape {shape!r}: 1 or more is wanted, "
        raise ValueError(message + "and 'diagonal' or 'full'")
    if not 0.0 < strength < np.inf:
        message = (
            f"strength is {strength}: it must be finite and above 0, "
            "for without a prior the likelihood of a Gaussian has no maximum"
        )
        raise ValueError(message)
    checked, kept = checked_features(features, lengths, features.shape[-1])
    rows = checked[kept]
    if not len(rows):
        raise ValueError("lengths are all 0: one frame or more is wanted")
    covariance = np.atleast_2d(np.cov(rows.T, bias=True))
    still = np.flatnonzero(np.ptp(rows, axis=0) == 0.0)
    if len(still):
        raise ValueError(f"feature {still[0]} never changes: leave it out")
    if shape == "diagonal":
        covariance = covariance * np.eye(rows.shape[1])
    elif np.linalg.cond(np.atleast_2d(np.corrcoef(rows.T))) > ALIKE:
        raise ValueError(
            "features are sums of each other, to the last digits: leave some out, or "
            "take shape 'diagonal'"
        )
    made = Made(rows.mean(axis=0), covariance, strength)
    return GaussianEmission(
        np.tile(made.mean, (n_states, 1)),
        np.tile(made.covariance, (n_states, 1, 1)),
        made,
        shape,
    )


def checked_features(
    features: Observations, lengths: IntArray, n_features: int
) -> tuple[Array, BoolArray]:
    """Give features (N, T, F) as float64 and which frames are no padding (N, T)."""
    wanted = features.ndim == 3 and features.shape[-1] == n_features
    if not wanted or len(features) != len(lengths) or features.dtype.kind not in "fiu":
        message = (
            f"features are numbers (N, T, {n_features}), one row for each of the "
            f"{len(lengths)} lengths: found {features.dtype} {features.shape}"
        )
        raise ValueError(message)
    kept = inside(lengths, features.shape[1])
    wrong = kept[..., None] & ~np.isfinite(features)
    if wrong.any():
        n, t, f = np.argwhere(wrong)[0]
        message = (
            f"features hold {features[n, t, f]} at sequence {n}, frame {t}, "
            f"feature {f}: features must be finite"
        )
        raise ValueError(message)
    return features.astype(np.float64), kept
