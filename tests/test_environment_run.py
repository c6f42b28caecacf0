"""A run builds its environment before its first stage, and plans by what it holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.afar import Remote
from tests.laptop import Laptop, wait_until
from tests.test_run import runner_pids
from tests.wheels import make_wheel

if TYPE_CHECKING:
    from tests.lab import Host, Lab

LOCK = "--no-index\n--find-links ./wheels\nsmall==1.0\n"
pytestmark = pytest.mark.timeout(180)  # a venv with a pip takes its time

STAGES = """\
heartbeat: {every: 1s}
stages:
  command:
    sh: python -c 'import small; print(small.VERSION)' > $OUT/v.txt
    outputs: [v.txt]
  module:
    run: stages.use
    outputs: [v.txt]
"""
USE = """\
import small


def run(params, ctx):
    with ctx.output("v.txt") as path:
        path.write_text(small.VERSION)
"""


def declare(laptop: Laptop, env: str, more: str = "") -> None:
    """Put a pipeline with an environment into the repository."""
    make_wheel(laptop.repo / "wheels", "small")
    laptop.write("requirements.lock", LOCK)
    laptop.write("stages/__init__.py", "")
    laptop.write("stages/use.py", USE)
    laptop.write("pipeline.yaml", f"name: envs\nenv: {env}\n{more}{STAGES}")
    laptop.commit()


def venvs(laptop: Laptop) -> list[Path]:
    """Give the environments that were built here."""
    return [p for p in laptop.home.glob(".pipeline/*/envs/*.*/venv") if p.is_dir()]


def test_stages_run_in_what_a_lock_says(laptop: Laptop) -> None:
    """The plan says that it is built first; then it is, once, and told."""
    declare(laptop, "{lock: requirements.lock}")

    planned = laptop.pipeline("plan")
    laptop.pipeline("run")

    assert "the environment requirements.lock, which is built first" in planned
    for stage, version in (("command", "1.0\n"), ("module", "1.0")):
        path = laptop.run_folder() / "tree" / "artifacts" / stage / "v.txt"
        assert path.read_text() == version
    said = json.loads((laptop.results / "environment.json").read_text())
    assert said["packages"] == {"small": "1.0"}
    assert (laptop.results / "requirements.freeze.txt").read_text() == "small==1.0\n"
    assert len(venvs(laptop)) == 1


def test_the_same_environment_again_reuses_what_is_sealed(laptop: Laptop) -> None:
    """A comment in the lock builds anew; what is installed is the same all the same."""
    declare(laptop, "{lock: requirements.lock}")
    laptop.pipeline("run")
    laptop.write("requirements.lock", f"# the same\n{LOCK}")

    laptop.pipeline("run")

    assert len(venvs(laptop)) == 2
    # All of the snapshot is a command's code, and the lock file is in it.
    started = [line for line in laptop.story() if line.startswith("stage_started")]
    assert started == ["stage_started command"]


def test_a_package_that_changed_runs_its_stages_again(
    laptop: Laptop, tmp_path: Path
) -> None:
    """In a Python of the user's own, which changes under the same path."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    wheels = tmp_path / "wheels"
    _install(venv, make_wheel(wheels, "small", "1.0"))
    declare(laptop, f"{{python: {venv}/bin/python}}")
    laptop.pipeline("run")
    assert "2 to reuse" in laptop.pipeline("plan")

    _install(venv, make_wheel(wheels, "small", "2.0"))

    said = laptop.pipeline("plan")
    assert "2 to execute" in said
    assert "package small: 1.0 -> 2.0" in said


def _install(venv: Path, wheel: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
    subprocess.run(
        [*pip, "-q", "install", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
    )


def test_what_cannot_be_built_ends_the_run(laptop: Laptop) -> None:
    """With 6 and the reason, before any stage; mended, the next run builds it."""
    declare(laptop, "{lock: requirements.lock}")
    laptop.write("requirements.lock", LOCK + "absent==3.0\n")

    said = laptop.pipeline("run", code=6)

    assert "environment requirements.lock cannot be built" in said
    assert "No matching distribution found for absent==3.0" in said
    assert [e["kind"] for e in laptop.events()].count("stage_started") == 0
    laptop.write("requirements.lock", LOCK)
    laptop.pipeline("run")


def test_a_runner_that_is_killed_while_it_builds_is_taken_up(
    laptop: Laptop, tmp_path: Path
) -> None:
    """The half-built one is never used."""
    go, began = tmp_path / "go", tmp_path / "began"
    wait = f"touch {began}; while [ ! -e {go} ]; do sleep 0.05; done"
    install = "pip install --no-index wheels/small-1.0-py3-none-any.whl"
    declare(laptop, f'{{setup: ["{install}", "{wait}"]}}')
    laptop.pipeline("run", "--detach")
    wait_until(began.exists, "it is being built", 120)
    for pid in runner_pids(laptop):
        os.kill(pid, signal.SIGKILL)
    laptop.wait_for_runner(lives=False)

    go.touch()
    laptop.pipeline("resume")

    assert sorted(laptop.seals()) == ["command", "module"]
    assert len(venvs(laptop)) == 1


def test_a_stage_that_lacks_a_module_is_refused_before_anything_runs(
    laptop: Laptop,
) -> None:
    """Checked by name, when the environment is there."""
    declare(laptop, "{lock: requirements.lock}")
    laptop.write("stages/use.py", "import no_such_module\n" + USE)

    said = laptop.pipeline("run", code=6)

    assert "stage 'module' imports 'no_such_module', which the environment" in said
    assert [e["kind"] for e in laptop.events()].count("stage_started") == 0


@pytest.mark.lab
@pytest.mark.timeout(180)
def test_a_box_builds_its_own(remote: Remote, box: Host, lab: Lab) -> None:
    """From what was shipped; a host's own `env` takes the place of the pipeline's."""
    host = f"hosts:\n  gpu: {{ssh: {box.name}, config: {lab.ssh_config},"
    more = f"{host} env: {{lock: requirements.lock}}}}\n"
    declare(remote, "{python: /nowhere}", more)

    remote.pipeline("run", "--host", "gpu", timeout_s=120)

    said = remote.pipeline(
        "shell", "gpu", "sh", "-c", "command -v python; cat */*/v.txt"
    )
    python, *versions = said.split()
    assert "/envs/" in python
    assert "".join(versions) == "1.01.0"
