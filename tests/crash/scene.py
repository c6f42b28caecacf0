"""A pipeline of three stages that can be halted anywhere, and what is left of its run.

one    a shell stage
two    a shell stage; one of its files is too large for git, so the store takes part
three  a module
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.laptop import Laptop, wait_until

if TYPE_CHECKING:
    from tests.crash.cells import Cell

PIPELINE = """\
name: crash
params: {seed: 3}
git: {max_file: 4kB}
heartbeat: {every: 1s}
env: {python: PYTHON}
stages:
  one:
    sh: |
      sh wait.sh first
      printf 'one\\n' > $OUT/one.txt
      sh wait.sh half
      printf '{"x": 1}' > $RESULTS/metrics.json
      sh wait.sh written
    outputs: [one.txt]
    gates: [x >= 1]
    retries: 1
  two:
    sh: |
      sh wait.sh first
      truncate -s 20000 $OUT/large.bin
      yes 'a large file' | head -c 20000 | dd conv=notrunc status=none of=$OUT/large.bin
      sh wait.sh half
      cat {one/one.txt} > $OUT/two.txt; echo two {seed} >> $OUT/two.txt
      sh wait.sh written
    outputs: [two.txt, large.bin]
    retries: 1
  three:
    run: stages.three
    inputs: [two/two.txt, two/large.bin]
    outputs: [three.txt]
    retries: 1
"""
# What waits is held by a file that is there, outside of all folders of the run.
WAIT = """\
attempt=${OUT%/out}
attempt=${attempt##*.}
if [ "$CRASH_FAILS" = "$PIPELINE_STAGE" ] && [ "$attempt" = 1 ]; then exit 1; fi
case "$CRASH_WAITS" in
  "$PIPELINE_STAGE:$1:$attempt"|"$PIPELINE_STAGE:$1:any")
    : > "$CRASH_FOLDER/waits"
    while [ -e "$CRASH_FOLDER/hold" ]; do sleep 0.02; done;;
esac
"""
THREE = '''\
"""The third stage: a module."""

import hashlib
import os
import time
from pathlib import Path


def wait(ctx, point):
    attempt = os.environ["OUT"].removesuffix("/out").rpartition(".")[2]
    if os.environ.get("CRASH_FAILS") == "three" and attempt == "1":
        raise ValueError("the first try fails")
    wanted = os.environ.get("CRASH_WAITS")
    if wanted in (f"three:{point}:{attempt}", f"three:{point}:any"):
        folder = Path(os.environ["CRASH_FOLDER"])
        (folder / "waits").touch()
        while (folder / "hold").exists():
            time.sleep(0.02)


def run(params, ctx):
    wait(ctx, "first")
    text = ctx.input("two/two.txt").read_text()
    large = ctx.input("two/large.bin").read_bytes()
    with ctx.figure("curve.svg") as path:
        path.write_text("<svg/>")
    wait(ctx, "half")
    with ctx.output("three.txt") as path:
        path.write_text(text + hashlib.sha256(large).hexdigest())
    ctx.metric(length=len(text))
    wait(ctx, "written")
'''
PATIENCE_S = 100.0  # a machine under load proves nothing


class Scene(Laptop):
    """A laptop with this pipeline, and eyes for the processes of its home."""

    def __init__(self, root: Path) -> None:
        """Make the repository; nothing has run."""
        super().__init__(root)
        self.folder = root
        # A bare Python: with all that the tests' own has, each start takes longer.
        bare = str(Path(sys.base_prefix, "bin", "python3"))
        self.write("pipeline.yaml", PIPELINE.replace("PYTHON", bare))
        self.write("wait.sh", WAIT)
        self.write("stages/__init__.py", "")
        self.write("stages/three.py", THREE)
        self.commit("a pipeline")

    def halting(self, cell: Cell) -> dict[str, str]:
        """Give the variables that make a run wait at the point of a cell."""
        from tests.crash.cells import CHILD_POINTS

        given = {"CRASH_FOLDER": str(self.folder)}
        attempt = "any" if cell.kind == "again" else cell.attempt
        if cell.attempt > 1:
            given["CRASH_FAILS"] = cell.stage
        if cell.point in CHILD_POINTS:
            given["CRASH_WAITS"] = f"{cell.stage}:{cell.point}:{attempt}"
            return given
        if cell.point == "started":  # so that there is somebody to kill
            given["CRASH_WAITS"] = f"{cell.stage}:first:{attempt}"
        return {**given, "PIPELINE_HALT_AT": f"{cell.stage}:{cell.point}"}

    def hold(self) -> None:
        """Let the stage wait where it is to."""
        (self.folder / "waits").unlink(missing_ok=True)
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        """Let a waiting stage go on."""
        (self.folder / "hold").unlink(missing_ok=True)

    def wait_until_halted(self, cell: Cell) -> None:
        """Wait until the point of the cell is reached, and nothing moves there."""
        from tests.crash.cells import CHILD_POINTS

        if cell.point in CHILD_POINTS:
            wait_until((self.folder / "waits").exists, cell.name, PATIENCE_S)
            return
        comes_first_too = cell.point in ("begun", "started", "ended")
        for turn in range(cell.attempt if comes_first_too else 1):
            if turn:
                self.go_on()
            wait_until(lambda: bool(self.halted()), cell.name, PATIENCE_S)
        if cell.point == "started":
            wait_until((self.folder / "waits").exists, cell.name, PATIENCE_S)

    def go_on(self) -> None:
        """Let what is halted go on."""
        for pid in self.halted():
            os.kill(pid, signal.SIGCONT)

    def processes(self) -> Iterator[tuple[int, str, bytes]]:
        """Give the living processes of this home: pid, name, and what stands behind."""
        mark = f"HOME={self.home}\0".encode()
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                environ = Path("/proc", name, "environ").read_bytes()
                if mark not in environ:
                    continue
                command = Path("/proc", name, "cmdline").read_bytes()
                short = Path("/proc", name, "comm").read_text().strip()
            except OSError:
                continue
            if command:  # a zombie has none
                yield int(name), short, command + b"\0" + environ

    def halted(self) -> list[int]:
        """Give the processes that stopped at a point."""
        return [pid for pid, _, _ in self.processes() if _state(pid) == "T"]

    def runners(self) -> list[int]:
        """Give the runner, or the process that makes a run."""
        return [
            pid
            for pid, name, text in self.processes()
            if name == "pipeline-run" or b".pyz\0begin\0" in text
        ]

    def keepers(self) -> list[int]:
        """Give the keeper."""
        return [p for p, _, text in self.processes() if b".pyz\0keeper\0" in text]

    def children(self) -> list[int]:
        """Give the processes of stages."""
        return [p for p, _, text in self.processes() if b"\0PIPELINE_ATTEMPT=" in text]

    def kill(self, *pids: int) -> None:
        """Kill these, as nothing else does."""
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def wait_until_still(self, *, but: int = 0) -> None:
        """Wait until nothing of this home lives any more."""

        def is_still() -> bool:
            self.go_on()  # the next try comes by the same point
            return not [pid for pid, _, _ in self.processes() if pid != but]

        wait_until(is_still, "nothing is left alive", PATIENCE_S)

    def sealed_trees(self) -> dict[str, str]:
        """Give what the seals of this home's newest run hold, asked of the box."""
        return self.trees(self.code)

    def told(self) -> list[str]:
        """Give the stages whose seals were told, in the order of telling."""
        path = self.run_folder() / "tree" / "results" / "events.jsonl"
        lines = [line for line in path.read_bytes().splitlines() if b'"kind"' in line]
        wanted = b'"kind":"stage_sealed"'
        return [
            line.split(b'"stage":"')[1].split(b'"')[0].decode()
            for line in lines
            if wanted in line
        ]

    @property
    def code(self) -> Path:
        """The repository of the box."""
        (found,) = self.home.glob(".pipeline/*/code.git")
        return found

    def damaged_store(self) -> list[str]:
        """Give the files of the store that are not what their names say."""
        found = []
        for path in self.home.glob(".pipeline/*/store/*"):
            if len(path.name) != 64:
                continue
            if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
                found.append(path.name)
        return found


def _state(pid: int) -> str:
    try:
        text = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]
