"""Scalar quantisation on [8, 6, 5] levels, in turns with a peer."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from benchmarks.measure import Timing, in_turns
from models.quantisers.fsq import FSQ

LEVELS = [8, 6, 5]
# So many acts are timed as one: a single act is as short as the clock's own noise.
REPEATS = 20


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Time both on 3,200 frames and on 100, values and codes alike, on one thread."""
    torch.set_num_threads(1)
    mine, peer = FSQ(LEVELS), _peer()
    rows = []
    for n_batch in (32, 1):
        draw = torch.Generator().manual_seed(0)
        z = torch.randn(n_batch, 3, 1, 100, generator=draw)
        acts = {
            "values and codes": _often(mine.quantise, z),
            "with statistics": _often(mine, z),
            "theirs": _often(peer, z.squeeze(2).transpose(1, 2).contiguous()),
        }
        found = in_turns(acts, rounds=rounds)
        theirs = found.pop("theirs")
        for name, timing in found.items():
            what = f"FSQ of {100 * n_batch} frames, {name}"
            rows.append((what, _said(timing), _against(timing, theirs)))
    return rows


def _peer() -> nn.Module:
    """Give the peer on the same grid, which is its symmetric one."""
    import vector_quantize_pytorch as peers

    made: nn.Module = peers.FSQ(LEVELS, preserve_symmetry=True)
    return made


def _often(
    act: Callable[[torch.Tensor], object], z: torch.Tensor
) -> Callable[[], object]:
    """Do one act many times, without any gradient."""

    @torch.no_grad()
    def acts() -> None:
        for _ in range(REPEATS):
            act(z)

    return acts


def _said(timing: Timing) -> str:
    """Write median and least of one act in milliseconds."""
    median, least = timing.median / REPEATS, min(timing.seconds) / REPEATS
    return f"{1e3 * median:.3f} ms, least {1e3 * least:.3f}"


def _against(ours: Timing, theirs: Timing) -> str:
    """Write what the peer took, and how many times ours that is, least by least."""
    times = min(theirs.seconds) / min(ours.seconds)
    return f"vector-quantize-pytorch {_said(theirs)}: {times:.1f} x"
