"""Fill the folder of a bundle: graphs, tables, golden vectors, words."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.networks.cost import cost
from models.networks.deployed import CUT, Deployed
from models.networks.encoder import WINDOW
from models.networks.onnx_codes import parts
from models.networks.onnx_writer import to_bytes
from models.quantisers.ema import VectorQuantizerEMA2D
from pipeline.bundles import contents
from pipeline.bundles.manifest import FORMAT
from stages.bundling import words
from stages.bundling.golden import Golden, Sample
from stages.trained import Trained

HERE = Path(__file__).parent
COMMIT = "PIPELINE_COMMIT"  # of the snapshot, which the runner names


class Content(NamedTuple):
    """All that a bundle is filled with.

    calibration: what the stage of that name found; "temperature" among it
    """

    trained: Trained
    made: Deployed
    golden: Golden
    sample: Sample
    calibration: Mapping[str, Any]


def fill(folder: Path, content: Content) -> None:
    """Write every file but those that are converted, and the manifest."""
    (folder / contents.CALIBRATION).parent.mkdir(parents=True)
    made, trained = content.made, content.trained
    (folder / contents.MODEL).write_bytes(to_bytes(made.whole))
    (folder / contents.ENCODER).write_bytes(to_bytes(made.front))
    np.savez(folder / contents.HOST, allow_pickle=False, **made.host)
    np.savez(folder / contents.GOLDEN, allow_pickle=False, **content.golden._asdict())
    standard = trained.scale.applied(content.sample.calibration)
    np.save(folder / contents.CALIBRATION, standard, allow_pickle=False)
    for name, source in (
        (contents.DECODER, "host_decode.py"),
        (contents.HOOK, "compile_hef.py"),
    ):
        (folder / name).write_bytes((HERE / source).read_bytes())
    _say(folder, content)


def quantiser(trained: Trained) -> tuple[str, int]:
    """Give what kind of quantiser it is, and how many codes it has."""
    rule = parts(trained.network.quantiser).rule
    is_book = isinstance(rule, VectorQuantizerEMA2D)
    return ("ema" if is_book else "fsq"), int(rule.num_codes)


def _say(folder: Path, content: Content) -> None:
    """Write the small files."""
    labels = dict(enumerate(content.trained.labels))
    texts = {
        contents.LABELS: _json({str(at): name for at, name in labels.items()}),
        contents.CONFIG: words.yaml(_config(content)),
        contents.METRICS: _json(_metrics(content)),
        contents.VERSION: f"{FORMAT}\n",
        contents.COMMIT: f"{os.environ.get(COMMIT) or 'unknown'}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def _config(content: Content) -> dict[str, Any]:
    """Say how the bundle is to be used."""
    kind, n_codes = quantiser(content.trained)
    return {
        "input": {"name": "windows", "shape": [1, *WINDOW], "units": "raw"},
        "rate_hz": content.trained.rate_hz,
        "outputs": {
            "codes": f"one of {n_codes} for each frame",
            "logits": "of the window, over temperature: softmax gives probabilities",
        },
        "cut": CUT,
        "quantiser": {"kind": kind, "codes": n_codes},
        "calibration": {
            name: value
            for name, value in content.calibration.items()
            if isinstance(value, bool | int | float | str)
        },
        "trained": content.trained.config,
    }


def _metrics(content: Content) -> dict[str, Any]:
    """Give the numbers that are known here; the run's own results have the others."""
    made, network = content.made, content.trained.network
    parameters, macs = cost(network, (1, *WINDOW))
    return {
        "parameters": parameters,
        "macs": macs,
        "onnx_bytes": len(to_bytes(made.whole)),
        "encoder_bytes": len(to_bytes(made.front)),
        "calibration": dict(content.calibration),
    }


def _json(told: Mapping[str, Any]) -> str:
    return json.dumps(told, indent=2) + "\n"
