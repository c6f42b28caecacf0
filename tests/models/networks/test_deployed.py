"""What is exported of a network says what the network says."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from models.leakage.scale import Scale, fitted
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.deployed import Deployed, deployed
from models.networks.forbidden import forbidden
from models.networks.onnx_bricks import write
from models.networks.onnx_codes import parts
from models.networks.onnx_writer import Graph, to_bytes
from models.networks.whole import Whole
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.projected import ProjectedFSQ

HEAT = 1.7
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "codebook": (lambda: VectorQuantizerEMA2D(32, 16, init_scale=1.0), {}),
    "causal": (lambda: VectorQuantizerEMA2D(32, 16, init_scale=1.0), {"causal": True}),
    "grid": (lambda: FSQ([8, 6, 5]), {"n_dims": 3}),
    "projected": (lambda: ProjectedFSQ([5, 4], 16, 16), {}),
}


class Case:
    """A network whose averages have moved, raw windows, and what it says of them."""

    def __init__(self, kind: str) -> None:
        """Make it, and export it."""
        quantiser, more = KINDS[kind]
        rng = np.random.default_rng(1)
        self.raw = rng.normal(3.0, 2.0, (6, 9, 2, 100)).astype(np.float32)
        self.scale: Scale = fitted(self.raw)
        torch.manual_seed(0)
        self.network = Conv2dVQ(quantiser(), 5, **{"n_dims": 16, "width": 8, **more})
        standard = torch.from_numpy(self.scale.applied(self.raw))
        with torch.no_grad():
            for _ in range(2):
                self.network(standard)
            seen = self.network.eval()(standard)
        self.standard = standard.numpy()
        self.codes = seen.codes.numpy()
        self.logits = seen.logits.window.numpy() / HEAT
        self.frames = seen.logits.frames[:, :, 0].transpose(1, 2).numpy() / HEAT
        self.made: Deployed = deployed(self.network, self.scale, HEAT)


@pytest.fixture(scope="module", params=KINDS)
def case(request: pytest.FixtureRequest) -> Case:
    """Each kind of network, exported."""
    return Case(request.param)


def given(model: onnx.ModelProto, windows: np.ndarray[Any, Any]) -> list[Any]:
    """Run a model on windows, one by one."""
    session = onnxruntime.InferenceSession(
        to_bytes(model), providers=["CPUExecutionProvider"]
    )
    (takes,) = session.get_inputs()
    each = [session.run(None, {takes.name: one[None]}) for one in windows]
    return [np.concatenate(outputs) for outputs in zip(*each, strict=True)]


def decoded(latent: np.ndarray[Any, Any], case: Case) -> np.ndarray[Any, Any]:
    """Find codes (N, T) of maps (N, Z, T) by the tables of the host."""
    host = case.made.host
    if "moved" in host:
        scores = np.einsum("nzt,cz->ntc", latent, host["moved"]) + host["bias"]
        codes: np.ndarray[Any, Any] = scores.argmax(-1)
    else:
        level = (latent[:, None] >= host["thresholds"][:, :, None]).sum(1)
        codes = np.einsum("z,nzt->nt", host["strides"], level).astype(int)
    return codes


def test_the_whole_graph_gives_codes_and_calibrated_logits(case: Case) -> None:
    """From raw windows; single precision errs by some 1e-6."""
    codes, logits = given(case.made.whole, case.raw)

    assert codes.dtype == np.int32
    assert np.array_equal(codes, case.codes)
    np.testing.assert_allclose(logits, case.logits, atol=1e-5)


def test_the_front_and_the_tables_give_the_same(case: Case) -> None:
    """Codes, logits of frames, and those of the window as their mean."""
    (latent,) = given(case.made.front, case.standard)
    codes, host = decoded(latent[:, :, 0], case), case.made.host

    assert np.array_equal(codes, case.codes)
    np.testing.assert_allclose(host["frames"][codes], case.frames, atol=1e-5)
    np.testing.assert_allclose(host["windows"][codes].mean(1), case.logits, atol=1e-5)


def test_one_module_says_the_same(case: Case) -> None:
    """As it is traced for CoreML."""
    with torch.no_grad():
        codes, logits = Whole(case.network, case.scale, HEAT)(torch.tensor(case.raw))

    assert np.array_equal(codes.numpy(), case.codes)
    np.testing.assert_allclose(logits.numpy(), case.logits, atol=1e-5)


def test_graphs_are_static_and_hold_nothing_barred(case: Case) -> None:
    """No batch norm is left, and the same network gives the same bytes."""
    again = deployed(case.network, case.scale, HEAT)

    for made, other in ((case.made.whole, again.whole), (case.made.front, again.front)):
        assert forbidden(made) == ()
        assert "BatchNormalization" not in {node.op_type for node in made.graph.node}
        assert to_bytes(made) == to_bytes(other)


@pytest.mark.parametrize("heat", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_that_is_none_is_refused(heat: float) -> None:
    """By its value."""
    case = Case("grid")

    with pytest.raises(ValueError, match=r"temperature is .*: it must be positive"):
        deployed(case.network, case.scale, heat)


def test_what_has_no_form_is_refused_by_name() -> None:
    """A module that is no brick of ours, a norm that was not folded, a quantiser."""
    with pytest.raises(ValueError, match="x/0 is a Tanh: no ONNX form"):
        write(Graph("g"), nn.Sequential(nn.Tanh()), "a", "x")
    with pytest.raises(ValueError, match="still has its batch norm: fold the network"):
        write(Graph("g"), Case("grid").network.encoder.body, "a", "x")
    with pytest.raises(ValueError, match="a Linear is no quantiser that can be expor"):
        parts(nn.Linear(2, 2))
