"""A trained network on disk, with all that is needed to use it, and nothing to run.

The file holds tensors, numbers and text alone, and is read as such: it can execute
nothing. What does not fit the network it names is refused, with what differs.
"""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from models.leakage.scale import Scale
from models.networks.checkpoint import restore
from models.networks.conv2d_vq import Conv2dVQ
from models.training.architecture import Architecture, built

KIND = "trained 1"


class Trained(NamedTuple):
    """A network at rest on the CPU, and the units and names it was trained in.

    scale: what raw windows (B, 9, 2, 100) go through before the network
    labels: the names of behaviours, in the order of the logits
    config: plain values; "architecture" is what the network was built from
    """

    network: Conv2dVQ
    scale: Scale
    labels: tuple[str, ...]
    rate_hz: float
    config: dict[str, Any]


def write(path: Path, trained: Trained) -> None:
    """Write all of it to `path`: the same bytes for the same model."""
    said = {
        "config": trained.config,
        "labels": trained.labels,
        "rate_hz": trained.rate_hz,
        "rows": trained.scale.rows,
    }
    held = {
        "kind": KIND,
        "said": json.dumps(said, sort_keys=True),
        "mean": torch.tensor(trained.scale.mean),
        "deviation": torch.tensor(trained.scale.deviation),
        "state": _state(trained.network),
    }
    # Of a full disk torch's writer says nothing that could be understood.
    body = io.BytesIO()
    torch.save(held, body)
    path.write_bytes(body.getbuffer())


def read(path: Path) -> Trained:
    """Read what `write` wrote; raise ValueError, with what differs, for anything else.

    The network is in eval mode, on the CPU.
    """
    held = _loaded(path)
    try:
        said = json.loads(held["said"])
        network = built(Architecture.of(said["config"]["architecture"]))
        restore(network, held["state"])
        mean, deviation = (held[name].numpy() for name in ("mean", "deviation"))
        return Trained(
            network.eval(),
            Scale(mean, deviation, str(said["rows"])),
            tuple(said["labels"]),
            float(said["rate_hz"]),
            said["config"],
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _refuse(path, str(error))


def _state(network: Conv2dVQ) -> dict[str, Tensor]:
    """Give the weights by name.

    A pickle tells two equal texts from one that is there twice; new ones are all apart.
    """
    held = network.state_dict().items()
    return {name.encode().decode(): each.detach().cpu() for name, each in held}


def _loaded(path: Path) -> dict[str, Any]:
    """Load plain values alone, of the right kind."""
    try:
        with path.open("rb") as file:
            held = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        _refuse(path, f"it cannot be read ({str(error)[:60] or 'it ends early'})")
    if not isinstance(held, dict) or held.get("kind") != KIND:
        _refuse(path, "it holds something else")
    return held


def _refuse(path: Path, why: str) -> NoReturn:
    """Say that this is no trained model, and why."""
    message = f"{path.name} holds no trained model: {why}; run train again"
    raise ValueError(message)
