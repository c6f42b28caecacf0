"""Two processes that learn as one: the same bits in both, and what one learns alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from models.training.learner import Learner
from tests.models.training import one_of_two, small

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What two processes, each with half of every batch, end with."""
    room = tmp_path_factory.mktemp("two")
    lo = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.models.training.one_of_two", str(room)],
        cwd=ROOT,
        env=lo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    outs = [room / f"state{rank}.pt" for rank in (0, 1)]
    return [torch.load(out, weights_only=True) for out in outs]


@pytest.fixture(scope="module")
def alone() -> Learner:
    """What one process learns from the same windows."""
    return one_of_two.learned()


def test_processes_agree_to_the_last_bit(states: list[dict[str, Any]]) -> None:
    """Weights, statistics, codebook: whatever is kept by one is that of the other."""
    one, other = states

    assert small.is_same(one["network"], other["network"])
    assert one["history"] == other["history"]


def test_two_processes_learn_what_one_learns(
    states: list[dict[str, Any]], alone: Learner
) -> None:
    """But for rounding: 6 steps of 0.01, of sums that are added in another order."""
    found, wanted = states[0]["network"], alone.network.state_dict()

    assert found.keys() == wanted.keys()
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-3, atol=1e-4)


def test_what_they_tell_is_told_of_the_whole_batch(
    states: list[dict[str, Any]], alone: Learner
) -> None:
    """Means over both halves, not one process's own."""
    for found, wanted in zip(states[0]["history"], alone.history, strict=True):
        assert found[1] == pytest.approx(list(wanted.means), rel=1e-3)
