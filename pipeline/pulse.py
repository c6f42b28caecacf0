"""Proof of life: HEARTBEAT.txt, written by the runner and read by anyone.

Lines of `key: value`, made for `watch cat`; the beat number only grows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

_BEAT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """One beat, and how the box is. Sizes are bytes; -1 means not known here."""

    beat: int
    at: str
    run: str
    stages: Sequence[str]
    elapsed_s: float
    progress_age_s: float
    load: float
    memory_free: int
    memory_total: int
    disk_free: int
    disk_total: int
    gpus: Sequence[str]
    last_line: str

    def text(self) -> str:
        """Write it for HEARTBEAT.txt."""
        lines = [
            f"beat: {self.beat}",
            f"time: {self.at}",
            f"run: {self.run}",
            f"stage: {', '.join(self.stages) or '-'}",
            f"elapsed: {self.elapsed_s:.0f} s",
            f"progress age: {self.progress_age_s:.0f} s",
            f"load: {self.load:.2f}",
            f"memory: {_of(self.memory_free, self.memory_total)}",
            f"disk: {_of(self.disk_free, self.disk_total)}",
            *(f"gpu {line}" for line in self.gpus),
            f"log: {self.last_line}",
        ]
        return "\n".join(lines) + "\n"


def parse(text: str) -> dict[str, str]:
    """Read HEARTBEAT.txt as its lines; a foreign text gives an empty mapping."""
    pairs = (line.partition(": ") for line in text.split("\n"))
    return {key: value for key, colon, value in pairs if colon}


def beat_of(text: str) -> int:
    """Give the beat number of a heartbeat text, -1 when there is none."""
    number = parse(text).get("beat", "")
    return int(number) if _BEAT.fullmatch(number) else -1


def _of(free: int, total: int) -> str:
    if total < 0:
        return "unknown"
    return f"{size(free)} free of {size(total)}"


def many(count: int, noun: str) -> str:
    """Say how many there are: 1 file, 3 files."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def size(count: float) -> str:
    """Say a number of bytes: 512 B, 1.4 MB, 23.5 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
