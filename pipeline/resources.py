"""What of the box a stage takes while it runs: processors, GPUs, a place among jobs.

Processors are counted within one run. A GPU is taken by a lock on the box, held by the
stage's own processes too, so that no two runs share one, whoever dies first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline import files, supervise
from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipeline.schema import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one running stage holds: GPU names and the locks that say so."""

    cpus: int
    gpus: tuple[str, ...] = ()
    locks: tuple[int, ...] = ()

    def close(self) -> None:
        """Give it back; a GPU is free when the last process that got its lock ended."""
        for handle in self.locks:
            os.close(handle)


class Resources:
    """What one run may use at a time."""

    def __init__(
        self, *, jobs: int, cpus: int, gpus: tuple[str, ...], locks: Path
    ) -> None:
        """Count `cpus`; the GPUs named `gpus` are locked by files in `locks`."""
        self._jobs = jobs
        self._cpus = cpus
        self._gpus = gpus
        self._locks = locks

    def check(self, stages: Iterable[Stage]) -> None:
        """Refuse a stage this box can never run, before anything is started."""
        for stage in stages:
            if stage.gpus > len(self._gpus):
                message = (
                    f"stage {stage.name!r} wants {stage.gpus} GPU, "
                    f"and this box has {len(self._gpus)}"
                )
                raise HostError(message, hint="choose another host with --host")

    def are_jobs_taken(self, held: Mapping[str, Share]) -> bool:
        """Tell whether so many run that no other may start, whichever it is."""
        return len(held) >= self._jobs

    def take(self, stage: Stage, held: Mapping[str, Share]) -> Share | None:
        """Take what `stage` declared, or None when it must wait.

        A stage that wants more processors than there are gets all of them, alone.
        """
        busy = sum(share.cpus for share in held.values())
        wanted = min(stage.cpus, self._cpus)
        if len(held) >= self._jobs or busy + wanted > self._cpus:
            return None
        if not stage.gpus:
            return Share(cpus=wanted)
        return self._take_gpus(stage.gpus, wanted)

    def _take_gpus(self, count: int, cpus: int) -> Share | None:
        self._locks.mkdir(parents=True, exist_ok=True)
        taken: dict[str, int] = {}
        for gpu in self._gpus:
            if len(taken) == count:
                break
            handle = files.open_lock(self._locks / f"{gpu}.lock")
            if handle is not None:
                taken[gpu] = handle
        share = Share(cpus=cpus, gpus=tuple(taken), locks=tuple(taken.values()))
        if len(taken) == count:
            return share
        # All or nothing: two runs that each hold half would wait for ever.
        share.close()
        return None


def usable_cpus() -> int:
    """Count the processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def visible_gpus(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Give the names of the GPUs this user may use here."""
    said = supervise.listen(
        ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader"),
        timeout_s=20,
    )
    present = tuple(
        line.strip() for line in said.splitlines() if line.strip().isdigit()
    )
    allowed = environment.get("CUDA_VISIBLE_DEVICES")
    if allowed is None:
        return present
    named = tuple(name.strip() for name in allowed.split(",") if name.strip())
    # A GPU may be named by its UUID, which says nothing of its index.
    return tuple(name for name in named if name in present or not name.isdigit())
