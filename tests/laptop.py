"""A researcher's laptop in a test: a home, a repository, and the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
PATIENCE_S = 60.0

CHAIN = """\
name: chain
params: {seed: 3}
heartbeat: {every: 1s}
stages:
  one:
    sh: printf 'one\\n' > $OUT/one.txt; printf '{"x":1}' > $RESULTS/metrics.json
    outputs: [one.txt]
    gates: [x >= 1]
  two:
    sh: cat {one/one.txt} > $OUT/two.txt; echo two {seed} >> $OUT/two.txt
    outputs: [two.txt]
  three:
    run: stages.three
    inputs: [two/two.txt]
    outputs: [three.txt]
"""
THREE = '''\
"""The third stage: a module."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    times: int = 2


def run(params, ctx):
    text = ctx.input("two/two.txt").read_text()
    for turn in range(params.times):
        ctx.tick(turn + 1, params.times, loss=1.0 / (turn + 1))
    with ctx.output("three.txt") as path:
        path.write_text(text * params.times)
    with ctx.figure("curve.svg") as path:
        path.write_text("<svg/>")
    ctx.metric(length=len(text))
    print("three is done")
'''


class Laptop:
    """One home with one repository, apart from the home of whoever runs the tests."""

    def __init__(self, root: Path) -> None:
        """Make an empty repository with an empty home beside it."""
        self.home = root / "home"
        self.repo = root / "repo"
        self.home.mkdir(parents=True)
        self.repo.mkdir()
        kept = ("PATH", "LANG", "TERM", "TMPDIR")
        self.env = {k: os.environ[k] for k in kept if k in os.environ}
        self.env |= {
            "HOME": str(self.home),
            "PYTHONPATH": str(CHECKOUT),
            "PYTHONWARNINGS": "error",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.git("init", "-q", "-b", "main")

    def git(self, *args: str, check: bool = True) -> str:
        """Run git in the repository, as somebody."""
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        done = subprocess.run(
            ["git", *who, *args],
            cwd=self.repo,
            env=self.env,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr}")
        return done.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        """Write a file of the repository."""
        path = self.repo / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self, message: str = "a commit") -> str:
        """Commit all there is."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def with_chain(self) -> Laptop:
        """Put a pipeline of three stages into the repository."""
        self.write("pipeline.yaml", CHAIN)
        self.write("stages/__init__.py", "")
        self.write("stages/three.py", THREE)
        self.commit("a pipeline")
        return self

    def spawn(
        self, *args: str, env: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start the command; its output is one pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", *args],
            cwd=self.repo,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def pipeline(
        self,
        *args: str,
        code: int | None = 0,
        env: dict[str, str] | None = None,
        timeout_s: float = PATIENCE_S,
    ) -> str:
        """Run the command to its end; give what it said."""
        process = self.spawn(*args, env=env)
        try:
            said, _ = process.communicate(timeout=timeout_s)
        finally:
            process.kill()
            process.wait()
        if code is not None:
            assert process.returncode == code, f"ended in {process.returncode}:\n{said}"
        return said

    @property
    def run_id(self) -> str:
        """The latest run."""
        records = (self.repo / ".pipeline" / "runs").glob("*.json")
        return max(records, key=lambda path: path.stat().st_mtime).stem

    @property
    def results(self) -> Path:
        """The latest run's results, as the laptop sees them."""
        return self.repo / "results" / self.run_id

    def events(self) -> list[dict[str, object]]:
        """The story of the latest run."""
        path = self.results / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def story(self) -> list[str]:
        """The latest run's story in short: kind and stage, less ticks and numbers."""
        return [
            f"{event['kind']} {event.get('stage', '')}".strip()
            for event in self.events()
            if event["kind"] not in ("stage_ticked", "stage_measured")
        ]

    def run_folder(self) -> Path:
        """The latest run's folder on this machine as a box."""
        (folder,) = self.home.glob(f".pipeline/*/runs/{self.run_id}")
        return folder

    def seals(self, git_dir: Path | None = None) -> list[str]:
        """The stages sealed on the latest run's branch, oldest first."""
        wanted = "--format=%(trailers:key=Stage,valueonly)"
        return self._git_of(git_dir)("log", "--reverse", wanted, self._branch).split()

    def trees(self, git_dir: Path | None = None) -> dict[str, str]:
        """What each seal of the latest run holds of its stage, as git names it."""
        git = self._git_of(git_dir)
        found = {}
        log = git("log", "--format=%H %(trailers:key=Stage,valueonly)", self._branch)
        for line in log.splitlines():
            commit, _, stage = line.strip().partition(" ")
            if stage:
                listing = git("ls-tree", "-r", commit, f"results/{stage}", "artifacts")
                found[stage] = listing
        return found

    @property
    def _branch(self) -> str:
        return f"run/{self.run_id}"

    def _git_of(self, git_dir: Path | None) -> Callable[..., str]:
        if git_dir is None:
            return self.git
        return lambda *args: self.git("--git-dir", str(git_dir), *args)

    def wait_for_event(self, wanted: str, *, patience_s: float = 30.0) -> None:
        """Wait until the mirror tells of an event, written as in `story`."""
        wait_until(lambda: wanted in self._story_so_far(), wanted, patience_s)

    def _story_so_far(self) -> list[str]:
        try:
            return self.story()
        except (FileNotFoundError, ValueError):
            return []

    def wait_for_runner(self, *, lives: bool) -> None:
        """Wait until this machine's runner of the latest run lives, or is gone."""
        from pipeline.files import is_locked

        lock = self.run_folder() / "runner.lock"
        wait_until(lambda: is_locked(lock) is lives, f"runner lives: {lives}", 30.0)


def wait_until(holds: Callable[[], bool], what: str, patience_s: float = 30.0) -> None:
    """Wait for something to become true, for so long and no longer."""
    deadline = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s:g} s in vain for: {what}")
        time.sleep(0.02)
