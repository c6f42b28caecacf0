"""What a state says about a frame: a density of the observation, given the state.

A density p(y | k) is what messages multiply. A classifier's softmax over states is
p(k | y) and no density: it counts the states' shares a second time, so it has no place
here. Divide it by the shares first, if that is all there is.

A family keeps its prior with it, as pseudo-observations: so many frames of a made-up
record that every state has seen before. The posterior mode is then a mean over seen and
made-up frames, a state that nobody visits falls back on the made-up ones, and

    log_prior = sum of the made-up frames' expected log p(y | k)

is what EM adds to the evidence, up to a constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from typing_extensions import Self

    from models.shapes import Array, IntArray

Observations = npt.NDArray[Any]


class Emission(Protocol):
    """A family of densities, one for each of K states."""

    @property
    def n_states(self) -> int:
        """Count the states."""
        ...

    @property
    def log_prior(self) -> float:
        """Log density of these parameters beforehand, up to a constant."""
        ...

    def log_lik(self, observations: Observations, lengths: IntArray) -> Array:
        """Log p(y | k) of each frame: (N, T, ..) -> (N, T, K), 0 in the padding."""
        ...

    def refit(
        self, observations: Observations, lengths: IntArray, weights: Array
    ) -> Self:
        """Maximise sum_ntk weights log p(y | k) + log_prior: weights (N, T, K)."""
        ...

    def draw(self, states: IntArray, rng: np.random.Generator) -> Observations:
        """Draw an observation for each state of any array: (..) -> (.., ..).

        0 for a state of -1, which marks padding.
        """
        ...


def checked_indices(
    name: str, values: Observations, lengths: IntArray, n_values: int
) -> IntArray:
    """Give values (N, T) as int64 with 0 in the padding; refuse what is no index."""
    fits = values.ndim == 2 and values.dtype.kind in "iu"
    if not fits or len(values) != len(lengths):
        message = (
            f"{name} are integers (N, T), one row for each of the "
            f"{len(lengths)} lengths: found {values.dtype} {values.shape}"
        )
        raise ValueError(message)
    kept = inside(lengths, values.shape[1])
    wrong = kept & ((values < 0) | (values >= n_values))
    if wrong.any():
        n, t = np.argwhere(wrong)[0]
        message = (
            f"{name} hold {values[n, t]} at sequence {n}, frame {t}: "
            f"{name} are 0 .. {n_values - 1}"
        )
        raise ValueError(message)
    return np.where(kept, values, 0).astype(np.int64)


def inside(lengths: IntArray, n_steps: int) -> npt.NDArray[np.bool_]:
    """Tell frames from padding: lengths (N,) -> (N, T)."""
    within: npt.NDArray[np.bool_] = np.arange(n_steps) < lengths[:, None]
    return within
