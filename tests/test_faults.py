"""What a machine and a stage may do to a run: each end is clear, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laptop import Laptop

STAGES = ["one", "two", "three"]
# A runner whose wall clock goes back and forth by a day, each time it is asked.
JUMPY = """\
import datetime, itertools, sys
from pathlib import Path
from pipeline.clock import SystemClock
from pipeline import runner

class Jumpy(SystemClock):
    _turn = itertools.count()

    def now(self):
        day = datetime.timedelta(days=(-1) ** next(self._turn))
        return super().now() + day

folder, pyz = map(Path, sys.argv[1:])
argv = (sys.executable, "-I", "-S", str(pyz))
runner.run(folder, Jumpy(), self_argv=argv, umask=0o022)
"""


def with_stages(laptop: Laptop, stages: str) -> Laptop:
    """Declare these stages, and commit."""
    laptop.write("pipeline.yaml", f"name: x\nstages:\n{stages}")
    laptop.commit()
    return laptop


def test_a_clock_that_jumps_changes_nothing(chain: Laptop) -> None:
    """Time of day is only told; what waits counts ticks."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "one:begun"})
    chain.wait_for_runner(lives=False)
    (pyz,) = chain.home.glob(".pipeline/*/runner/*.pyz")

    subprocess.run(
        [sys.executable, "-c", JUMPY, str(chain.run_folder()), str(pyz)],
        env=chain.env,
        check=True,
        timeout=60,
    )

    assert chain.seals(next(chain.home.glob(".pipeline/*/code.git"))) == STAGES
    assert chain.story()[-1] == "run_ended"
    assert "done, 3 of 3" in chain.pipeline("status")


def test_one_that_is_out_of_memory_says_so(laptop: Laptop) -> None:
    """The kernel kills without a word; the reason asks the question."""
    with_stages(laptop, "  a: {sh: kill -KILL $$}\n")

    said = laptop.pipeline("run", code=4)

    assert "killed by signal 9 (SIGKILL); was it out of memory?" in said


def test_one_that_cannot_have_more_memory_fails_like_any_other(laptop: Laptop) -> None:
    """Its own last line is the reason."""
    laptop.write("stages/__init__.py", "")
    laptop.write(
        "stages/a.py",
        "import resource\n\ndef run(params, ctx):\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))\n"
        "    bytearray(1 << 30)\n",
    )
    with_stages(laptop, "  a: {run: stages.a}\n")

    said = laptop.pipeline("run", code=4)

    assert "stage 'a' failed: MemoryError" in said or "failed: MemoryError" in said


@pytest.mark.timeout(180)
def test_a_gigabyte_of_log_is_survived(laptop: Laptop) -> None:
    """What is published is bounded; what was printed last is there."""
    with_stages(
        laptop,
        "  a: {sh: 'yes 0123456789012345678901234567890123456789 |"
        " head -c 1000000000; echo; echo the last line'}\n",
    )

    laptop.pipeline("run", timeout_s=150)

    log = laptop.results / "a" / "stage.log"
    assert log.stat().st_size < 30_000_000
    assert log.read_bytes().endswith(b"the last line\n")
    assert "the log goes on in raw/ on the box" in log.read_text(errors="replace")


def test_a_line_without_end_is_survived(laptop: Laptop) -> None:
    """200 MB without a newline."""
    with_stages(laptop, "  a: {sh: 'head -c 200000000 /dev/zero | tr \"\\000\" x'}\n")

    laptop.pipeline("run")

    assert (laptop.results / "a" / "stage.log").stat().st_size < 30_000_000


def test_what_is_no_text_is_shown_tamed(laptop: Laptop) -> None:
    """Neither bytes that are no UTF-8 nor escapes reach a terminal."""
    printed = "\\377\\376 \\033]0;evil\\007\\033[2Jred\\n"
    with_stages(laptop, f"  a: {{sh: 'printf \"{printed}\"'}}\n")

    laptop.pipeline("run")
    said = laptop.pipeline("logs", "a")

    assert "\x1b" not in said
    assert "\x07" not in said
    assert "red" in said


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    subprocess.run(mount, check=True)
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_one_that_fills_the_temporary_folder_harms_only_itself(
    laptop: Laptop, small: Path
) -> None:
    """The runner needs no room there."""
    laptop.env["TMPDIR"] = str(small)
    with_stages(
        laptop,
        "  a: {sh: head -c 9999999 /dev/zero > $TMPDIR/x, on_failure: continue}\n"
        "  b: {sh: 'echo b > $OUT/b', outputs: [b]}\n",
    )

    laptop.pipeline("run", code=4)

    assert laptop.seals() == ["b"]


def test_one_that_closes_its_descriptors_is_told_why(laptop: Laptop) -> None:
    """Its numbers cannot be heard any more: that is a failure, and no silence."""
    laptop.write("stages/__init__.py", "")
    laptop.write(
        "stages/a.py",
        "import os\n\ndef run(params, ctx):\n"
        "    os.closerange(3, 256)\n    ctx.metric(x=1)\n",
    )
    with_stages(laptop, "  a: {run: stages.a}\n  b: {sh: 'true'}\n")

    said = laptop.pipeline("run", code=4)

    assert "a failed" in said


def test_one_that_commits_by_itself_moves_no_seal(laptop: Laptop) -> None:
    """Its worktree is its own; the run's branch has one writer."""
    who = "-c user.name=x -c user.email=x@y"
    with_stages(
        laptop,
        f"  a: {{sh: 'echo a > new; git add new; git {who} commit -qm mine;"
        " git branch -f mine; echo a > $OUT/a', outputs: [a]}\n"
        "  b: {sh: 'cat {a/a} > $OUT/b', outputs: [b]}\n",
    )

    laptop.pipeline("run")

    assert laptop.seals() == ["a", "b"]
    assert "mine" not in laptop.git("log", "--format=%s", f"run/{laptop.run_id}")


def test_data_that_cannot_be_read_is_named(laptop: Laptop) -> None:
    """A disk that gives EIO: nothing is started, and the file is said."""
    (laptop.home / "data").mkdir()
    (laptop.home / "data" / "bad").symlink_to("/proc/self/mem")  # EIO at its beginning
    laptop.write(
        "pipeline.yaml",
        "name: x\ndata: {d: {path: data, local: ~/data}}\n"
        "stages:\n  a: {sh: 'ls {data:d}'}\n",
    )
    laptop.commit()

    said = laptop.pipeline("run", code=6)

    assert "Input/output error" in said
    assert "bad" in said
    assert "Traceback" not in said
