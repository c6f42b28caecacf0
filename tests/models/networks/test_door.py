"""What does not fit is refused in words, and a graph holds nothing of the check."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import torch
from torch import Tensor, fx

from models.networks.decoder import Decoder
from models.networks.encoder import Encoder
from tests.models.networks.toys import Deployed, stream, windows

WANTED = "windows must be (B, 9, 2, 100) float32 with B >= 1, found "
REFUSED = {
    "a lost axis": (torch.zeros(4, 9, 100), WANTED + "(4, 9, 100) float32"),
    "places first": (torch.zeros(4, 2, 9, 100), WANTED + "(4, 2, 9, 100) float32"),
    "half a window": (torch.zeros(4, 9, 2, 50), WANTED + "(4, 9, 2, 50) float32"),
    "doubles": (
        torch.zeros(4, 9, 2, 100, dtype=torch.float64),
        WANTED + "(4, 9, 2, 100) float64",
    ),
    "no window": (torch.zeros(0, 9, 2, 100), WANTED + "(0, 9, 2, 100) float32"),
}


@pytest.mark.parametrize(("wrong", "says"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_shape_or_type_is_refused_in_words(wrong: Tensor, says: str) -> None:
    """The message gives what was wanted and what was found."""
    encoder = Encoder(generator=stream(0))

    with pytest.raises(ValueError, match="must be") as refused:
        encoder(wrong)

    assert str(refused.value) == says


@pytest.mark.parametrize("wrong", [windows(1).numpy(), windows(1).tolist(), None])
def test_what_is_no_tensor_is_refused_in_words(wrong: object) -> None:
    """An array of numpy is easily taken for one."""
    found = type(wrong).__name__

    with pytest.raises(ValueError, match=f"must be a tensor, found a {found}"):
        Encoder(generator=stream(0))(wrong)


@pytest.mark.parametrize("settings", [{"width": 1}, {"n_dims": 0}, {"dilations": [0]}])
def test_a_network_of_nothing_is_refused(settings: dict[str, Any]) -> None:
    """No channels, no dimensions, no dilation."""
    with pytest.raises(ValueError, match="a convolution wants 1 or more"):
        Encoder(generator=stream(0), **settings)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_the_first_value_that_is_not_finite_is_named(value: float) -> None:
    """By window, channel, place and frame."""
    holed = windows(4)
    holed[3, 2, 1, 17] = value
    encoder = Encoder(generator=stream(0))

    with pytest.raises(ValueError, match="windows holds") as refused:
        encoder(holed)

    assert str(refused.value) == (
        f"windows holds {value} at window 3, channel 2, place 1, frame 17: "
        "every value must be finite"
    )


def test_the_decoder_refuses_vectors_of_another_length() -> None:
    """Its door speaks of vectors."""
    decoder = Decoder(generator=stream(0), n_dims=3)

    with pytest.raises(ValueError, match=r"vectors must be \(B, 3, 1, 100\) float32"):
        decoder(torch.zeros(2, 64, 1, 100))


def test_windows_may_lie_in_memory_as_they_like() -> None:
    """Channels last, transposed and strided windows give what a plain copy gives."""
    encoder = Encoder(generator=stream(0)).eval()
    plain = windows(4)
    wide = torch.zeros(8, 9, 2, 200)
    wide[::2, ..., ::2] = plain

    for laid_out in (
        plain.to(memory_format=torch.channels_last),
        plain.permute(3, 2, 1, 0).contiguous().permute(3, 2, 1, 0),
        wide[::2, ..., ::2],
    ):
        torch.testing.assert_close(encoder(laid_out), encoder(plain), rtol=0, atol=1e-5)


def test_no_check_is_left_in_an_exported_graph() -> None:
    """The graph holds convolutions, norms, sums and heads, and compares nothing."""
    with warnings.catch_warnings():
        # torch's own tree code warns of itself here.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.export.export(Deployed().eval(), (windows(1),))

    called = {
        str(node.target) for node in program.graph.nodes if node.op == "call_function"
    }

    assert called == {
        "aten.add.Tensor",
        "aten.avg_pool2d.default",
        "aten.batch_norm.default",
        "aten.conv2d.default",
        "aten.flatten.using_ints",
        "aten.relu.default",
    }


def test_tracing_scripting_and_compiling_give_the_same_numbers() -> None:
    """No trace warns, no graph breaks, and the outputs are those of the module."""
    network, example = Deployed().eval(), windows(1)
    wanted = network(example)

    traced = (
        fx.symbolic_trace(network),
        _jit(network, example),
        torch.compile(network, backend="eager", fullgraph=True),
    )

    for form in traced:
        for found, want in zip(form(example), wanted, strict=True):
            torch.testing.assert_close(found, want, rtol=0, atol=1e-5)


def _jit(network: torch.nn.Module, example: Tensor) -> torch.nn.Module:
    """Trace a network; that this way is old is all that torch may say."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        traced: torch.nn.Module = torch.jit.trace(network, example)  # type: ignore[no-untyped-call]
    return traced
