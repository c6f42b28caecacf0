"""One specimen of everything that is barred, as a module and as a function."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.networks.toys import stream

SIGNAL = torch.randn(1, 4, 1, 10, generator=stream(0))
# Weights are kept, since a traced graph must not draw them.
THIN = torch.randn(4, 4, 3, generator=stream(1))
FLAT = torch.randn(4, 1, 1, 3, generator=stream(2))
DEEP = torch.randn(4, 4, 1, 1, 1, generator=stream(3))


class Functional(nn.Module):
    """A module that only calls a function, and hides it well enough from its tree."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        """Call it."""
        return self.function(x)


class Specimen(NamedTuple):
    """The kind that is to be found, and how it is written."""

    kind: str
    call: Callable[[Tensor], Tensor]


def softmax_in_steps(x: Tensor) -> Tensor:
    """Give softmax as everybody writes it by hand."""
    powers = (x - x.amax(-1, keepdim=True)).exp()
    return powers / powers.sum(-1, keepdim=True)


def softmax_written_twice(x: Tensor) -> Tensor:
    """Give softmax with the exponential taken anew for the sum."""
    return (x - x.max()).exp() / (x - x.max()).exp().sum(-1, keepdim=True)


def softmax_by_an_inverse(x: Tensor) -> Tensor:
    """Give softmax as a product."""
    powers = x.exp()
    return powers * (1 / powers.sum(-1, keepdim=True))


def softmax_by_a_mean(x: Tensor) -> Tensor:
    """Give softmax times the count."""
    powers = x.exp()
    return powers / powers.mean(-1, keepdim=True)


def log_softmax_in_steps(x: Tensor) -> Tensor:
    """Give its logarithm as everybody writes it by hand."""
    return x - x.logsumexp(-1, keepdim=True)


def layer_norm_in_steps(x: Tensor) -> Tensor:
    """Give a layer norm as everybody writes it by hand."""
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt()


def standardised(x: Tensor) -> Tensor:
    """Give a layer norm by the standard deviation that torch has."""
    return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5)


def rms_in_steps(x: Tensor) -> Tensor:
    """Give an RMS norm as everybody writes it by hand."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5)


def attend(x: Tensor) -> Tensor:
    """Let frames attend to frames."""
    return functional.scaled_dot_product_attention(x, x, x)


FUNCTIONS = {
    "conv1d": Specimen("1-D convolution", lambda x: torch.conv1d(x[:, :, 0], THIN)),
    "conv_transpose1d": Specimen(
        "1-D convolution", lambda x: functional.conv_transpose1d(x[:, :, 0], THIN)
    ),
    "conv3d": Specimen("3-D convolution", lambda x: torch.conv3d(x.unsqueeze(2), DEEP)),
    "depthwise": Specimen(
        "grouped convolution", lambda x: torch.conv2d(x, FLAT, groups=4)
    ),
    "group_norm": Specimen("group norm", lambda x: functional.group_norm(x, 2)),
    "layer_norm": Specimen("layer norm", lambda x: functional.layer_norm(x, (10,))),
    "rms_norm": Specimen("layer norm", lambda x: functional.rms_norm(x, (10,))),
    "instance_norm": Specimen("instance norm", functional.instance_norm),
    "batch_norm": Specimen(
        "batch statistics",
        lambda x: functional.batch_norm(x, None, None, training=True),
    ),
    "softmax": Specimen("softmax", lambda x: x.softmax(-1)),
    "torch.softmax": Specimen("softmax", lambda x: torch.softmax(x, 1)),
    "log_softmax": Specimen("softmax", lambda x: functional.log_softmax(x, -1)),
    "softmin": Specimen("softmax", lambda x: functional.softmin(x, -1)),
    "softmax in steps": Specimen("softmax", softmax_in_steps),
    "softmax written twice": Specimen("softmax", softmax_written_twice),
    "softmax by an inverse": Specimen("softmax", softmax_by_an_inverse),
    "softmax by a mean": Specimen("softmax", softmax_by_a_mean),
    "log softmax in steps": Specimen("softmax", log_softmax_in_steps),
    "layer norm in steps": Specimen("layer norm", layer_norm_in_steps),
    "standardised": Specimen("layer norm", standardised),
    "RMS norm in steps": Specimen("layer norm", rms_in_steps),
    "attention": Specimen("attention", attend),
}

MODULES = {
    "Conv1d": ("1-D convolution", nn.Conv1d(4, 4, 3)),
    "LazyConv1d": ("1-D convolution", nn.LazyConv1d(4, 3)),
    "ConvTranspose1d": ("1-D convolution", nn.ConvTranspose1d(4, 4, 3)),
    "Conv3d": ("3-D convolution", nn.Conv3d(4, 4, 1)),
    "Conv2d with groups": ("grouped convolution", nn.Conv2d(4, 4, 1, groups=2)),
    "GroupNorm": ("group norm", nn.GroupNorm(2, 4)),
    "LayerNorm": ("layer norm", nn.LayerNorm(10)),
    "RMSNorm": ("layer norm", nn.RMSNorm(10)),
    "InstanceNorm2d": ("instance norm", nn.InstanceNorm2d(4)),
    "Softmax": ("softmax", nn.Softmax(-1)),
    "Softmax2d": ("softmax", nn.Softmax2d()),
    "LogSoftmax": ("softmax", nn.LogSoftmax(-1)),
    "MultiheadAttention": ("attention", nn.MultiheadAttention(4, 2)),
    "LSTM": ("recurrent layer", nn.LSTM(4, 4)),
    "GRUCell": ("recurrent layer", nn.GRUCell(4, 4)),
}


def to_onnx(network: nn.Module, *examples: Tensor, **settings: Any) -> onnx.ModelProto:
    """Export by the older way, which is quick; torch says that it is the older one."""
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            examples,
            written,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=17,
            **settings,
        )
    return onnx.load_from_string(written.getvalue())


def to_program(network: nn.Module, *examples: Tensor) -> torch.export.ExportedProgram:
    """Export by torch.export; its own tree code warns of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return torch.export.export(network.eval(), examples)
