"""Two processes that learn as one; test_together.py starts them.

They are given a folder, to meet in and to write to. The second is a fork of the first,
which has imported all that takes long and has made no tensor yet.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import torch
from torch import distributed

from models.training.learner import Learner
from models.training.learning import ALONE, Share, learn
from models.training.together import together
from tests.models.training import small

RECIPE = small.RECIPE._replace(epochs=2, opening=1)


def learned(share: Share = ALONE) -> Learner:
    """Learn, alone or with a share of each batch."""
    one = small.learner(RECIPE)
    through = together(one.course) if share.of > 1 else one.course
    for _ in learn(one, small.series(), small.unseen(), share=share, through=through):
        pass
    return one


def main() -> None:
    """Become two, learn, and write down the states; fail when either fails."""
    room = Path(sys.argv[1])
    child = os.fork()
    meet(0 if child else 1, room)
    if child:
        _, status = os.waitpid(child, 0)
        sys.exit(os.waitstatus_to_exitcode(status))


def meet(rank: int, room: Path) -> None:
    """Meet the other, learn, and write down the state."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{room}/meeting",
        rank=rank,
        world_size=2,
        timeout=timedelta(seconds=50),
    )
    torch.save(learned(Share(rank, 2)).state(), room / f"state{rank}.pt")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
