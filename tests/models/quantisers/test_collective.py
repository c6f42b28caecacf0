"""Two processes and one codebook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.quantisers import collective
from tests.models.quantisers import one_of_two

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Tensor]]:
    """What two processes, each with its part of the batches, end with."""
    room = tmp_path_factory.mktemp("two")
    outs = [room / f"state{rank}.pt" for rank in (0, 1)]
    lo = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT)}
    program = [sys.executable, "-m", "tests.models.quantisers.one_of_two"]
    started = [
        subprocess.Popen(
            [*program, str(rank), str(room / "meeting"), str(out)],
            cwd=ROOT,
            env=lo,
            stderr=subprocess.PIPE,
        )
        for rank, out in enumerate(outs)
    ]
    for process in started:
        _, said = process.communicate(timeout=50)
        assert process.returncode == 0, said.decode()
    return [torch.load(out, weights_only=True) for out in outs]


def test_processes_agree_to_the_last_bit(states: list[dict[str, Tensor]]) -> None:
    """Start, updates, revival, an empty part: both hold the same all the time."""
    one, other = states

    assert set(one) == set(other)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_two_processes_learn_what_one_learns(states: list[dict[str, Tensor]]) -> None:
    """The codebook is that of the joined batches, whoever held which part.

    Sums are added in another order: 6 steps with 2^-24 of values of about 4 each.
    """
    alone = one_of_two.learn(slice(0, 8), alone_at=0)

    for name in ("codebook", "counts"):
        torch.testing.assert_close(states[0][name], alone[name], rtol=0, atol=1e-5)
    for name in ("steps", "histogram"):
        assert torch.equal(states[0][name], alone[name])


def test_nan_in_one_process_stops_both_unchanged(
    states: list[dict[str, Tensor]],
) -> None:
    """The other one would wait forever; it refuses as well, and keeps its state."""
    assert all(bool(state["refused"]) for state in states)


def test_alone_nothing_is_shared() -> None:
    """Without a group each of these is the plain thing."""
    rows = torch.arange(6.0).view(3, 2)

    assert not collective.is_shared()
    assert collective.sizes(3, rows.device) == [3]
    assert torch.equal(collective.picked(rows, torch.tensor([2, 0])), rows[[2, 0]])
    assert torch.equal(collective.total(rows), rows)
