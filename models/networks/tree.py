"""What the rules bar among the modules that a network has registered, used or not."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from models.networks.barred import RULES, Finding, kind_of_convolution


def tree(network: nn.Module) -> Iterator[Finding]:
    """Name every barred module by each path it is registered under.

    A scripted or traced module has lost its class and kept its name.
    """
    for path, module in network.named_modules(remove_duplicate=False):
        kind = _kind(module)
        if kind is not None:
            yield Finding(kind, path, _name(module))


def _name(module: nn.Module) -> str:
    """Give the name of a module's class, as it was before any scripting."""
    return str(getattr(module, "original_name", type(module).__name__))


def _kind(module: nn.Module) -> str | None:
    """Give the kind that bars this module, if one does."""
    name = _name(module)
    for kind, rule in RULES.items():
        if isinstance(module, rule.modules) or name in {
            m.__name__ for m in rule.modules
        }:
            return kind
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        return kind_of_convolution(4, module.groups)
    return None
