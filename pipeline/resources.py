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
        self,
        *,
        jobs: int,
        cpus: int,
        gpus: tuple[str, ...],
        locks: Path,
        run: str = "",
    ) -> None:
        """Count `cpus`; the GPUs named `gpus` are locked by files in `locks`.

        run: whose stages these are; others that wait for its GPU are told.
        """
        self._run = run
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
        return self._take_gpus(stage, wanted)

    def _take_gpus(self, stage: Stage, cpus: int) -> Share | None:
        self._locks.mkdir(parents=True, exist_ok=True)
        taken: dict[str, int] = {}
        for gpu in self._gpus:
            if len(taken) == stage.gpus:
                break
            handle = files.open_lock(self._lock(gpu))
            if handle is not None:
                taken[gpu] = handle
        share = Share(cpus=cpus, gpus=tuple(taken), locks=tuple(taken.values()))
        if len(taken) == stage.gpus:
            for handle in share.locks:
                files.sign_lock(handle, f"{self._run} {stage.name}\n")
            return share
        # All or nothing: two runs that each hold half would wait for ever.
        share.close()
        return None

    def waits_for(self, stage: Stage, held: Mapping[str, Share]) -> str:
        """Say which GPUs other runs keep from a stage that could start but for them.

        Nothing is said of what this run itself takes: that is seen already.
        """
        ours = {gpu for share in held.values() for gpu in share.gpus}
        busy = sum(share.cpus for share in held.values())
        wants_more = len(self._gpus) - len(ours) < stage.gpus
        if not stage.gpus or wants_more or busy + stage.cpus > self._cpus:
            return ""
        theirs = [gpu for gpu in self._gpus if gpu not in ours]
        found = [f"GPU {gpu} ({who})" for gpu in theirs if (who := self._holder(gpu))]
        return f"waits for {', '.join(found)}" if found else ""

    def _holder(self, gpu: str) -> str:
        """Name who holds a GPU now, as the holder wrote it down."""
        path = self._lock(gpu)
        if not files.is_locked(path):
            return ""
        run, _, stage = path.read_text("utf-8", "replace").strip().partition(" ")
        return f"stage {stage} of run {run} has it" if stage else "another run has it"

    def _lock(self, gpu: str) -> Path:
        return self._locks / f"{gpu}.lock"

    @property
    def gpus(self) -> int:
        """How many GPUs the box has for this user."""
        return len(self._gpus)


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
