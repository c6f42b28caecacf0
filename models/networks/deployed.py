"""A trained network as a device runs it: two graphs, and what the host needs besides.

    whole   raw windows -> codes, logits over the temperature     for a CPU
    front   windows in standard units -> the map at the cut       for an accelerator

The cut is the last map before the quantiser, whose operators accelerators refuse. What
comes behind it needs no network: a frame's logits depend on its code alone, and the
window's are their mean, since its head is linear. So the rest is two tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import torch

from models.leakage.scale import Scale
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.encoder import WINDOW
from models.networks.folding import folded
from models.networks.onnx_bricks import write
from models.networks.onnx_codes import lookup_of, parts, quantise
from models.networks.onnx_writer import FLOAT, WHOLE, Graph, Kind
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.hostside import thresholds

Single = npt.NDArray[np.float32]
CUT = "latent"
N_CHANNELS, N_PLACES, N_FRAMES = WINDOW
WINDOWS: Kind = (FLOAT, (1, *WINDOW))


class Deployed(NamedTuple):
    """What is exported of a network.

    host: arrays by name, as the host's decoder reads them:
        mean, deviation (V, P, 1): of raw windows
        moved (C, Z), bias (C,): a code's score is z . moved_c + bias_c; or
        thresholds (R, Z), strides (Z,): of a grid
        frames, windows (C, K): logits over the temperature of a frame, and of a window
        that is this code throughout
    """

    whole: onnx.ModelProto
    front: onnx.ModelProto
    host: dict[str, Single]


def deployed(network: Conv2dVQ, scale: Scale, temperature: float) -> Deployed:
    """Export a network at rest, its batch norms folded; logits are over temperature.

    Raise ValueError for a part that has no exported form, or a temperature that is not
    a positive number.
    """
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature is {temperature}: it must be positive, finite")
    rest = folded(network)
    return Deployed(
        _whole(rest, scale, temperature),
        _front(rest),
        {**_units(scale), **_rule(rest), **_tables(rest, temperature)},
    )


def _whole(network: Conv2dVQ, scale: Scale, temperature: float) -> onnx.ModelProto:
    """Write all of it but the decoder, which only training needs."""
    graph = Graph("whole")
    units = _units(scale)
    mean = graph.hold("mean", units["mean"][None])
    deviation = graph.hold("deviation", units["deviation"][None])
    centred = graph.add("Sub", "centred", "windows", mean)
    x = graph.add("Div", "standard", centred, deviation)
    _, vectors = quantise(graph, network.quantiser, _to_cut(graph, network, x))
    head = network.classifier
    hidden = write(graph, head.hidden, vectors, "classifier/hidden")
    active = graph.add("Relu", "classifier/active", hidden)
    mean = write(graph, head.mean, active, "classifier/mean")
    scores = write(graph, head.window, mean, "classifier/window")
    flat = graph.add("Flatten", "classifier/flat", scores)
    heat = graph.hold("temperature", np.array(temperature, np.float32))
    graph.add("Div", "logits", flat, heat)
    n_behaviours = head.window.conv.out_channels
    gives = {"codes": (WHOLE, (1, N_FRAMES)), "logits": (FLOAT, (1, n_behaviours))}
    return graph.model({"windows": WINDOWS}, gives)


def _front(network: Conv2dVQ) -> onnx.ModelProto:
    """Write what comes before the cut."""
    graph = Graph("front")
    _to_cut(graph, network, "standard")
    n_dims = parts(network.quantiser).rule.code_dim
    gives = {CUT: (FLOAT, (1, n_dims, 1, N_FRAMES))}
    return graph.model({"standard": WINDOWS}, gives)


def _to_cut(graph: Graph, network: Conv2dVQ, x: str) -> str:
    """Write the encoder, and the quantiser's linear map where it has one."""
    *body, last = network.encoder.body.named_children()
    for place, part in body:
        x = write(graph, part, x, f"encoder/{place}")
    project = parts(network.quantiser).project
    if project is None:
        return write(graph, last[1], x, CUT)
    x = write(graph, last[1], x, f"encoder/{last[0]}")
    return write(graph, project, x, CUT)


def _units(scale: Scale) -> dict[str, Single]:
    """Give the standard units in single precision, with an axis for frames."""
    return {
        "mean": scale.mean.astype(np.float32)[..., None],
        "deviation": scale.deviation.astype(np.float32)[..., None],
    }


def _rule(network: Conv2dVQ) -> dict[str, Single]:
    """Give what the host needs to find codes."""
    rule = parts(network.quantiser).rule
    if isinstance(rule, VectorQuantizerEMA2D):
        return dict(lookup_of(rule)._asdict())
    strides = np.array(rule.grid.strides, np.float32)
    return {"thresholds": thresholds(rule.grid), "strides": strides}


@torch.no_grad()
def _tables(network: Conv2dVQ, temperature: float) -> dict[str, Single]:
    """Ask the classifier about windows that are one code throughout."""
    quantiser = network.quantiser
    n_codes = parts(quantiser).rule.num_codes
    codes = torch.arange(n_codes)[:, None]
    vectors = quantiser.embed(codes)[:, :, None]  # type: ignore[attr-defined]
    logits = network.classifier(vectors.expand(-1, -1, -1, N_FRAMES).contiguous())
    heat = np.float32(temperature)
    return {
        "frames": logits.frames[:, :, 0, N_FRAMES // 2].numpy() / heat,
        "windows": logits.window.numpy() / heat,
    }
