"""Standard units, learned from the training windows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.leakage.split import digest

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray


class Scale(NamedTuple):
    """How to bring windows (B, V, P, T) to mean 0 and deviation 1.

    mean (V, P), deviation (V, P): over the windows and frames that it was fitted on
    rows: the digest of these, by which a certificate knows them
    """

    mean: Array
    deviation: Array
    rows: str

    def applied(self, windows: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Give windows (B, V, P, T) in standard units, float32."""
        windows = np.asarray(windows)
        if windows.shape[1:-1] != self.mean.shape:
            message = (
                f"windows have shape {windows.shape}: wanted (B, *{self.mean.shape}, T)"
            )
            raise ValueError(message)
        centred = windows - self.mean[None, ..., None]
        return (centred / self.deviation[None, ..., None]).astype(np.float32)


def fitted(train: npt.NDArray[Any], absent: BoolArray | None = None) -> Scale:
    """Fit a scale on the training windows (B, V, P, T) float32.

    absent (V, P): channels that were never measured; they stay as they are. Raise
    ValueError for another that never moves: nothing can be learned from it.
    """
    train = np.asarray(train)
    rows = digest(train)
    if train.ndim != 4 or not train.size:
        message = f"train has shape {train.shape}: wanted (B, V, P, T), not empty"
        raise ValueError(message)
    mean = train.mean(axis=(0, 3), dtype=np.float64)
    deviation = train.std(axis=(0, 3), dtype=np.float64)
    still = train.min(axis=(0, 3)) == train.max(axis=(0, 3))
    if absent is not None:
        mean, deviation = np.where(absent, 0.0, mean), np.where(absent, 1.0, deviation)
        still &= ~absent
    if still.any():
        channel, place = (int(i) for i in np.argwhere(still)[0])
        message = f"channel {channel} at place {place} never moves in train"
        raise ValueError(message)
    return Scale(mean, deviation, rows)
