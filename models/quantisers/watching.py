"""Train a copy of a quantiser for some steps, and keep what shows its health.

Any module will do that gives (z_q, losses, info) as the ones here: losses with
"commitment", "codebook" and "vq", info with "indices". The module is not touched.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from models.quantisers.health import Evidence

# How far codes are thrown, in reaches of the data, and what share of a mean count they
# keep: just dead. With less, a faulty revival would not be seen.
FAR, LITTLE = 20.0, 5e-3


class Names(NamedTuple):
    """Under which names a module keeps its codes (C, Z), counts (C,), sums (C, Z)."""

    codes: str = "codebook"
    counts: str = "counts"
    sums: str = "sums"


OURS = Names()


class Step(NamedTuple):
    """One training step, as arrays; the fields are Evidence's."""

    frames: npt.NDArray[np.float64]
    wins: npt.NDArray[np.int64]
    losses: float
    passing: float
    pull: float
    total_pull: float
    stray: float


def watch(
    quantiser: nn.Module,
    batches: Sequence[Tensor],
    *,
    n_codes: int,
    names: Names | None = OURS,
    throw_away: float = 0.0,
) -> Evidence:
    """Train a copy on the batches, each (B, Z, H, T) and all of one shape.

    names: where the module keeps its codes; None for a grid, which keeps none.
    throw_away: halfway, this share of the codes is put far from the data with next to
    no count, so that one sees whether they come back.
    """
    _check(quantiser, batches, names, n_codes=n_codes)
    if not 0.0 <= throw_away <= 1.0:
        raise ValueError(f"throw_away is {throw_away}: wanted a share, 0 to 1")
    twin = copy.deepcopy(quantiser).train()
    masters = _parameters(twin)
    steps, kept = [], [_state(twin, names)]
    thrown_at = max(1, len(batches) // 2) if throw_away and names else None
    for number, z in enumerate(batches):
        if number == thrown_at and names:
            _throw_away(twin, names, throw_away, z)
            kept[-1] = _state(twin, names)
        steps.append(_step(twin, z, n_codes))
        kept.append(_state(twin, names))
    changed = sum(
        not torch.equal(before, after)
        for before, after in zip(masters, twin.parameters(), strict=True)
    )
    columns = {name: np.array(part) for name, part in _columns(steps).items()}
    if names is None:
        for name in ("pull", "total_pull", "stray"):
            del columns[name]
    books, counts, sums = (_stacked(part) for part in zip(*kept, strict=True))
    return Evidence(
        **columns,
        books=books,
        counts=counts,
        sums=sums,
        two_masters=changed,
        thrown_at=thrown_at,
    )


def _step(twin: nn.Module, batch: Tensor, n_codes: int) -> Step:
    """Do one pass in training, and look at its gradients."""
    z = batch.detach().clone().requires_grad_()
    z_q, losses, info = twin(z)
    gap = (z - z_q).detach()
    rows = batch.detach().movedim(1, -1).flatten(0, -2).double()
    unit = float((2.0 * gap / gap.numel()).norm())
    index = info["indices"].flatten()
    return Step(
        frames=rows.cpu().numpy(),
        wins=torch.bincount(index.long(), minlength=n_codes).cpu().numpy(),
        losses=float(gap.double().square().mean()),
        passing=_slope(z_q.sum(), z) / float(z.numel()) ** 0.5,
        pull=_slope(losses["commitment"], z) / unit if unit else 0.0,
        total_pull=_slope(losses["vq"], z) / unit if unit else 0.0,
        stray=_slope(losses["codebook"], z) / unit if unit else 0.0,
    )


def _slope(value: Tensor, z: Tensor) -> float:
    """Length of the gradient of `value` at z, 0 where there is none."""
    if not value.requires_grad:
        return 0.0
    (grad,) = torch.autograd.grad(value, z, retain_graph=True, materialize_grads=True)
    return float(grad.double().norm())


def _columns(steps: Sequence[Step]) -> dict[str, Any]:
    """Steps side by side, field by field."""
    return dict(zip(Step._fields, zip(*steps, strict=True), strict=True))


def _stacked(states: Sequence[Any]) -> Any:
    """All states of one kind, or None where the module keeps none."""
    return None if states[0] is None else np.array(states)


def _parameters(module: nn.Module) -> list[Tensor]:
    """Copies of all parameters."""
    return [parameter.detach().clone() for parameter in module.parameters()]


def _check(
    quantiser: nn.Module,
    batches: Sequence[Tensor],
    names: Names | None,
    *,
    n_codes: int,
) -> None:
    """Want something to train on, and codes where they are said to be."""
    if not len(batches):
        raise ValueError("batches are empty: wanted at least one")
    for place, batch in enumerate(batches):
        if batch.shape != batches[0].shape:
            found = f"{tuple(batch.shape)} at {place}"
            wanted = f"{tuple(batches[0].shape)}, as the first"
            raise ValueError(f"batches hold {found}: wanted {wanted}")
    if names is None:
        return
    if not hasattr(quantiser, names.codes):
        found = f"{type(quantiser).__name__} has no {names.codes!r}"
        raise ValueError(f"{found}: say by `names` where its codes are, or None")
    held = len(getattr(quantiser, names.codes))
    if held != n_codes:
        raise ValueError(f"n_codes is {n_codes}: {names.codes!r} holds {held}")


def _state(twin: nn.Module, names: Names | None) -> list[Any]:
    """Codes, counts and sums as arrays, None for what the module does not keep."""
    held = [getattr(twin, name, None) for name in names or ()] or [None] * 3
    return [None if h is None else h.detach().cpu().double().numpy() for h in held]


@torch.no_grad()
def _throw_away(twin: nn.Module, names: Names, share: float, z: Tensor) -> None:
    """Put the last codes far away with next to no count, and a sum that agrees."""
    codes, counts = getattr(twin, names.codes), getattr(twin, names.counts, None)
    kept = {name for name, _ in (*twin.named_buffers(), *twin.named_parameters())}
    lost = slice(len(codes) - int(share * len(codes)), None)
    codes[lost] = FAR * float(z.abs().max())
    if counts is not None:
        counts[lost] = LITTLE * counts.mean()
        if names.sums in kept:
            getattr(twin, names.sums)[lost] = counts[lost, None] * codes[lost]
