"""The mathematics of models/ against its peers, in an environment of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).parent / "contests"
NAMES = sorted(path.stem for path in HERE.glob("[a-z]*.py"))

Rows = list[tuple[str, str, str]]


def bench(place: Path, *, rounds: int) -> Rows:
    """Hold every contest, each measurement on one thread."""
    python = _with_peers(place / "peers.venv")
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    told = subprocess.run(
        [str(python), "-m", "benchmarks.contests", str(rounds), *NAMES],
        cwd=ROOT,
        env={**os.environ, **one, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    rows = (json.loads(line) for line in told.stdout.splitlines())
    return [(what, measured, against) for what, measured, against in rows]


def _with_peers(home: Path) -> Path:
    """Make an environment that sees ours, and has the peers besides.

    It has our torch and numpy, so that both sides of a contest compute with the same.
    """
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / "bin" / "python"
    own, ours = (_packages(which) for which in (str(python), sys.executable))
    Path(own, "ours.pth").write_text(ours + "\n")
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    pinned = ["--constraint", str(ROOT / "requirements.lock")]
    wanted = ["--requirement", str(HERE / "peers.txt")]
    subprocess.run([*pip, "--disable-pip-version-check", *pinned, *wanted], check=True)
    return python


def _packages(python: str) -> str:
    """Tell where an interpreter keeps its packages."""
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    told = subprocess.run(
        [python, "-c", asked], stdout=subprocess.PIPE, text=True, check=True
    )
    return told.stdout.strip()
