"""Which operator of a graph an accelerator's tools refuse first, and where to cut.

A graph is read by its fields alone: the onnx package need not be there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.bundles.manifest import Refused

# What the parser of Hailo's compiler takes for certain, on static maps (1, V, P, T) and
# with constants on the other side of sums and products. All else is refused here: it
# refuses rounding and comparisons, and takes searches, gathering and changes of shape
# in some places only.
HAILO = frozenset(
    {
        *("Add", "AveragePool", "BatchNormalization", "Clip", "Concat", "Conv"),
        *("ConvTranspose", "Div", "Gemm", "GlobalAveragePool", "Identity", "MaxPool"),
        *("Mul", "Relu", "Sigmoid", "Sub", "Tanh"),
    }
)
# What besides stands behind the cut of a bundle's model, and in no other place.
BEHIND = frozenset(
    {
        *("ArgMax", "Cast", "Flatten", "Gather", "GreaterOrEqual", "MatMul"),
        *("ReduceSum", "Squeeze", "Transpose"),
    }
)


def refused(graph: Any) -> Refused | None:
    """Name the first operator that is refused, and the value to cut at; None if none.

    graph: an onnx.GraphProto, its nodes in the order in which they run.
    """
    found = [node for node in graph.node if not _is_taken(node)]
    if not found:
        return None
    first = found[0]
    made = {name for node in graph.node for name in node.output}
    cut = next((name for name in first.input if name in made), "")
    return Refused(name=first.name, op=first.op_type, cut=cut, count=len(found))


def unknown(graph: Any) -> Iterator[str]:
    """Name the operators that no bundle of ours holds: nothing is run that has one."""
    for node in graph.node:
        is_known = node.op_type in HAILO | BEHIND and not node.domain
        if not is_known or any(_holds_graph(one) for one in node.attribute):
            yield f"{node.op_type} at {node.name or 'a node without a name'}"


def open_shapes(graph: Any) -> Iterator[str]:
    """Name the inputs and outputs with an axis whose length is open."""
    for value in (*graph.input, *graph.output):
        if shape_of(value) is None:
            yield value.name


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Give the shape of an input or an output, or None where it is open."""
    axes = value.type.tensor_type.shape.dim
    sizes = tuple(int(axis.dim_value) for axis in axes)
    return sizes if sizes and all(size > 0 for size in sizes) else None


def idle(graph: Any) -> Iterator[str]:
    """Name the outputs that no input leads to: they would be the same for any."""
    reached = {value.name for value in graph.input}
    for node in graph.node:
        if reached.intersection(node.input):
            reached.update(node.output)
    yield from (value.name for value in graph.output if value.name not in reached)


def far_data(graph: Any) -> Iterator[str]:
    """Name the constants whose numbers would be read from another file."""
    for held in graph.initializer:
        if held.data_location or held.external_data:
            yield held.name
    for sparse in graph.sparse_initializer:  # of which ours have none
        yield sparse.values.name or "a sparse constant"


def _is_taken(node: Any) -> bool:
    return node.op_type in HAILO and not node.domain


def _holds_graph(attribute: Any) -> bool:
    """Tell whether an attribute is a graph of its own, or brings a tensor along."""
    kinds = (attribute.HasField("g"), attribute.HasField("t"))
    return any(kinds) or bool(attribute.graphs or attribute.tensors)
