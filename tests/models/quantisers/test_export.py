"""The exported graph gives the same codes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from models.quantisers import hostside
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.projected import ProjectedFSQ


class Codes(nn.Module):
    """The part of a quantiser that a box runs."""

    def __init__(self, quantiser: nn.Module) -> None:
        super().__init__()
        self.quantiser = quantiser

    def forward(self, z: Tensor) -> Tensor:
        """Codes (B, T) of a map (B, Z, 1, T)."""
        found: Tensor = self.quantiser.codes_of(z)  # type: ignore[operator]
        return found


def _exported(module: nn.Module, z: Tensor, path: Path, *, dynamo: bool) -> Path:
    """Write a module as a graph; what exporters say of themselves is no claim here."""
    options: dict[str, Any] = {} if dynamo else {"opset_version": 17}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(), (z,), path, input_names=["z"], dynamo=dynamo, **options
        )
    return path


def _run(graph: Path, z: Tensor) -> list[np.ndarray]:
    """Run a graph."""
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(graph), providers=providers)
    found: list[np.ndarray] = session.run(None, {"z": z.numpy()})
    return found


def _quantiser(kind: str) -> tuple[nn.Module, int]:
    """A quantiser with something to tell apart, and its channels."""
    torch.manual_seed(0)
    if kind == "averages":
        return VectorQuantizerEMA2D(64, 16, init_scale=1.0), 16
    if kind == "grid":
        return FSQ([8, 6, 5]), 3
    return ProjectedFSQ([8, 6, 5], feature_dim=16, embedding_dim=8), 16


@pytest.mark.parametrize("dynamo", [True, False], ids=["exported", "traced"])
@pytest.mark.parametrize("kind", ["averages", "grid", "projected"])
def test_a_graph_gives_the_same_codes(kind: str, dynamo: bool, tmp_path: Path) -> None:
    """Both exporters, run by onnxruntime on frames they have not seen."""
    quantiser, n_dims = _quantiser(kind)
    module = Codes(quantiser)
    draw = torch.Generator().manual_seed(1)
    shown, fresh = 2.0 * torch.randn(2, 1, n_dims, 1, 100, generator=draw)

    graph = _exported(module, shown, tmp_path / "codes.onnx", dynamo=dynamo)

    (codes,) = _run(graph, fresh)
    assert codes.dtype == np.int32
    assert np.array_equal(codes, module(fresh).numpy())


def test_a_whole_pass_in_evaluation_can_be_exported(tmp_path: Path) -> None:
    """Values, losses and statistics too, on frames they have not seen."""
    quantiser, n_dims = _quantiser("averages")
    quantiser.eval()
    draw = torch.Generator().manual_seed(1)
    shown, fresh = torch.randn(2, 1, n_dims, 1, 100, generator=draw)

    graph = _exported(quantiser, shown, tmp_path / "whole.onnx", dynamo=True)

    found = _run(graph, fresh)
    z_q, losses, info = quantiser(fresh)
    wanted = [z_q, *losses.values(), *info.values()]
    for ours, theirs in zip(wanted, found, strict=True):
        np.testing.assert_allclose(theirs, ours.numpy(), rtol=1e-5)


def test_the_cut_graph_and_the_host_give_the_codes_of_the_network(
    tmp_path: Path,
) -> None:
    """The graph ends at a linear map and holds no rounding; numpy does the rest."""
    quantiser, n_dims = _quantiser("projected")
    assert isinstance(quantiser, ProjectedFSQ)
    z = torch.randn(1, n_dims, 1, 100, generator=torch.Generator().manual_seed(1))

    graph = _exported(quantiser.project, z, tmp_path / "cut.onnx", dynamo=True)
    (projected,) = _run(graph, z)
    decoded = hostside.decode(projected[:, :, 0], [8, 6, 5])

    used = {node.op_type for node in onnx.load(graph).graph.node}
    assert used == {"Conv"}
    assert np.array_equal(decoded.codes, quantiser.codes_of(z).numpy())


def test_the_grid_needs_no_rounding_in_a_graph(tmp_path: Path) -> None:
    """Its operators compare and add: none of them rounds or knows tanh."""
    graph = _exported(
        Codes(FSQ([8, 6, 5])),
        torch.zeros(1, 3, 1, 100),
        tmp_path / "g.onnx",
        dynamo=False,
    )

    used = {node.op_type for node in onnx.load(graph).graph.node}
    wanted = {"Cast", "Constant", "GreaterOrEqual", "Mul", "ReduceSum", "Squeeze"}
    assert used == wanted
