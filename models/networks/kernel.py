"""What torch's own record of a kernel says: its name, its home, and its arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import _ops

Kernel = _ops.OpOverload[..., Any]

# Whose kernels are torch's own; what those of others do is not known.
TORCH_OWN = frozenset({"aten", "debugprims", "prim", "prims", "profiler"})


def kernel_name(kernel: Kernel) -> str:
    """Give the name without the overload: `aten::softmax`."""
    name: str = kernel._schema.name  # noqa: SLF001 - torch has no public way to it
    return name


def is_foreign(kernel: Kernel) -> bool:
    """Tell whether somebody else than torch registered it."""
    return kernel.namespace not in TORCH_OWN


def details(
    kernel: Kernel, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the arguments of one call by the names that the kernel has for them."""
    schema = kernel._schema  # noqa: SLF001 - torch has no public way to these names
    names = [argument.name for argument in schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def is_training(kernel: Kernel, given: Mapping[str, Any]) -> bool:
    """Tell whether a kernel is a batch norm that uses the statistics of its batch."""
    name = kernel_name(kernel)
    if "batch_norm" not in name:
        return False
    has_none = given.get("running_mean", 0) is None or "no_stats" in str(kernel)
    return has_none or bool(given.get("training", False))
