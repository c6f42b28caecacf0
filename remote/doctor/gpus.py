"""Judge the GPUs of a box: how many, whose, and whether the lock's torch fits them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remote.doctor.asking import Answers
from remote.doctor.finding import Finding, fail, ok, warn
from remote.doctor.room import size
from remote.doctor.tools import Wanted

_MIB = 1024**2
_COLUMNS = 5
_APP_COLUMNS = 5
_SHOWN = 4  # processes that are named one by one


def judge(answers: Answers, wanted: Wanted) -> Iterator[Finding]:
    """Say how the GPUs are."""
    rows = _rows(answers)
    yield _count(answers, rows, wanted)
    if not rows:
        return
    yield _cuda(answers, rows[0][4], wanted)
    yield _others(answers)


def _rows(answers: Answers) -> list[list[str]]:
    """Give index, name, memory, memory in use and driver of each GPU."""
    if answers.one("smi.code") != "0":
        return []
    rows = ([word.strip() for word in line.split(",")] for line in answers.all("gpu"))
    return [row for row in rows if len(row) == _COLUMNS and row[0].isdecimal()]


def _count(answers: Answers, rows: list[list[str]], wanted: Wanted) -> Finding:
    said = f"stage {wanted.on_gpu!r} wants {wanted.gpus}" if wanted.gpus else ""
    if not rows:
        found = _no_gpu(answers)
        if not wanted.gpus:
            return ok("gpu", f"{found}; no stage asks for one")
        todo = "on the box: nvidia-smi; on EC2: a GPU type, an image with its driver"
        return fail("gpu", found, said, todo)
    names = [f"{row[1]} {_memory(row[2])}" for row in rows]
    found = f"{len(rows)} ({', '.join(sorted(set(names)))})"
    hidden = answers.one("visible")
    if len(rows) < wanted.gpus:
        todo = f"take another host, or lower stages.{wanted.on_gpu}.gpus"
        return fail("gpu", found, said, todo)
    if hidden:
        todo = "on the box: take it out of ~/.bashrc or /etc/environment"
        return warn("gpu", f"{found}; CUDA_VISIBLE_DEVICES is {hidden}", "unset", todo)
    return ok("gpu", found)


def _no_gpu(answers: Answers) -> str:
    if "smi.code" in answers.facts:
        told = answers.one("gpu") or f"it ended in {answers.one('smi.code')}"
        return f"nvidia-smi finds none: {told}"
    if answers.one("gpu.device"):
        return "a GPU, but no nvidia-smi"
    return "none that NVIDIA's driver knows"


def _memory(mebibytes: str) -> str:
    return size(int(mebibytes) * _MIB) if mebibytes.isdecimal() else ""


def _cuda(answers: Answers, driver: str, wanted: Wanted) -> Finding:
    """Hold what the driver knows against what torch of the lock is built for."""
    knows = answers.one("cuda")
    found = f"driver {driver}, which knows CUDA {knows or '?'}"
    if not wanted.torch:
        return ok("cuda", found)
    found += f"; the lock has torch {wanted.torch}"
    if wanted.torch_cuda == "cpu" and wanted.gpus:
        return fail("cuda", found, "a torch that is built for CUDA", _torch_for(knows))
    built = wanted.torch_cuda
    if built in ("", "cpu") or not knows:
        return ok("cuda", found)
    if major(knows) < major(built):
        wanted_text = (
            f"a driver that knows CUDA {major(built)}, for torch {wanted.torch}"
        )
        todo = f"{_torch_for(knows)}\nor on the box: a newer driver"
        return fail("cuda", found, wanted_text, todo)
    return ok("cuda", found)


def _torch_for(cuda: str) -> str:
    """Say which torch runs there; not every CUDA has one that is built for it."""
    return f"in the lock, a torch that is built for CUDA {cuda or '?'} or older"


def major(version: str) -> int:
    """Give the first number: a driver runs all that is built for its major CUDA."""
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0


def _others(answers: Answers) -> Finding:
    """Name the processes on the GPUs that are none of our runs."""
    rows = [line.split("|", _APP_COLUMNS - 1) for line in answers.all("app")]
    rows = [row for row in rows if len(row) == _APP_COLUMNS]
    foreign = [row for row in rows if "/.pipeline/" not in row[3]]
    ours = len(rows) - len(foreign)
    if not foreign:
        return ok("gpu processes", f"{ours} of our runs" if ours else "none")
    said = [
        f"{row[4].rpartition('/')[2] or '?'} (pid {row[0]}, {row[2] or 'unknown user'},"
        f" {_memory(row[1]) or 'memory not known'})"
        for row in foreign[:_SHOWN]
    ]
    pids = [row[0] for row in foreign[:_SHOWN]]
    more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
    return warn(
        "gpu processes",
        f"{', '.join(said)}{more}: none of our runs",
        "none but our own: a stage may run out of memory",
        f"ask whose it is; on the box: ps -fp {','.join(pids)}",
    )
