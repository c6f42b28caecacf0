"""A training step of the quantiser, and its evaluation, in turns with a peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from benchmarks.measure import Timing, in_turns
from models.vq_ema_2d import VectorQuantizerEMA2D

SHAPE, CODES = (32, 64, 1, 100), 512


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Time both on the same maps (32, 64, 1, 100) with 512 codes, on one thread."""
    torch.set_num_threads(1)
    mine = VectorQuantizerEMA2D(CODES, SHAPE[1], decay=0.99, commitment_cost=0.25)
    peer = _peer()
    z = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    acts = {
        "VQ training pass": (_training(mine, z), _training(peer, z)),
        "VQ training pass and gradient": (_graded(mine, z), _graded(peer, z)),
        "VQ evaluation": (_evaluation(mine, z), _evaluation(peer, z)),
    }
    rows = []
    for what, (ours, theirs) in acts.items():
        ours()  # the first batch of all gives the codes, once
        found = in_turns({"ours": ours, "theirs": theirs}, rounds=rounds)
        rows.append((what, _said(found["ours"]), _against(found)))
    return rows


def _peer() -> nn.Module:
    """Give the peer with the same codebook, decay and commitment."""
    from vector_quantize_pytorch import (
        VectorQuantize,
    )

    made: nn.Module = VectorQuantize(
        dim=SHAPE[1],
        codebook_size=CODES,
        decay=0.99,
        commitment_weight=0.25,
        accept_image_fmap=True,
        rotation_trick=False,
    )
    return made


def _training(module: nn.Module, z: torch.Tensor) -> Callable[[], object]:
    """Give a pass that updates the codebook."""
    return lambda: module.train()(z)


def _graded(module: nn.Module, z: torch.Tensor) -> Callable[[], object]:
    """Give the same pass with the gradient of the codes and of the loss."""
    wanted = z.clone().requires_grad_()

    def act() -> None:
        wanted.grad = None
        codes, *rest = module.train()(wanted)
        loss = rest[0]["vq"] if isinstance(rest[0], Mapping) else rest[1].sum()
        (codes.sum() + loss).backward()

    return act


def _evaluation(module: nn.Module, z: torch.Tensor) -> Callable[[], object]:
    """Give a pass that changes nothing, without any gradient."""

    @torch.no_grad()
    def act() -> object:
        return module.eval()(z)

    return act


def _said(timing: Timing) -> str:
    """Write median and least in milliseconds."""
    return f"{1e3 * timing.median:.2f} ms, least {1e3 * min(timing.seconds):.2f}"


def _against(found: Mapping[str, Timing]) -> str:
    """Write what the peer took, and how many times ours that is, least by least."""
    times = min(found["theirs"].seconds) / min(found["ours"].seconds)
    return f"vector-quantize-pytorch {_said(found['theirs'])}: {times:.1f} x"
