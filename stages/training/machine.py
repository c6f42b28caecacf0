"""What a stage was given to compute on, and how well it was used."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import torch

from models.networks.conv2d_vq import Conv2dVQ
from models.training.traffic import step_bytes


class Machine(NamedTuple):
    """A kind of device, and how many processes learn on it together."""

    device: str
    processes: int

    def figures(
        self, network: Conv2dVQ, batch: int, samples_per_s: float, precision: str
    ) -> dict[str, float]:
        """Give what is worth knowing of the machine's use, as metrics.

        Of one GPU: its peak memory, and how many bytes a second had to be moved
        (models/training/traffic.py) beside what copying one large block reaches here.
        """
        told: dict[str, float] = {"processes": self.processes}
        if self.device == "cpu" or self.processes > 1 or samples_per_s == 0.0:
            return told
        told["gpu_memory_mb"] = round(torch.cuda.max_memory_allocated() / 1e6, 1)
        width = 4 if precision == "float32" else 2
        needed = step_bytes(network, batch, width) * samples_per_s / batch
        told["bandwidth_share"] = needed / copied_per_s()
        return told


def machine(device: str, processes: int) -> Machine:
    """Take what was given; raise ValueError where it is not there.

    Of the CPUs no more threads are used than this process may use.
    """
    if processes < 0:
        raise ValueError(f"processes is {processes}: it must be 0 or more")
    if device == "cpu":
        torch.set_num_threads(min(torch.get_num_threads(), _cpus()))
        return Machine(device, processes or 1)
    if not torch.cuda.is_available():
        raise ValueError(
            "the stage was given a GPU, and torch sees none: "
            "install a torch with CUDA on this host, or run it with gpus: 0"
        )
    found = torch.cuda.device_count()
    if processes > found:
        raise ValueError(f"processes is {processes}, and there are {found} GPUs")
    return Machine(device, processes or found)


def shared(batch: int, processes: int) -> None:
    """Raise ValueError unless each process has as large a part of a batch."""
    if batch % processes:
        raise ValueError(
            f"batch is {batch} for {processes} processes: it must be a multiple of them"
        )


def copied_per_s(size: int = 1 << 29, rounds: int = 10) -> float:
    """Give the bytes a second that this GPU reads and writes while it copies."""
    block = torch.empty(size, dtype=torch.uint8, device="cuda")
    other = torch.empty_like(block)
    other.copy_(block)
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(rounds):
        other.copy_(block)
    torch.cuda.synchronize()
    return 2 * size * rounds / (time.perf_counter() - began)


def _cpus() -> int:
    """Count the CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
