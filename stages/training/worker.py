"""One of several processes that learn together: `torchrun --module` runs it."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path

import torch
from torch import distributed

from models.training.learning import Share
from stages.training.session import go, settle, taken_up
from stages.training.several import MARK, received


def main(job: str) -> None:
    """Take this process's share of every batch; the first one keeps and tells."""
    rank, of = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    session, material = received(Path(job))
    if session.device == "cuda":
        torch.cuda.set_device(rank)
        session = session._replace(device=f"cuda:{rank}")
    settle(session.device)
    distributed.init_process_group("gloo" if session.device == "cpu" else "nccl")
    logging.basicConfig(level=logging.WARNING)
    learner = taken_up(session, logging.getLogger("worker"))
    for told in go(session, learner, material, Share(rank, of)):
        if rank == 0:
            sys.stdout.write(MARK + json.dumps(told.plain()) + "\n")
            sys.stdout.flush()
    distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
