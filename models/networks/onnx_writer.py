"""An ONNX graph, written node by node: the same network gives the same bytes.

torch has two exporters. The older one is deprecated and cannot write causal padding;
the newer one takes seconds, and writes what the source's folder is called into the
file. The networks here are made of a few bricks, and those are written down directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Constant = npt.NDArray[Any]
Kind = tuple[int, tuple[int, ...]]  # of an element, and the shape

FLOAT, WHOLE = TensorProto.FLOAT, TensorProto.INT32
# Old enough for the compilers of accelerators, new enough for all that is used.
OPSET, FORM = 17, 8


class Graph:
    """Nodes in their order, and the constants they use.

    A node's only output has the node's name.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, op: str, name: str, *takes: str, **settings: Any) -> str:
        """Add a node of the standard set; give the name of what it makes."""
        node = helper.make_node(op, takes, [name], name=name, **settings)
        self._nodes.append(node)
        return name

    def hold(self, name: str, numbers: Constant) -> str:
        """Keep a constant; give its name."""
        self._constants.append(numpy_helper.from_array(np.asarray(numbers), name))
        return name

    def model(
        self, takes: Mapping[str, Kind], gives: Mapping[str, Kind]
    ) -> onnx.ModelProto:
        """Give the whole as a model, checked with all its shapes inferred."""
        graph = helper.make_graph(
            self._nodes, self._name, _values(takes), _values(gives), self._constants
        )
        opset = [helper.make_opsetid("", OPSET)]
        made = helper.make_model(graph, opset_imports=opset, ir_version=FORM)
        onnx.checker.check_model(made, full_check=True)
        return made


def _values(kinds: Mapping[str, Kind]) -> Sequence[onnx.ValueInfoProto]:
    """Declare what goes in or comes out."""
    return [
        helper.make_tensor_value_info(name, element, shape)
        for name, (element, shape) in kinds.items()
    ]


def to_bytes(model: onnx.ModelProto) -> bytes:
    """Give a model as a file holds it."""
    written: bytes = model.SerializeToString(deterministic=True)
    return written
