"""The bricks of the networks here as ONNX nodes, batch norms folded away."""

from __future__ import annotations

from torch import Tensor, nn

from models.networks.convolution import Convolution, Residual
from models.networks.onnx_writer import Constant, Graph


def write(graph: Graph, module: nn.Module, x: str, name: str) -> str:
    """Write what `module`, which is folded, makes of `x`; give the name of that.

    Raise ValueError for a kind of module that has no form here.
    """
    if isinstance(module, nn.Sequential):
        for place, part in module.named_children():
            x = write(graph, part, x, f"{name}/{place}")
        return x
    if isinstance(module, Convolution):
        return _convolution(graph, module, x, name)
    if isinstance(module, Residual):
        return _residual(graph, module, x, name)
    if isinstance(module, nn.Conv2d):
        rows, columns = _pair(module.padding)
        return _conv(graph, module, x, name, [rows, columns, rows, columns])
    if isinstance(module, nn.ReLU):
        return graph.add("Relu", name, x)
    if isinstance(module, nn.AvgPool2d):
        return graph.add("AveragePool", name, x, kernel_shape=_pair(module.kernel_size))
    raise ValueError(
        f"{name} is a {type(module).__name__}: no ONNX form of it is written here"
    )


def numbers(tensor: Tensor) -> Constant:
    """Give a tensor's numbers, in order."""
    found: Constant = tensor.detach().cpu().contiguous().numpy()
    return found


def _convolution(graph: Graph, module: Convolution, x: str, name: str) -> str:
    """Write a convolution whose norm is folded into it, whatever its padding."""
    if not isinstance(module.norm, nn.Identity):
        raise ValueError(  # noqa: TRY004 - all doors here speak by one class
            f"{name} still has its batch norm: fold the network first"
        )
    rows, columns = _pair(module.conv.padding)
    left, right = columns, columns
    if isinstance(module.pad, nn.ZeroPad2d):
        left, right, _, _ = module.pad.padding
    return _conv(graph, module.conv, x, name, [rows, left, rows, right])


def _residual(graph: Graph, module: Residual, x: str, name: str) -> str:
    """Write relu(x + mix(relu(see(x))))."""
    seen = write(graph, module.see, x, f"{name}/see")
    mixed = write(
        graph, module.mix, graph.add("Relu", f"{name}/relu", seen), f"{name}/mix"
    )
    return graph.add("Relu", name, graph.add("Add", f"{name}/add", x, mixed))


def _conv(graph: Graph, conv: nn.Conv2d, x: str, name: str, pads: list[int]) -> str:
    """Write one convolution; pads are top, left, bottom, right."""
    takes = [x, graph.hold(f"{name}.weight", numbers(conv.weight))]
    if conv.bias is not None:
        takes.append(graph.hold(f"{name}.bias", numbers(conv.bias)))
    return graph.add(
        "Conv",
        name,
        *takes,
        kernel_shape=_pair(conv.kernel_size),
        dilations=_pair(conv.dilation),
        pads=pads,
    )


def _pair(sizes: object) -> tuple[int, int]:
    """Give rows and columns of a setting that may name both at once."""
    rows, columns = sizes if isinstance(sizes, tuple) else (sizes, sizes)
    if isinstance(rows, int) and isinstance(columns, int):
        return rows, columns
    raise ValueError(f"size {sizes!r} has no ONNX form here")
