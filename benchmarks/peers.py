"""Other people's tools, from the registry, over the same pipeline as ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Act = Callable[[], object]

DODO = """\
DOIT_CONFIG = {"verbosity": 0}


def task_chain():
    for at in range(%(count)d):
        yield {
            "name": str(at),
            "actions": [f"echo {at} > f{at}"],
            "file_dep": [f"f{at - 1}"] if at else [],
            "targets": [f"f{at}"],
        }
"""
SNAKEFILE = """\
rule all:
    input: "f%(last)d"
rule first:
    output: "f0"
    shell: "echo 0 > {output}"
"""
RULE = """\
rule s%(at)d:
    input: "f%(before)d"
    output: "f%(at)d"
    shell: "echo %(at)d > {output}"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A tool: what to install, what to say once, and what to measure."""

    name: str
    version: str
    once: tuple[tuple[str, ...], ...] = ()
    run: tuple[str, ...]
    write: Callable[[Path, int], None]


def prepared(peer: Peer, place: Path, count: int) -> Act:
    """Install the peer, run its pipeline once, and give what runs it again."""
    bin_ = _installed(peer, place)
    folder = place / peer.name
    folder.mkdir()
    peer.write(folder, count)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    env = {**kept, "HOME": str(place), "PATH": f"{bin_}:{os.environ['PATH']}"}

    def call(argv: tuple[str, ...]) -> None:
        done = subprocess.run(
            argv, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert not done.returncode, f"{argv} failed:\n{done.stdout}{done.stderr}"

    for argv in (*peer.once, peer.run):
        call(argv)
    return lambda: call(peer.run)


def _installed(peer: Peer, place: Path) -> Path:
    """Make a virtual environment that holds the peer and nothing else."""
    home = place / f"{peer.name}.venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    wanted = f"{peer.name}=={peer.version}"
    subprocess.run([*pip, "--disable-pip-version-check", wanted], check=True)
    return home / "bin"


def _write_doit(folder: Path, count: int) -> None:
    (folder / "dodo.py").write_text(DODO % {"count": count})


def _write_dvc(folder: Path, count: int) -> None:
    lines = ["stages:"]
    for at in range(count):
        lines += [f"  s{at}:", f"    cmd: echo {at} > f{at}", f"    outs: [f{at}]"]
        lines += [f"    deps: [f{at - 1}]"] if at else []
    (folder / "dvc.yaml").write_text("\n".join(lines) + "\n")


def _write_snakemake(folder: Path, count: int) -> None:
    text = SNAKEFILE % {"last": count - 1}
    text += "".join(RULE % {"at": n, "before": n - 1} for n in range(1, count))
    (folder / "Snakefile").write_text(text)


DOIT = Peer(name="doit", version="0.37.0", run=("doit",), write=_write_doit)
DVC = Peer(
    name="dvc",
    version="3.67.1",
    once=(
        *(("git", "init", "-q"), ("dvc", "init", "-q")),
        ("dvc", "config", "core.analytics", "false"),
    ),
    run=("dvc", "repro", "-q"),
    write=_write_dvc,
)
SNAKEMAKE = Peer(
    name="snakemake",
    version="9.27.1",
    run=("snakemake", "-c1", "-q", "all"),
    write=_write_snakemake,
)
