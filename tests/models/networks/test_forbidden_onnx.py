"""What the rules bar is found in ONNX models, and ours run there with equal numbers."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from models.networks.folding import folded
from models.networks.forbidden import forbidden
from tests.models.networks.barred_things import (
    FUNCTIONS,
    SIGNAL,
    Functional,
    to_onnx,
)
from tests.models.networks.toys import Deployed, windows

SHAPE = [1, 4, 10]


def model(*nodes: onnx.NodeProto, **parts: Any) -> onnx.ModelProto:
    """Make a model of nodes that lead from "x" to "y"."""
    signal = helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)
    given = helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)
    weights = parts.pop("weights", [])
    graph = helper.make_graph(nodes, "made", [signal], [given], initializer=weights)
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opset, **parts)


def weight(*shape: int) -> onnx.TensorProto:
    """Make a constant weight "w"."""
    return helper.make_tensor("w", TensorProto.FLOAT, shape, np.ones(shape).ravel())


def node(op: str, *takes: str, **settings: Any) -> onnx.NodeProto:
    """Make a node that gives "y", named as its operator in small letters."""
    return helper.make_node(op, list(takes), ["y"], name=op.lower(), **settings)


# What an exporter makes of a specimen where that has another name.
WRITTEN_AS = {
    "group_norm": "instance norm",
    "attention": "softmax",
    "batch_norm": "batch statistics",
}
# The older exporter refuses to write these two.
EXPORTED = [name for name in FUNCTIONS if name not in {"batch_norm", "rms_norm"}]


@pytest.mark.parametrize("name", EXPORTED)
def test_it_is_found_in_an_exported_model(name: str) -> None:
    """As torch's exporter writes it down."""
    exported = to_onnx(Functional(FUNCTIONS[name].call), SIGNAL)

    kinds = {f.kind for f in forbidden(exported)}

    assert WRITTEN_AS.get(name, FUNCTIONS[name].kind) in kinds


BY_HAND = {
    "Conv": ("1-D convolution", node("Conv", "x", "w"), [weight(4, 4, 3)]),
    "Conv by its kernel shape": (
        "1-D convolution",
        node("Conv", "x", "x", kernel_shape=[3]),
        [],
    ),
    "Conv of who knows what": (
        "convolution of unknown rank",
        node("Conv", "x", "v"),
        [],
    ),
    "ConvTranspose": (
        "1-D convolution",
        node("ConvTranspose", "x", "w"),
        [weight(4, 4, 3)],
    ),
    "grouped Conv": (
        "grouped convolution",
        node("Conv", "x", "w", group=4),
        [weight(4, 1, 1, 3)],
    ),
    "LayerNormalization": ("layer norm", node("LayerNormalization", "x", "x"), []),
    "GroupNormalization": ("group norm", node("GroupNormalization", "x"), []),
    "InstanceNormalization": ("instance norm", node("InstanceNormalization", "x"), []),
    "BatchNormalization": (
        "batch statistics",
        node("BatchNormalization", "x", training_mode=1),
        [],
    ),
    "Softmax": ("softmax", node("Softmax", "x"), []),
    "LogSoftmax": ("softmax", node("LogSoftmax", "x"), []),
    "LSTM": ("recurrent layer", node("LSTM", "x"), []),
    "GRU": ("recurrent layer", node("GRU", "x"), []),
    "Attention": ("attention", node("Attention", "x", domain="com.microsoft"), []),
    "a foreign operator": ("opaque operator", node("Fast", "x", domain="vendor"), []),
}


@pytest.mark.parametrize(
    ("kind", "barred", "weights"), BY_HAND.values(), ids=list(BY_HAND)
)
def test_a_barred_node_is_named(
    kind: str, barred: onnx.NodeProto, weights: list[onnx.TensorProto]
) -> None:
    """By its kind and its name in the graph."""
    found = forbidden(model(barred, weights=weights))

    assert [(f.kind, f.where) for f in found] == [(kind, barred.op_type.lower())]


def test_the_rank_of_a_weight_is_followed_through_copies() -> None:
    """A weight that is a constant node, cast and copied, is still three-dimensional."""
    constant = helper.make_node("Constant", [], ["a"], value=weight(4, 4, 3))
    copy = helper.make_node("Identity", ["a"], ["b"])

    found = forbidden(model(constant, copy, node("Conv", "x", "b")))

    assert [f.kind for f in found] == ["1-D convolution"]


def test_what_stands_in_a_branch_is_found() -> None:
    """A graph within a node of a graph, and within that another."""
    leaf = helper.make_graph([node("Softmax", "x")], "leaf", [], [])
    inner = helper.make_node("If", ["c"], ["y"], name="in", then_branch=leaf)
    middle = helper.make_graph([inner], "middle", [], [])
    outer = helper.make_node("If", ["c"], ["y"], name="out", else_branch=middle)

    found = forbidden(model(outer))

    assert [(f.kind, f.where) for f in found] == [("softmax", "out/in/softmax")]


def test_what_stands_in_a_function_is_found() -> None:
    """A model's own function is judged by what it holds, not by its name."""
    opset = [helper.make_opsetid("", 17)]
    body = [node("Softmax", "x")]
    own = helper.make_function("own", "Harmless", ["x"], ["y"], body, opset)
    idle = helper.make_function(
        "own", "Softmax", ["x"], ["y"], [node("Relu", "x")], opset
    )

    found = forbidden(model(node("Harmless", "x", domain="own"), functions=[own]))
    renamed = forbidden(model(node("Softmax", "x", domain="own"), functions=[idle]))

    assert [(f.kind, f.where) for f in found] == [("softmax", "Harmless/softmax")]
    assert renamed == ()


@pytest.mark.parametrize("open_", ["x", "y"])
def test_an_open_axis_is_found(open_: str) -> None:
    """Whether it has a name, or nothing at all is known of it."""
    made = model(node("Relu", "x"))
    value = {"x": made.graph.input, "y": made.graph.output}[open_][0]
    value.type.tensor_type.shape.dim[0].dim_param = "batch"
    value.type.tensor_type.shape.dim[2].Clear()

    found = forbidden(made)

    assert {(f.kind, f.where) for f in found} == {("dynamic axis", open_)}


def test_an_input_without_a_shape_is_found() -> None:
    """Nothing static can be made of it."""
    made = model(node("Relu", "x"))
    made.graph.input[0].type.tensor_type.ClearField("shape")

    found = forbidden(made)

    assert [(f.where, f.what) for f in found] == [("x", "no shape at all")]


def moved(*, causal: bool, fold: bool) -> Deployed:
    """Give a network whose running statistics have moved."""
    network = Deployed(causal=causal)
    with torch.no_grad():
        for seed in range(3):
            network(windows(8, seed))
    network.eval()
    return folded(network) if fold else network


@pytest.mark.parametrize("fold", [False, True], ids=["as is", "folded"])
def test_ours_runs_in_onnxruntime_with_equal_numbers(*, fold: bool) -> None:
    """Nothing barred, nothing open, and no output errs by more than 2e-6 of its scale.

    A sum of some hundred products in single precision errs by about that much.
    """
    network, example = moved(causal=False, fold=fold), windows(1, seed=7)

    exported = to_onnx(network, example)

    assert forbidden(exported) == ()
    _same_numbers(exported, network, example)


def test_a_causal_network_is_exported_without_a_trace_of_its_padding() -> None:
    """The newer exporter puts it into the convolutions, which the older one cannot."""
    network, example = moved(causal=True, fold=False), windows(1, seed=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        written = torch.onnx.export(network, (example,), dynamo=True, verbose=False)
    assert written is not None

    exported = written.model_proto

    assert "Pad" not in {node.op_type for node in exported.graph.node}
    assert forbidden(exported) == ()
    _same_numbers(exported, network, example)


def _same_numbers(
    exported: onnx.ModelProto, network: Deployed, example: torch.Tensor
) -> None:
    """Run both and compare each output."""
    onnx.checker.check_model(exported, full_check=True)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported.SerializeToString(), settings)
    found = session.run(None, {session.get_inputs()[0].name: example.numpy()})
    with torch.no_grad():
        wanted = [output.numpy() for output in network(example)]

    for one, other in zip(found, wanted, strict=True):
        scale = np.abs(other).max()
        assert np.abs(one - other).max() <= 2e-6 * scale
