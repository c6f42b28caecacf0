"""What the rules bar is found in modules: by what they hold, and by what they call."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

from models.networks.barred import RULES, Finding
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.forbidden import forbidden
from tests.models.networks.barred_things import (
    FUNCTIONS,
    MODULES,
    SIGNAL,
    Functional,
    Specimen,
    to_onnx,
    to_program,
)
from tests.models.networks.toys import Deployed, Nearest, windows


def named(found: tuple[Finding, ...]) -> set[tuple[str, str]]:
    """Give kinds and places."""
    return {(f.kind, f.where) for f in found}


@pytest.mark.parametrize("causal", [False, True])
def test_our_own_networks_hold_nothing_that_is_barred(*, causal: bool) -> None:
    """Encoder and classifier, at rest and while they are in training."""
    network = Deployed(causal=causal)

    assert forbidden(network.eval(), windows(1)) == ()
    assert forbidden(network.train(), windows(1)) == ()


def test_the_decoder_and_what_joins_them_hold_nothing_either() -> None:
    """The whole network, with a quantiser that is no concern of the target's."""
    assert forbidden(Conv2dVQ(Nearest(), 3), windows(1)) == ()


@pytest.mark.parametrize(("kind", "module"), MODULES.values(), ids=MODULES)
def test_a_registered_module_is_found_though_nothing_calls_it(
    kind: str, module: nn.Module
) -> None:
    """By its kind and its path."""
    network = Functional(torch.relu)
    network.parts = nn.Sequential(nn.ReLU(), module)

    found = forbidden(network, SIGNAL)

    assert (kind, "parts.1") in named(found)


@pytest.mark.parametrize("specimen", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_functional_call_is_found_where_it_is_made(specimen: Specimen) -> None:
    """By its kind and the path of the module that calls it."""
    network = nn.Sequential(nn.ReLU(), Functional(specimen.call))

    found = forbidden(network, SIGNAL)

    assert (specimen.kind, "1") in named(found)
    assert all(f.where == "1" for f in found)


ALLOWED = {
    "a gate": lambda x: x * torch.sigmoid(x.mean((2, 3), keepdim=True)),
    "a spread": lambda x: x * x.std((2, 3), keepdim=True),
    "unit length": functional.normalize,
    "a constant divisor": lambda x: x / torch.tensor(4.0).sqrt(),
    "an exponential": lambda x: x.exp() / 2.0 + x.sum(),
    "a difference of means": lambda x: x - x.mean(-1, keepdim=True),
    "batch norm at rest": nn.BatchNorm2d(4),
    "a linear layer": nn.Linear(10, 10),
    "pooling": nn.AvgPool2d((1, 2)),
}


@pytest.mark.parametrize("call", ALLOWED.values(), ids=ALLOWED)
def test_what_is_allowed_passes(call: Callable[[Tensor], Tensor]) -> None:
    """Things that look a little like what is barred."""
    network = Functional(call)

    assert forbidden(network, SIGNAL) == ()
    assert forbidden(to_program(network, SIGNAL)) == ()
    assert forbidden(to_onnx(network, SIGNAL)) == ()


def test_a_class_derived_from_a_barred_one_is_found() -> None:
    """A new name does not help."""

    class ChannelNorm(nn.LayerNorm):
        pass

    found = forbidden(nn.Sequential(ChannelNorm(10)), SIGNAL)

    assert ("layer norm", "0") in named(found)


def test_a_module_registered_twice_is_named_by_both_paths() -> None:
    """Who mends one place must know of the other."""
    norm = nn.GroupNorm(2, 4)

    found = forbidden(
        nn.ModuleDict({"a": norm, "b": norm, "c": nn.ReLU()})["c"], SIGNAL
    )
    both = forbidden(_Twice(norm), SIGNAL)

    assert found == ()
    assert named(both) >= {("group norm", "one"), ("group norm", "other")}


class _Twice(nn.Module):
    """Holds the same module under two names."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.one = module
        self.other = module

    def forward(self, x: Tensor) -> Tensor:
        """Use one of them."""
        applied: Tensor = self.other(x)
        return applied


def test_a_module_kept_out_of_the_tree_is_found_when_it_runs() -> None:
    """In a list, in a closure, in a nested function."""
    hidden = nn.Softmax(-1)

    def outer(x: Tensor) -> Tensor:
        def inner(y: Tensor) -> Tensor:
            given: Tensor = [hidden][0](y)
            return given

        return inner(x)

    found = forbidden(nn.Sequential(Functional(outer)), SIGNAL)

    assert named(found) == {("softmax", "0.(Softmax)")}


def test_a_softmax_in_a_parametrisation_is_found() -> None:
    """A weight that is normalised each time it is read is read while running."""

    class Normalised(nn.Module):
        def forward(self, weight: Tensor) -> Tensor:
            return weight.softmax(1)

    convolution = nn.Conv2d(4, 4, (1, 3))
    parametrize.register_parametrization(convolution, "weight", Normalised())

    found = forbidden(nn.Sequential(convolution), SIGNAL)

    assert ("softmax", "0.parametrizations.weight.0") in named(found)


def test_what_scripting_hides_is_found() -> None:
    """A traced part has lost its classes; names and kernels are still there."""
    with pytest.warns(DeprecationWarning, match="trace"):
        inner = torch.jit.trace(  # type: ignore[no-untyped-call]
            nn.Sequential(nn.Conv1d(4, 4, 3), nn.Softmax(-1)), SIGNAL[:, :, 0]
        )
    network = Functional(lambda x: inner(x[:, :, 0]))
    network.inner = inner

    kinds = {f.kind for f in forbidden(network, SIGNAL)}

    assert kinds == {"1-D convolution", "softmax"}


def test_what_a_gradient_function_hides_is_found() -> None:
    """A torch.autograd.Function runs kernels like everything else."""

    class Hidden(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: object, x: Tensor) -> Tensor:
            return torch.softmax(x, -1)

    found = forbidden(nn.Sequential(Functional(Hidden.apply)), SIGNAL)

    assert ("softmax", "0") in named(found)


def test_an_operator_that_cannot_be_looked_into_is_found() -> None:
    """A kernel of somebody else's might do anything."""

    @torch.library.custom_op("somebody::mystery", mutates_args=())
    def mystery(x: Tensor) -> Tensor:
        return x.clone()

    found = forbidden(Functional(mystery), SIGNAL)

    assert named(found) == {("opaque operator", "")}


def test_a_compiled_network_is_looked_at_as_it_was_written() -> None:
    """Compiling hides nothing."""
    network: Any = torch.compile(nn.Sequential(nn.Softmax(-1)), backend="eager")

    assert named(forbidden(network, SIGNAL)) == {("softmax", "0")}


def test_a_module_without_an_example_is_refused() -> None:
    """Half a look would pass for a whole one."""
    with pytest.raises(ValueError, match="needs an example of each input"):
        forbidden(Deployed())


def test_looking_changes_nothing() -> None:
    """Modes, weights, statistics, hooks and torch's stream are as before."""
    network = Deployed()
    network.encoder.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()

    forbidden(Functional(lambda x: network(x)[0] + torch.rand(1)), windows(1))
    forbidden(network, windows(1))

    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert network.training
    assert not network.encoder.training
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.nn.modules.module._global_forward_pre_hooks


def test_what_another_thread_runs_meanwhile_is_none_of_the_networks() -> None:
    """Hooks of torch are for all threads; only what is asked about counts."""
    other = nn.Sequential(nn.Softmax(-1))

    def busy(x: Tensor) -> Tensor:
        thread = threading.Thread(target=lambda: other(SIGNAL))
        thread.start()
        thread.join()
        return torch.relu(x)

    assert forbidden(nn.Sequential(Functional(busy)), SIGNAL) == ()
    assert other.training


def test_a_network_that_fails_leaves_no_hook_behind() -> None:
    """Its error comes out, and the next look is as good as any."""

    def fail(x: Tensor) -> Tensor:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        forbidden(nn.Sequential(Functional(fail)), SIGNAL)

    assert not torch.nn.modules.module._global_forward_pre_hooks
    assert named(forbidden(nn.Sequential(nn.Softmax(-1)), SIGNAL)) == {("softmax", "0")}


@pytest.mark.parametrize("kind", RULES)
def test_a_finding_says_why_and_what_to_use_instead(kind: str) -> None:
    """Every kind has both, and a finding writes them in one line."""
    finding = Finding(kind, "body.3", "aten::something")

    line = str(finding)

    assert line.startswith(f"{kind} at body.3 (aten::something): ")
    assert finding.why in line
    assert finding.instead in line


@pytest.mark.parametrize("wrong", ["network.onnx", b"bytes", None])
def test_what_is_no_network_is_refused_in_words(wrong: Any) -> None:
    """The path of a file is easily taken for what is in it."""
    with pytest.raises(ValueError, match="forbidden wants a module, an exported"):
        forbidden(wrong)
