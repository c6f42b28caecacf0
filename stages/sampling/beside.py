"""Chains beside each other, one to a core, the same however many cores there are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stages.sampling import chain
from stages.sampling import job as jobs
from stages.sampling.job import Job, Sampled

ROOT = Path(__file__).resolve().parents[2]
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

# Told after each sweep: sweeps of all chains, log evidence, occupied states.
Tell = Callable[[int, float, float], None]


def sample(folder: Path, job: Job, n_chains: int, tell: Tell) -> list[Sampled]:
    """Run the chains of a job to their ends, those that were cut off from there on.

    `folder` is theirs alone: a job of other words or numbers has another one.
    """
    folder = folder / job.digest
    folder.mkdir(parents=True, exist_ok=True)
    jobs.keep_job(folder, job)
    count = _Count(n_chains, tell)
    with ThreadPoolExecutor(min(n_chains, _cores())) as beside:
        list(beside.map(lambda index: _run(folder, index, count), range(n_chains)))
    found = [jobs.kept_chain(folder, index) for index in range(n_chains)]
    whole = [one for one in found if one is not None and one.done >= job.sweeps]
    if len(whole) < n_chains:
        raise RuntimeError(f"chains in {folder} ended without their last sweep")
    return whole


class _Count:
    """How far all chains are together."""

    def __init__(self, n_chains: int, tell: Tell) -> None:
        self.done = [0] * n_chains
        self.tell = tell
        self.turn = threading.Lock()

    def hear(self, index: int, line: str) -> None:
        """Take in a line of one chain."""
        done, log_evidence, occupied = line.split()
        with self.turn:
            self.done[index] = int(done)
            self.tell(sum(self.done), float(log_evidence), float(occupied))


def _run(folder: Path, index: int, count: _Count) -> None:
    """Run one chain to its end and pass on what it tells."""
    with subprocess.Popen(
        [sys.executable, "-m", chain.__name__, str(folder), str(index)],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            count.hear(index, line)
    if running.returncode != 0:
        raise RuntimeError(
            f"chain {index} ended with {running.returncode}: what it said is in the "
            f"log above, and its last whole sweep is kept"
        )


def _cores() -> int:
    """Count the cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1
