"""Everything in a network, or in what it was exported to, that the rules bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from torch import fx, nn
from torch.export import ExportedProgram

from models.networks.barred import Finding
from models.networks.call import Call, judge
from models.networks.composed import Flow
from models.networks.fx_graph import graph_calls, open_axes
from models.networks.onnx_graph import OnnxModel, onnx_calls, open_onnx_axes
from models.networks.running import record
from models.networks.tree import tree


def forbidden(
    network: nn.Module | ExportedProgram | OnnxModel, *examples: object
) -> tuple[Finding, ...]:
    """Name what the rules bar, once for each kind and place; empty when all is well.

    A module is looked at twice: what it has registered, and what it calls when it runs
    on `examples`, which it needs for that. A torch.fx graph, an exported program and an
    ONNX model (an onnx.ModelProto) are read as they are.
    """
    found: Iterator[Finding]
    if isinstance(network, ExportedProgram):
        found = chain(_judged(graph_calls(network.graph_module)), open_axes(network))
    elif isinstance(network, nn.Module):
        found = _in_module(network, examples)
    elif not hasattr(network, "graph"):
        raise ValueError(
            "forbidden wants a module, an exported program or an ONNX model, "
            f"found a {type(network).__name__}"
        )
    else:
        found = chain(_judged(onnx_calls(network)), open_onnx_axes(network))
    return tuple({(f.kind, f.where): f for f in reversed(list(found))}.values())[::-1]


def _judged(graphs: Iterable[list[Call]]) -> Iterator[Finding]:
    """Judge each call alone, and then what the calls of one graph compose."""
    for calls in graphs:
        yield from judge(calls)
        yield from Flow(calls).findings()


def _in_module(network: nn.Module, examples: tuple[object, ...]) -> Iterator[Finding]:
    """Look at a module's parts, at its graph if it is one, and at how it runs."""
    # A compiled module runs what it was made of; that is what is looked at.
    original: nn.Module = getattr(network, "_orig_mod", network)
    if not (examples or isinstance(original, fx.GraphModule)):
        raise ValueError(
            "forbidden(network) needs an example of each input: "
            "what a module calls is seen only while it runs"
        )
    yield from tree(original)
    if isinstance(original, fx.GraphModule):
        yield from _judged(graph_calls(original))
    if examples:
        yield from _judged([record(original, examples)])
