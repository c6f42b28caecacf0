"""What the rules bar in an ONNX model: its graph, graphs within it, and its functions.

A model is read by its fields alone, so the onnx package need not be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from models.networks.barred import Finding, plain
from models.networks.call import Call

# In ONNX the weight is the second input; of a quantised convolution, the fourth.
WEIGHT_AT = {"qlinearconv": 3}
STANDARD = frozenset({"", "ai.onnx"})


class OnnxModel(Protocol):
    """What is read of an onnx.ModelProto."""

    @property
    def graph(self) -> Any:
        """Its GraphProto."""
        ...

    @property
    def functions(self) -> Sequence[Any]:
        """Its FunctionProtos."""
        ...


def onnx_calls(model: OnnxModel) -> Iterator[list[Call]]:
    """Give the calls of every graph and function of a model, each as one list."""
    own = {(f.domain, f.name) for f in model.functions}
    yield from _graph(model.graph, "", own, {})
    for function in model.functions:
        yield from _nodes(function.node, f"{function.name}/", own, {})


def open_onnx_axes(model: OnnxModel) -> Iterator[Finding]:
    """Name inputs and outputs with an axis, or all of them, whose length is open."""
    constants = {tensor.name for tensor in model.graph.initializer}
    for value in (*model.graph.input, *model.graph.output):
        shape = value.type.tensor_type
        if value.name in constants:
            continue
        if not shape.HasField("shape"):
            yield Finding("dynamic axis", value.name, "no shape at all")
        for axis, size in enumerate(shape.shape.dim):
            if not size.HasField("dim_value") or size.dim_value <= 0:
                name = size.dim_param or "open"
                yield Finding("dynamic axis", value.name, f"axis {axis} is {name}")


def _graph(
    graph: Any, path: str, own: set[tuple[str, str]], outer: dict[str, int]
) -> Iterator[list[Call]]:
    """Give the calls of a graph, which sees the constants of those around it."""
    ranks = {**outer, **_noted_ranks(graph.value_info), **_noted_ranks(graph.input)}
    ranks |= {tensor.name: len(tensor.dims) for tensor in graph.initializer}
    yield from _nodes(graph.node, path, own, ranks)


def _nodes(
    nodes: Iterable[Any], path: str, own: set[tuple[str, str]], ranks: dict[str, int]
) -> Iterator[list[Call]]:
    """Give the calls of these nodes as one list, then those of graphs inside them."""
    known, calls, inner = dict(ranks), [], []
    for at, node in enumerate(nodes):
        where = f"{path}{node.name or f'{node.op_type}_{at}'}"
        _learn_rank(node, known)
        calls.append(_call(node, where, own, known))
        inner += [(g, f"{where}/") for a in node.attribute for g in _graphs(a)]
    yield calls
    for graph, below in inner:
        yield from _graph(graph, below, own, known)


def _graphs(attribute: Any) -> list[Any]:
    """Give the graphs that an attribute holds."""
    one = [attribute.g] if attribute.HasField("g") else []
    return [*one, *attribute.graphs]


def _call(
    node: Any, where: str, own: set[tuple[str, str]], ranks: dict[str, int]
) -> Call:
    """Put a node into the form that the rules read."""
    op = plain(node.op_type)
    settings = {a.name: a for a in node.attribute}
    is_own = (node.domain, node.op_type) in own
    return Call(
        # A call of the model's own function is judged by what stands in the function.
        op="function" if is_own else op,
        where=where,
        what=node.op_type,
        takes=tuple(node.input),
        gives=tuple(node.output),
        weight_rank=_weight_rank(node, op, settings, ranks),
        groups=settings["group"].i if "group" in settings else 1,
        is_training="training_mode" in settings and settings["training_mode"].i == 1,
        is_opaque=node.domain not in STANDARD and not is_own,
    )


def _weight_rank(
    node: Any, op: str, settings: dict[str, Any], ranks: dict[str, int]
) -> int | None:
    """Give the rank of a convolution's weight, or None where nothing tells it."""
    at = WEIGHT_AT.get(op, 1)
    weight = node.input[at] if at < len(node.input) else ""
    if weight in ranks:
        return ranks[weight]
    for name in ("kernel_shape", "strides", "dilations"):
        if name in settings:
            return len(settings[name].ints) + 2
    return None


def _learn_rank(node: Any, ranks: dict[str, int]) -> None:
    """Note the rank of what a node gives, where it is a constant or a copy of one."""
    if not node.output:
        return
    constant = [a.t for a in node.attribute if a.name == "value" and a.HasField("t")]
    if node.op_type == "Constant" and constant:
        ranks[node.output[0]] = len(constant[0].dims)
    if node.op_type in {"Identity", "Cast", "DequantizeLinear"}:
        rank = ranks.get(node.input[0])
        if rank is not None:
            ranks[node.output[0]] = rank


def _noted_ranks(values: Iterable[Any]) -> dict[str, int]:
    """Give the ranks that a graph has noted for its values."""
    noted = [(v.name, v.type.tensor_type) for v in values]
    return {name: len(t.shape.dim) for name, t in noted if t.HasField("shape")}
