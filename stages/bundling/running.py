"""Run what was written, as a device would: onnxruntime on one thread, and the host."""

from __future__ import annotations

import os
import runpy
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.bundles import contents
from pipeline.bundles.manifest import Parity
from stages.bundling.golden import Golden, Single

WARM = 20


class Latency(NamedTuple):
    """Milliseconds for one window on one thread."""

    median: float
    p99: float


def session(path: Path) -> Any:
    """Open a graph on one thread; nothing is sent home."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    providers = ["CPUExecutionProvider"]
    return onnxruntime.InferenceSession(str(path), options, providers=providers)


def given(path: Path, windows: Single) -> list[Any]:
    """Run a graph on windows (N, V, P, T) one by one; give its outputs together."""
    opened = session(path)
    (takes,) = opened.get_inputs()
    each = [opened.run(None, {takes.name: one[None]}) for one in windows]
    return [np.concatenate(parts) for parts in zip(*each, strict=True)]


class Proof(NamedTuple):
    """Parity as the manifest says it; and the largest difference of a probability."""

    parity: Parity
    probability: float


def proof(bundle: Path, wanted: Golden, left: int) -> Proof:
    """Run both ways on windows, and hold them against the network in torch.

    left: how many windows were left out, as undecided
    """
    codes, logits = given(bundle / contents.MODEL, wanted.windows)
    host = loaded(bundle / contents.DECODER)(bundle / contents.HOST)
    (latent,) = given(bundle / contents.ENCODER, host.standardise(wanted.windows))
    found = host.decode(latent)
    return Proof(
        Parity(
            windows=len(codes),
            codes=codes.size,
            codes_differing=int((codes != wanted.codes).sum()),
            logits=_gap(logits, wanted.logits),
            host_codes_differing=int((found.codes != wanted.codes).sum()),
            host_logits=_gap(found.logits, wanted.logits),
            undecided=left,
        ),
        max(
            _gap(_softmax(logits), wanted.probabilities),
            _gap(found.probabilities, wanted.probabilities),
        ),
    )


def latency(model: Path, windows: Single, runs: int) -> Latency:
    """Time the model on one window after the other."""
    opened = session(model)
    took = []
    for turn in range(WARM + runs):
        given = {"windows": windows[turn % len(windows)][None]}
        began = time.perf_counter_ns()
        opened.run(None, given)
        took.append(time.perf_counter_ns() - began)
    milliseconds = np.array(took[WARM:]) / 1e6
    return Latency(
        float(np.median(milliseconds)), float(np.quantile(milliseconds, 0.99))
    )


def loaded(path: Path) -> Any:
    """Load the decoder's Host from where it was written; leave nothing beside it."""
    return runpy.run_path(str(path))["Host"]


def _gap(found: Any, wanted: Any) -> float:
    return float(np.abs(found.astype(np.float64) - wanted).max())


def _softmax(logits: Single) -> Single:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Single = raised / raised.sum(axis=1, keepdims=True)
    return shares
