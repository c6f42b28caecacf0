"""Weights into a network, all of them or none: nothing stands in for a wrong file."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

SHOWN = 5  # differences of one sort that a message lists


def restore(network: nn.Module, state: object) -> None:
    """Put `state` in when every name, shape and type in it is the network's own.

    Raise ValueError with what differs otherwise, or when a weight is not finite; the
    network is then as it was.
    """
    if not isinstance(state, Mapping):
        raise ValueError(  # noqa: TRY004 - all doors here speak by one class
            f"a checkpoint must map names to tensors, found a {type(state).__name__}"
        )
    differences = [*_names(network, state), *_kinds(network, state)]
    if differences:
        raise ValueError(
            "this checkpoint is of another network: " + "; ".join(differences)
        )
    network.load_state_dict(dict(state), strict=True)


def _names(network: nn.Module, state: Mapping[str, object]) -> list[str]:
    """Say which names are missing and which are too many."""
    wanted, found = set(network.state_dict()), set(state)
    return [
        f"{what} {_listed(sorted(names))}"
        for what, names in (("lacks", wanted - found), ("has besides", found - wanted))
        if names
    ]


def _kinds(network: nn.Module, state: Mapping[str, object]) -> list[str]:
    """Say which values are no tensors of the right shape and type, or not finite."""
    wanted = network.state_dict()
    wrong = [
        difference
        for name in wanted
        if name in state
        and (difference := _difference(name, wanted[name], state[name]))
    ]
    return [_listed(wrong)] if wrong else []


def _difference(name: str, wanted: Tensor, found: object) -> str:
    """Say how one value differs from what is wanted, or nothing."""
    if not isinstance(found, Tensor):
        return f"{name} is a {type(found).__name__}"
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return f"{name} is {_kind(found)}, not {_kind(wanted)}"
    if not bool(torch.isfinite(found).all()):
        return f"{name} is not finite"
    return ""


def _kind(tensor: Tensor) -> str:
    """Write the shape and the type of a tensor."""
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"


def _listed(items: list[str]) -> str:
    """Join the first items, and count the rest."""
    more = [f"and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    return ", ".join([*items[:SHOWN], *more])
