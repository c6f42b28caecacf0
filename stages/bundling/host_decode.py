"""Behaviours from what an accelerator gives: on the device, with numpy alone.

    host = Host("host.npz")
    standard = host.standardise(windows)      raw windows (N, V, P, T)
    latent = ...                              encoder.onnx, or its HEF, on `standard`
    found = host.decode(latent)               (N, Z, T), or (N, Z, 1, T)

A HEF gives its map with channels last: turn (N, 1, T, Z) into (N, Z, T) first.
`python host_decode.py` decodes golden.npz beside it and says whether all is as it was.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-4  # of logits: another machine adds up in another order


class Found(NamedTuple):
    """What is known of N windows of T frames.

    codes (N, T) int32
    logits, probabilities (N, K): of the behaviour of each window
    frames (N, T, K): probabilities of the behaviour of each frame
    """

    codes: Array
    logits: Array
    probabilities: Array
    frames: Array


class Host:
    """The part of the network that was cut off, as tables."""

    def __init__(self, path: str | Path) -> None:
        """Read host.npz."""
        with np.load(path, allow_pickle=False) as arrays:
            self._arrays = {name: arrays[name] for name in arrays.files}

    def standardise(self, windows: Array) -> Array:
        """Give raw windows (N, V, P, T) in the units the encoder was trained in."""
        mean, deviation = self._arrays["mean"], self._arrays["deviation"]
        standard: Array = ((windows - mean) / deviation).astype(np.float32)
        return standard

    def decode(self, latent: Array) -> Found:
        """Find codes, and what they say, of the encoder's maps."""
        latent = latent.reshape(len(latent), latent.shape[1], latent.shape[-1])
        codes = self._codes(latent)
        logits = self._arrays["windows"][codes].mean(axis=1)
        frames = self._arrays["frames"][codes]
        return Found(codes, logits, _softmax(logits), _softmax(frames))

    def _codes(self, latent: Array) -> Array:
        """Find the nearest code, or the point of the grid: (N, Z, T) -> (N, T)."""
        if "moved" in self._arrays:
            scores = np.moveaxis(latent, 1, 2) @ self._arrays["moved"].T
            codes: Array = (scores + self._arrays["bias"]).argmax(axis=-1)
        else:
            steps = self._arrays["thresholds"][:, None, :, None]
            level = (latent[None] >= steps).sum(axis=0)
            codes = (self._arrays["strides"][None, :, None] * level).sum(axis=1)
        return codes.astype(np.int32)


def _softmax(logits: Array) -> Array:
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Array = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def main(folder: Path) -> int:
    """Decode the golden vectors; 0 when all is as it was."""
    with np.load(folder / "golden.npz", allow_pickle=False) as golden:
        found = Host(folder / "host.npz").decode(golden["latent"])
        differing = int((found.codes != golden["codes"]).sum())
        gap = float(np.abs(found.logits - golden["logits"]).max())
        allowed = TOLERANCE * max(1.0, float(np.abs(golden["logits"]).max()))
    n_windows = len(found.codes)
    said = f"{n_windows} windows, {differing} of {found.codes.size} codes differ, "
    sys.stdout.write(f"{said}logits by {gap:.2g}\n")
    return int(differing > 0 or not gap <= allowed)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
