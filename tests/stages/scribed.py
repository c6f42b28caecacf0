"""Codes of simulated animals with a known truth, as `train` would hand them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from models.leakage.scale import Scale
from models.shapes import Array, IntArray
from models.training.architecture import Architecture, built
from stages import exchange, trained
from stages.exchange import Codes

LABELS = ("sit", "walk", "run", "dig")
N_CODES = 24
N_DIMS = 8


def scribe(folder: Path, codes: Codes) -> dict[str, Path]:
    """Write codes, and a model whose codebook lies where their behaviours do."""
    folder.mkdir(parents=True, exist_ok=True)
    places = {"train/codes.npz": folder / "codes.npz"}
    places["train/model.pt"] = folder / "model.pt"
    exchange.write(places["train/codes.npz"], codes)
    plan = Architecture(len(LABELS), codes=N_CODES, dims=N_DIMS, width=8)
    network = built(plan)
    codebook = torch.from_numpy(vectors()).float()
    cast("Any", network.quantiser).codebook.copy_(codebook)
    scale = Scale(np.zeros((1, 9, 2, 1)), np.ones((1, 9, 2, 1)), "none")
    config = {"architecture": plan._asdict() | {"levels": list(plan.levels)}}
    made = trained.Trained(network, scale, LABELS, 100.0, config)
    trained.write(places["train/model.pt"], made)
    return places


def vectors() -> Array:
    """Six codes for each behaviour, about a corner of its own: (C, Z)."""
    rng = np.random.default_rng(1)
    corner = 4.0 * np.eye(len(LABELS), N_DIMS).repeat(N_CODES // len(LABELS), axis=0)
    placed: Array = corner + 0.5 * rng.standard_normal((N_CODES, N_DIMS))
    return placed


def recorded(n_frames: int = 2000, parts: tuple[str, ...] = ("train", "test")) -> Codes:
    """Four recordings of each part, of many lengths, in bouts of 1 to 4 seconds."""
    rng = np.random.default_rng(0)
    rows = [part for part in parts for _ in range(4)]
    truth = np.stack([_bouts(n_frames, rng) for _ in rows])
    own = N_CODES // len(LABELS)
    codes = truth * own + rng.integers(0, own, truth.shape)
    lost = rng.random(codes.shape) < 0.05
    codes = np.where(lost, rng.integers(0, N_CODES, codes.shape), codes)
    lengths = n_frames - np.array([0, 5, n_frames // 2, 99] * len(parts))
    past = np.arange(n_frames) >= lengths[:, None]
    codes, truth = (np.where(past, -1, each) for each in (codes, truth))
    who = np.array([f"dog {n}" for n in range(len(rows))])
    return Codes(
        codes=codes.astype(np.int16),
        truth=truth.astype(np.int16),
        lengths=lengths,
        part=np.array(rows),
        subject=who,
        recording=who,
        n_codes=N_CODES,
        rate_hz=100.0,
        labels=np.array(LABELS),
    )


def _bouts(n_frames: int, rng: np.random.Generator) -> IntArray:
    """Behave for some frames, none of it twice in a row."""
    labels = [int(rng.integers(len(LABELS)))]
    for length in rng.integers(100, 400, n_frames // 100):
        last = labels[-1]
        other = int((last + rng.integers(1, len(LABELS))) % len(LABELS))
        labels += [other] * int(length)
    return np.array(labels[1 : n_frames + 1])
