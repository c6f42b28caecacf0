"""What the rules bar is found in graphs of torch, and ours hold none of it."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

from models.networks.forbidden import forbidden
from tests.models.networks.barred_things import (
    FUNCTIONS,
    MODULES,
    SIGNAL,
    Functional,
    Specimen,
    to_program,
)
from tests.models.networks.toys import Deployed, windows

# How a graph of torch.fx is drawn, some specimens have more inputs than one.
DRAWN = {n: m for n, m in MODULES.items() if isinstance(m[1], (nn.Conv2d, nn.Softmax))}


@pytest.mark.parametrize("specimen", FUNCTIONS.values(), ids=FUNCTIONS)
def test_it_is_found_in_a_symbolic_trace(specimen: Specimen) -> None:
    """Without any example: the graph alone says it."""
    graph = fx.symbolic_trace(Functional(specimen.call))

    assert specimen.kind in {f.kind for f in forbidden(graph)}


@pytest.mark.parametrize("specimen", FUNCTIONS.values(), ids=FUNCTIONS)
def test_it_is_found_in_an_exported_program(specimen: Specimen) -> None:
    """As torch.export writes it down."""
    program = to_program(Functional(specimen.call), SIGNAL)

    assert specimen.kind in {f.kind for f in forbidden(program)}


@pytest.mark.parametrize("name", ["conv1d", "softmax", "group_norm", "batch_norm"])
def test_it_is_found_after_decomposition(name: str) -> None:
    """Core kernels have other names for the same things."""
    program = to_program(Functional(FUNCTIONS[name].call), SIGNAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        core = program.run_decompositions()

    assert FUNCTIONS[name].kind in {f.kind for f in forbidden(core)}


@pytest.mark.parametrize(("kind", "module"), DRAWN.values(), ids=DRAWN)
def test_a_module_called_by_a_graph_is_found(kind: str, module: nn.Module) -> None:
    """A symbolic trace keeps such modules whole."""
    graph = fx.symbolic_trace(nn.Sequential(module))

    assert kind in {f.kind for f in forbidden(graph)}


def test_a_batch_norm_exported_in_training_is_found() -> None:
    """It would take its statistics from whatever passes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.export.export(nn.BatchNorm2d(4).train(), (SIGNAL,))

    assert {f.kind for f in forbidden(program)} == {"batch statistics"}
    assert forbidden(to_program(nn.BatchNorm2d(4), SIGNAL)) == ()


def test_what_stands_in_a_branch_is_found() -> None:
    """A graph within a graph is looked at too."""

    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            taken: Tensor = torch.cond(
                x.sum() > 0, lambda y: y.softmax(-1), lambda y: y + 1, (x,)
            )
            return taken

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(Branching(), (SIGNAL,))

    found = forbidden(program)

    assert [f.kind for f in found] == ["softmax"]
    assert found[0].where.startswith("true_graph_0.")


def test_an_open_axis_is_found() -> None:
    """A batch of any size has no static shape."""
    batch = torch.export.Dim("batch", min=2, max=8)
    shapes: Any = {"windows": {0: batch}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.export.export(
            Deployed().eval(), (windows(4),), dynamic_shapes=shapes
        )

    found = forbidden(program)

    assert [(f.kind, f.where) for f in found] == [("dynamic axis", "windows")]
    assert found[0].what.startswith("axis 0 is ")


@pytest.mark.parametrize("causal", [False, True])
def test_our_own_graphs_hold_nothing_that_is_barred(*, causal: bool) -> None:
    """Symbolic and exported, centred and causal."""
    network = Deployed(causal=causal).eval()

    assert forbidden(fx.symbolic_trace(network)) == ()
    assert forbidden(to_program(network, windows(1))) == ()


def test_a_finding_in_an_exported_program_names_its_module() -> None:
    """The path of the module, and the node."""
    network = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Softmax(-1)))

    found = forbidden(to_program(network, SIGNAL))

    assert [f.where for f in found] == ["1.0.softmax"]
