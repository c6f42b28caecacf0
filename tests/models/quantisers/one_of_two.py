"""One process of two that train one codebook; test_collective.py starts both.

It is given its rank, a file to meet at and a file to write to.
"""

from __future__ import annotations

import sys
from datetime import timedelta

import torch
from torch import Tensor, distributed

from models.quantisers.ema import VectorQuantizerEMA2D

STEPS, FIRST_PART, LOST_AT, EMPTY_AT = 6, 5, 3, 4


def batch(step: int) -> Tensor:
    """What comes in one step, for all processes together: (8, 4, 1, 20)."""
    draw = torch.Generator().manual_seed(step)
    return torch.randn(8, 4, 1, 20, generator=draw)


def learn(part: slice, *, alone_at: int) -> dict[str, Tensor]:
    """Train on a part of each batch; at one step the first process has it all."""
    quantiser = VectorQuantizerEMA2D(12, 4, decay=0.9)
    for step in range(STEPS):
        if step == LOST_AT:
            quantiser.codebook[9:] = 50.0
            quantiser.counts[9:] = 1e-4
        whole = batch(step)
        if step == EMPTY_AT:
            part_now = slice(0, 8) if alone_at == 0 else slice(0, 0)
        else:
            part_now = part
        info = quantiser(whole[part_now])[2]
    before = quantiser.codebook.clone()
    state = {**quantiser.state_dict(), "histogram": info["code_histogram"]}
    wrong = batch(STEPS)
    wrong[7, 0, 0, 0] = float("nan")
    try:
        quantiser(wrong[part])
    except ValueError:
        state["refused"] = torch.tensor(torch.equal(before, quantiser.codebook))
    return state


def main() -> None:
    """Meet the other, learn, and write down the state."""
    rank, meeting, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{meeting}",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=40),
    )
    part = slice(0, FIRST_PART) if rank == 0 else slice(FIRST_PART, 8)
    torch.save(learn(part, alone_at=rank), out)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
