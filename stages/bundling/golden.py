"""Golden vectors: windows, and what the network in torch makes of them."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
import torch

from models.networks.deployed import Deployed
from models.networks.encoder import WINDOW
from models.networks.onnx_codes import parts
from stages.trained import Trained

Single = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]

# How much nearer the nearest code must be than the next one, as a share of the largest
# score: libraries add up in other orders, and differ in the seventh figure.
DECIDED = 1e-5


class Sample(NamedTuple):
    """Raw windows (N, V, P, T): of training subjects, and of test subjects."""

    calibration: Single
    golden: Single


class Golden(NamedTuple):
    """What the network says of windows.

    latent (N, Z, T): the map at the cut. codes (N, T)
    logits, probabilities (N, K): over the temperature
    """

    windows: Single
    latent: Single
    codes: Codes
    logits: Single
    probabilities: Single

    def of(self, rows: npt.NDArray[np.bool_]) -> Golden:
        """Give some of the windows alone."""
        only: dict[str, Any] = {n: part[rows] for n, part in self._asdict().items()}
        return Golden(**only)


def sample(path: Path) -> Sample:
    """Read train/sample.npz; raise ValueError for anything else."""
    try:
        # Opened here, since np.load leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = Sample(*(arrays[name] for name in Sample._fields))
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        _refuse(path, str(error))
    for name, windows in found._asdict().items():
        is_float = windows.dtype == np.float32
        if windows.shape[1:] != WINDOW or not len(windows) or not is_float:
            _refuse(path, f"{name} is {windows.shape} {windows.dtype}")
        if not np.isfinite(windows).all():
            _refuse(path, f"{name} is not finite")
    return found


def golden(trained: Trained, windows: Single, temperature: float) -> Golden:
    """Ask the network in torch about raw windows (N, V, P, T)."""
    network = trained.network
    standard = torch.from_numpy(trained.scale.applied(windows))
    project = parts(network.quantiser).project
    with torch.no_grad():
        seen = network(standard)
        cut = seen.latent if project is None else project(seen.latent)
        logits = (seen.logits.window / temperature).double()
    return Golden(
        windows,
        cut[:, :, 0].numpy(),
        seen.codes.numpy(),
        logits.float().numpy(),
        logits.softmax(1).float().numpy(),
    )


def decided(latent: Single, made: Deployed) -> npt.NDArray[np.bool_]:
    """Tell of which windows (N,) no code hangs on the last figure of a sum."""
    host = made.host
    if "moved" in host:
        scores = np.einsum("nzt,cz->ntc", latent, host["moved"]) + host["bias"]
        best = np.partition(scores, -2, axis=-1)[..., -2:]
        gaps, least = best[..., 1] - best[..., 0], DECIDED * np.abs(scores).max()
        return (gaps > least).all(axis=1)  # type: ignore[no-any-return]
    steps = host["thresholds"][:, None, :, None]
    gaps, least = np.abs(latent[None] - steps).min(axis=0), np.abs(latent).max()
    return (gaps > DECIDED * least).all(axis=(1, 2))  # type: ignore[no-any-return]


def _refuse(path: Path, why: str) -> NoReturn:
    """Say what the file should have been."""
    wanted = f"windows (N, {', '.join(map(str, WINDOW))}) float32"
    message = f"{path.name} holds no sample: {why}; wanted {wanted}; run train again"
    raise ValueError(message)
