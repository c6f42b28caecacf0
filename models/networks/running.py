"""What the rules bar among the operators that really run for an example.

Modules can hide what they call: in a lambda, a closure, a parametrisation, a scripted
part. Two recorders see it all the same. One hears what Python asks of torch, where an
instance norm still has its name; the other hears what reaches the kernels, where
nothing can be hidden. A branch that the example does not take is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from models.networks import kernel
from models.networks.barred import plain
from models.networks.call import Call

if TYPE_CHECKING:
    from models.networks.kernel import Kernel


def record(network: nn.Module, examples: Sequence[object]) -> list[Call]:
    """Run the network at rest, and give every call in the order it was made.

    The network is left in the mode it was in, and so is torch's random stream.
    """
    tape = _Tape(network)
    with (
        torch.random.fork_rng(devices=[]),
        torch.no_grad(),
        tape.following(),
        _Asked(tape),
        _Done(tape),
    ):
        network(*examples)
    return tape.calls


class _Tape:
    """What was called so far, and by which module of the network."""

    def __init__(self, network: nn.Module) -> None:
        self.calls: list[Call] = []
        self._network = network
        self._names = {id(m): name for name, m in network.named_modules()}
        self._awake = [(m, m.training) for m in network.modules()]
        self._stack: list[str] = []
        self._thread = get_ident()
        self._kept: list[Tensor] = []

    @property
    def where(self) -> str:
        """The path of the module that is running."""
        return self._stack[-1] if self._stack else ""

    def name(self, values: Sequence[object]) -> tuple[Hashable, ...]:
        """Name tensors by identity, and keep them so that no identity comes twice."""
        self._kept.extend(v for v in values if isinstance(v, Tensor))
        return tuple(id(v) if isinstance(v, Tensor) else None for v in values)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Put the network at rest and follow every module that runs in this thread."""
        self._network.eval()
        entering = hooks.register_module_forward_pre_hook(self._enter)
        leaving = hooks.register_module_forward_hook(self._leave, always_call=True)
        try:
            yield
        finally:
            entering.remove()
            leaving.remove()
            for module, was_training in reversed(self._awake):
                module.training = was_training

    def _enter(self, module: nn.Module, _: object) -> None:
        """Go one module deeper; one that nobody knew of is put at rest only now."""
        if get_ident() != self._thread:
            return
        if id(module) not in self._names:
            self._awake.append((module, module.training))
            module.training = False
        unregistered = f"{self.where}.({type(module).__name__})".lstrip(".")
        self._stack.append(self._names.get(id(module), unregistered))

    def _leave(self, _module: nn.Module, _taken: object, _given: object) -> None:
        """Come back to the module before."""
        if get_ident() == self._thread:
            self._stack.pop()


class _Asked(TorchFunctionMode):
    """Hears what Python asks of torch; of this only the names are used."""

    def __init__(self, tape: _Tape) -> None:
        super().__init__()
        self._tape = tape

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Write the name down, and let it happen."""
        name = str(getattr(func, "__name__", func))
        call = Call(plain(name), self._tape.where, name)
        if not call.is_convolution:  # the kernels say what rank it has
            self._tape.calls.append(call)
        return func(*args, **(kwargs or {}))


class _Done(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hears what reaches the kernels, with its values."""

    def __init__(self, tape: _Tape) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tape = tape

    def __torch_dispatch__(
        self,
        func: Kernel,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Let it happen, and write down what it took and gave."""
        given = func(*args, **(kwargs or {}))
        values = given if isinstance(given, (tuple, list)) else (given,)
        named = kernel.details(func, args, kwargs or {})
        weight = named.get("weight")
        self._tape.calls.append(
            Call(
                op=plain(kernel.kernel_name(func)),
                where=self._tape.where,
                what=kernel.kernel_name(func),
                takes=self._tape.name(args),
                gives=self._tape.name(values),
                weight_rank=weight.dim() if isinstance(weight, Tensor) else None,
                groups=int(named.get("groups", 1)),
                is_training=kernel.is_training(func, named),
                is_opaque=kernel.is_foreign(func),
            )
        )
        return given
