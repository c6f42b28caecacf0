"""Judge what a box has room for: our folder, disk, inodes, memory, processors."""

from __future__ import annotations

import re
from collections.abc import Iterator

from remote.doctor.asking import Answers
from remote.doctor.finding import Finding, fail, ok, warn
from remote.doctor.tools import Wanted

_KB, _MB, _GB = 1024, 1024**2, 1024**3
LEAST_DISK = 200 * _MB  # a runner, a small repository, a few results
LOW_DISK = 2 * _GB
LOW_DISK_TORCH = 12 * _GB  # torch with its CUDA libraries, unpacked, and its download
LEAST_INODES, LOW_INODES = 2_000, 50_000  # an environment with torch has 30,000 files
LOW_MEMORY = 512 * _MB
_STEP = 1000
_COUNTS = re.compile(r"\s(\d+)\s+(\d+)\s+(\d+)\s+\d+%")


def judge(answers: Answers, wanted: Wanted) -> Iterator[Finding]:
    """Say what there is room for."""
    yield _home(answers)
    yield _disk(answers, wanted)
    if inodes := _inodes(answers, wanted):
        yield inodes
    yield _memory(answers)
    cpus = answers.one("cpus")
    yield ok("cpus", cpus if cpus.isdecimal() else "not known")


def size(count: float) -> str:
    """Say a number of bytes as people do."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while count >= _STEP and len(units) > 1:
        count /= _STEP
        del units[0]
    return f"{count:.3g} {units[0]}"


def _home(answers: Answers) -> Finding:
    place = answers.one("place")
    if why := answers.one("write.no"):
        return fail(
            "write rights",
            f"{place} cannot be written to: {why}",
            "~/.pipeline is a folder of ours",
            f"on the box: ls -ld {place}; df {place}",
        )
    if "write" not in answers.facts:
        return ok("write rights", "not known")
    if "exec" not in answers.facts:
        return fail(
            "write rights",
            f"{place} can be written to, but no program runs from it",
            "programs may run from ~/.pipeline: environments lie there",
            "on the box: mount ~/.pipeline without noexec, or link it to another disk",
        )
    return ok("write rights", f"{place}, and programs run from it")


def _counts(answers: Answers, key: str) -> tuple[int, int]:
    """Give how many there are, and how many are free; zeros where nobody knows."""
    found = _COUNTS.search(answers.one(key))
    return (int(found[1]), int(found[3])) if found else (0, 0)


def _clear(wanted: Wanted) -> str:
    where = f" --host {wanted.host}" if wanted.host else ""
    return f"see what can go: pipeline gc{where}"


def _disk(answers: Answers, wanted: Wanted) -> Finding:
    total, free = (count * _KB for count in _counts(answers, "disk"))
    if not total:
        return ok("disk", "not known")
    needs_torch = bool(wanted.torch)
    low = LOW_DISK_TORCH if needs_torch else LOW_DISK
    found = f"{size(free)} free of {size(total)}"
    todo = _clear(wanted)
    if free < LEAST_DISK:
        return fail("disk", found, f"{size(LEAST_DISK)} free at least", todo)
    if free < low:
        why = ": an environment with torch is large" if needs_torch else ""
        return warn("disk", found, f"{size(low)} free{why}", todo)
    return ok("disk", found)


def _inodes(answers: Answers, wanted: Wanted) -> Finding | None:
    total, free = _counts(answers, "inodes")
    if not total:  # Btrfs, and some network disks, do not count them
        return None
    found = f"{free:,} free of {total:,}"
    todo = _clear(wanted)
    if free < LEAST_INODES:
        return fail("inodes", found, f"{LEAST_INODES:,} free at least", todo)
    if free < LOW_INODES:
        return warn("inodes", found, f"{LOW_INODES:,} free for an environment", todo)
    return ok("inodes", found)


def _memory(answers: Answers) -> Finding:
    total, free = (_kilobytes(answers.one(key)) for key in ("MemTotal", "MemAvailable"))
    if bare := answers.one("mem.size"):
        total = int(bare) if bare.isdecimal() else 0
        return ok("memory", size(total) if total else "not known")
    limits = [int(text) for text in answers.all("mem.limit") if text.isdecimal()]
    limit = min([total, *limits])
    if not total:
        return ok("memory", "not known")
    found = f"{size(min(free, limit))} free of {size(limit)}"
    if limit < total:
        found += f" (its container's limit; the machine has {size(total)})"
    if min(free, limit) < LOW_MEMORY:
        todo = "on the box: see what holds it: ps aux --sort=-rss | head"
        return warn("memory", found, f"{size(LOW_MEMORY)} free", todo)
    return ok("memory", found)


def _kilobytes(text: str) -> int:
    number = text.partition(" ")[0]
    return int(number) * _KB if number.isdecimal() else 0
