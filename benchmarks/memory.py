"""How much memory a runner holds while it supervises."""

from __future__ import annotations

import re
from pathlib import Path

from tests.laptop import Laptop, wait_until

TEXT = """\
name: memory
stages:
  a: {sh: "touch $CHECKPOINTS/up; for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done"}
"""


def bench(place: Path) -> list[tuple[str, str, str]]:
    """Read what the kernel says of the runner, and of its helpers together."""
    laptop = Laptop(place / "memory")
    laptop.write("pipeline.yaml", TEXT)
    laptop.commit()
    laptop.pipeline("run", "--detach")
    wait_until((laptop.run_folder() / "checkpoints/a/up").exists, "the stage is up")
    home = str(laptop.run_folder())
    begun = _processes("pyz\0begin")
    (runner,) = [p for p in begun if str((p / "cwd").readlink()) == home]
    ours = f"PPid:\t{runner.name}\n"
    keepers = [p for p in _processes("pyz\0keeper") if ours in _status(p)]
    held, beside = _resident(runner), sum(map(_resident, keepers))
    laptop.wait_for_runner(lives=False)
    return [
        ("runner, resident at most (at most 40 MB)", f"{held:.1f} MB", ""),
        ("its keeper", f"{beside:.1f} MB", ""),
    ]


def _processes(words: str) -> list[Path]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if words.encode() in (path / "cmdline").read_bytes():
                found.append(path)
        except OSError:
            continue
    return found


def _status(process: Path) -> str:
    return (process / "status").read_text()


def _resident(process: Path) -> float:
    """Give the most megabytes it ever held."""
    found = re.search(r"VmHWM:\s+(\d+) kB", _status(process))
    return int(found[1]) * 1024 / 1e6 if found else 0.0
