"""What an accelerator refuses is named, with the place to cut."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from pipeline.bundles import lint
from pipeline.bundles.contents import ENCODER, MODEL
from pipeline.bundles.manifest import Refused


def graph(*operators: str) -> onnx.GraphProto:
    """Make a chain of operators, each named by its small letters."""
    names = ["x", *(op.lower() for op in operators)]
    nodes = [
        helper.make_node(op, [before], [op.lower()], op.lower())
        for op, before in zip(operators, names, strict=False)
    ]
    return helper.make_graph(nodes, "chain", [], [])


@pytest.mark.parametrize("op", ["Round", "ArgMax", "ArgMin", "Gather", "Softmax"])
def test_the_first_refused_operator_is_named_with_its_cut(op: str) -> None:
    """The value before it, which the graph makes itself."""
    found = lint.refused(graph("Conv", "Relu", op, "Add", "Round"))

    assert found == Refused(name=op.lower(), op=op, cut="relu", count=2)


def test_a_graph_that_is_taken_has_no_cut() -> None:
    """Convolutions, sums and rectifiers."""
    assert lint.refused(graph("Conv", "Relu", "Add", "AveragePool")) is None


def test_an_operator_of_another_domain_is_refused() -> None:
    """It has the name alone in common."""
    chain = graph("Conv", "Relu")
    chain.node[1].domain = "vendor"

    found = lint.refused(chain)

    assert found is not None
    assert found.cut == "conv"


def test_the_encoder_of_a_bundle_is_what_the_model_is_cut_to(made: Path) -> None:
    """It ends where the model's first refused operator begins."""
    whole, front = (onnx.load(made / name).graph for name in (MODEL, ENCODER))

    refused = lint.refused(whole)

    assert refused is not None
    assert [value.name for value in front.output] == [refused.cut]
    assert lint.refused(front) is None
