"""Hashing 1 GiB of input, against `sha256sum` in the same run."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.measure import in_turns, paired_ratio
from pipeline import artifact

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 1 << 30
_BLOCK = bytes(range(256)) * 4096


def bench(place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure both over one file, which the system holds in memory for both."""
    path = place / "input"
    with path.open("wb") as file:
        for _ in range(SIZE // len(_BLOCK)):
            file.write(_BLOCK)
    said: dict[str, str] = {}

    def ours() -> None:
        said["ours"] = artifact.sha256_of(path)

    def theirs() -> None:
        done = subprocess.run(["sha256sum", str(path)], capture_output=True, check=True)
        said["theirs"] = done.stdout.split()[0].decode()

    ours()
    found = in_turns({"ours": ours, "theirs": theirs}, rounds=rounds)
    assert said["ours"] == said["theirs"]
    path.unlink()
    ratio = paired_ratio(found["ours"], found["theirs"])
    against = f"{ratio:.2f} x sha256sum (at most 1.2)"
    return [
        ("hashing 1 GiB of input", str(found["ours"]), against),
        ("sha256sum of the same", str(found["theirs"]), "1"),
    ]
