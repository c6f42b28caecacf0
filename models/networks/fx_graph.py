"""What the rules bar in the graphs of torch.fx and torch.export, nested ones too."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, fx, nn
from torch._ops import OpOverload

from models.networks.barred import Finding, plain
from models.networks.call import Call
from models.networks.kernel import details, is_foreign, is_training, kernel_name

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from models.networks.kernel import Kernel

# Where torch.nn.functional takes these, when they come without a name.
BATCH_NORM_PLACES = {"training": 5}
CONVOLUTION_PLACES = {"weight": 1, "groups": 6}


def graph_calls(module: fx.GraphModule) -> Iterator[list[Call]]:
    """Give the calls of a graph, and of every graph within it, each as one list."""
    for path, inner in module.named_modules():
        if isinstance(inner, fx.GraphModule):
            yield [
                _call(inner, node, path)
                for node in inner.graph.nodes
                if node.op in {"call_function", "call_method"}
            ]


def open_axes(program: ExportedProgram) -> Iterator[Finding]:
    """Name the inputs of an exported program with an axis whose length is open."""
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op != "placeholder" or not isinstance(value, Tensor):
            continue
        for axis, size in enumerate(value.shape):
            if type(size) is not int:
                yield Finding("dynamic axis", node.name, f"axis {axis} is {size}")


def _call(module: fx.GraphModule, node: fx.Node, path: str) -> Call:
    """Put a node of a graph into the form that the rules read."""
    is_kernel = isinstance(node.target, OpOverload)
    name, given = _of_kernel(node) if is_kernel else (_name(node), _given(node))
    return Call(
        op=plain(name),
        where=_where(node, path),
        what=name,
        takes=tuple(_value(argument) for argument in node.args),
        gives=(node,),
        weight_rank=_rank(module, given.get("weight"), name),
        groups=int(given.get("groups", 1)),
        is_training=given.get("training") is True,
        is_opaque=isinstance(node.target, OpOverload) and is_foreign(node.target),
    )


def _of_kernel(node: fx.Node) -> tuple[str, dict[str, Any]]:
    """Give the name of the kernel that a node calls, and what it is given."""
    kernel = cast("Kernel", node.target)
    named = details(kernel, node.args, node.kwargs)
    return kernel_name(kernel), {**named, "training": is_training(kernel, named)}


def _name(node: fx.Node) -> str:
    """Give the name of what a node calls."""
    return str(getattr(node.target, "__name__", node.target))


def _given(node: fx.Node) -> dict[str, Any]:
    """Give the arguments of a functional call that rules ask for."""
    places = (
        BATCH_NORM_PLACES if plain(_name(node)) == "batchnorm" else CONVOLUTION_PLACES
    )
    by_place = {n: node.args[at] for n, at in places.items() if at < len(node.args)}
    return {**by_place, **node.kwargs}


def _value(argument: object) -> Hashable:
    """Name a value by the node that makes it."""
    return argument if isinstance(argument, fx.Node) else None


def _where(node: fx.Node, path: str) -> str:
    """Give the module a node came from, if that was noted, and its own name."""
    stack = node.meta.get("nn_module_stack") or {}
    owner = [str(entry[0]) for entry in stack.values()][-1:]
    return ".".join(part for part in (path, *owner, node.name) if part)


def _rank(module: fx.GraphModule, weight: object, name: str) -> int | None:
    """Give the rank of a convolution's weight, from what is noted or from its name."""
    if isinstance(weight, Tensor):
        return weight.dim()
    if isinstance(weight, fx.Node):
        noted = weight.meta.get("val", weight.meta.get("example_value"))
        if weight.op == "get_attr":
            noted = _attribute(module, str(weight.target))
        if isinstance(noted, Tensor):
            return noted.dim()
    return next((n + 2 for n in (1, 2, 3) if f"{n}d" in name), None)


def _attribute(module: nn.Module, path: str) -> object:
    """Follow a dotted path from a module to what it holds."""
    found: object = module
    for part in path.split("."):
        found = getattr(found, part, None)
    return found
