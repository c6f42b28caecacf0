"""Start attempts of a stage that can be killed, without new imports for each.

`python -m tests.stages.nursery` imports the training stage once. For each folder that
it reads, a line each, it forks a child that trains there with the tiny profile; it says
the child's pid, then a line for each epoch, then how the child ended.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import torch

from stages import train
from stages.drawing.style import figure
from tests.stages.conftest import TRAINED, staged


def main() -> None:
    """Answer until stdin ends."""
    torch.set_num_threads(1)
    figure().subplots()  # matplotlib imports late what takes a second
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            _train(Path(line.strip()))
        _, status = os.waitpid(child, 0)
        _say("ended", os.waitstatus_to_exitcode(status))


def _train(root: Path) -> None:
    """Train, and never come back."""
    code = 70
    try:
        _say("pid", os.getpid())
        ctx, reports = staged(root, "train", outputs=TRAINED)
        reports.heard = lambda: _say("epoch", reports.ticks[-1]["tick"][0])
        train.run(train.Params(profile="tiny"), ctx)
        reports.written(root / "out" / "metrics.json")
        assert "torch._dynamo" not in sys.modules, "it takes each process seconds"
        code = 0
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    os._exit(code)


def _say(what: str, number: int) -> None:
    """Tell one thing, at once."""
    os.write(1, f"{what} {number}\n".encode())


if __name__ == "__main__":
    main()
