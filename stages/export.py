"""Pack the model into a folder that says what it is, and prove it by its own decoder.

Only what was run is claimed: the numpy decoder has parity numbers, and every other form
a device may want is listed as pending.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.first import bundle, calibration, recogniser
from models.first.bundle import Bundle, Decoded
from models.shapes import Array
from pipeline.stage import StageContext

FORMAT = 1
PENDING = ("onnx", "coreml", "hailo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How many frames of an unseen subject go along as golden vectors."""

    golden: int = 300


def run(params: Params, ctx: StageContext) -> None:
    """Fold, write, read back, compare."""
    with np.load(ctx.input("train/model.npz")) as arrays:
        model = recogniser.from_arrays(arrays)
    with np.load(ctx.input("train/sample.npz")) as arrays:
        frames = arrays["frames"][: params.golden]
    found = json.loads(ctx.input("calibration/calibration.json").read_text())
    reading = recogniser.read(model, frames)
    probs = calibration.probabilities(reading.logits, found["temperature"])
    wanted = Decoded(reading.codes, probs)

    with ctx.output("bundle/arrays.npz") as arrays_path:
        np.savez(arrays_path, **bundle.fold(model, found["temperature"])._asdict())
    with ctx.output("bundle/golden.npz") as golden_path:
        np.savez(golden_path, frames=frames, **wanted._asdict())
    decoded = bundle.decode(read_back(arrays_path), frames)
    parity = compare(decoded, wanted)
    with ctx.output("bundle/manifest.json") as path:
        files = {file.name: digest(file) for file in (arrays_path, golden_path)}
        about = {"threshold": found["threshold"], "input": list(frames.shape[1:])}
        write_manifest(path, {"files": files, "parity": parity, **about})
    ctx.metric(**parity, size_bytes=arrays_path.stat().st_size)


def read_back(path: Path) -> Bundle:
    """Load the arrays as a device would: from the file, and nothing else."""
    with np.load(path) as arrays:
        return Bundle(**arrays)


def compare(decoded: Decoded, wanted: Decoded) -> dict[str, float]:
    """Give the largest difference of any probability, and how many codes differ."""
    gap: Array = np.abs(decoded.probabilities - wanted.probabilities)
    return {
        "parity": float(gap.max()),
        "codes_differing": int((decoded.codes != wanted.codes).sum()),
    }


def digest(path: Path) -> str:
    """Give the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(path: Path, about: dict[str, object]) -> None:
    """Say what the bundle is, what was run, and what was not."""
    targets = {"numpy": "ran", **dict.fromkeys(PENDING, "pending")}
    manifest = {"format": FORMAT, "targets": targets, **about}
    path.write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n")
