"""The one command: light to start, and honest about how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.laptop import Laptop

HEAVY = {"yaml", "rich", "paramiko", "fabric", "numpy", "torch", "boto3", "git"}
RECORD = (
    '{"run":"RUN","name":"x","project":"x-1","branch":"run/RUN",'
    '"snapshot":"9f","prefix":".","started_at":"2026-11-20T17:10:03Z"}'
)
RUN = "20261120-1710-a3f9"


def remember(laptop: Laptop) -> None:
    """Put a run on the laptop that it once started."""
    laptop.with_chain()
    laptop.write(f".pipeline/runs/{RUN}.json", RECORD.replace("RUN", RUN))
    laptop.write(f"results/{RUN}/one/stage.log", "a line\n" * 3)


def imported(*args: str, laptop: Laptop) -> set[str]:
    """Name the packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipeline", *args],
        cwd=laptop.repo,
        env=laptop.env,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if "import time:" in line)
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize(
    "args", [("--help",), ("--version",), ("run", "--help"), ("status",), ("runs",)]
)
def test_what_asks_nobody_starts_at_once(laptop: Laptop, args: tuple[str, ...]) -> None:
    """Nothing is imported that reads YAML, draws pictures or speaks SSH."""
    remember(laptop)

    found = imported(*args, laptop=laptop)

    assert "argparse" in found
    assert not found & {*HEAVY, "remote"}


# what is typed, its exit code, and what is said
ROWS: dict[str, tuple[tuple[str, ...], int, str]] = {
    "well": (("check",), 0, "3 stages, 2 inputs, 3 outputs, 1 gate; no mistake found"),
    "no such verb": (("dance",), 2, "no verb is called 'dance'\n  see them all with"),
    "a near verb": (("rnu",), 2, "no verb is called 'rnu'\n  did you mean 'run'?"),
    "no verb": ((), 2, "pipeline: say what to do\n  see: pipeline --help"),
    "a near option": (("run", "--hots", "x"), 2, "'--hots'\n  did you mean '--host'?"),
    "a shortened option": (("run", "--det"), 2, "did you mean '--detach'?"),
    "a verb's option first": (
        ("--host", "x", "run"),
        2,
        "no option is called '--host'",
    ),
    "a word too many": (("stop", "a", "b"), 2, "'b' is one word too many"),
    "no number": (("run", "--jobs", "x"), 2, "argument --jobs: invalid int value: 'x'"),
    "no value": (("run", "--host"), 2, "--host: expected one argument"),
    "help of no verb": (("help", "statsu"), 2, "did you mean 'status'?"),
    "no such host": (("run", "--host", "mars"), 2, "no host is called 'mars'"),
    "no such param": (("run", "--set", "sed=1"), 2, "sed"),
    "no jobs": (("run", "--jobs", "0"), 2, "--jobs should be 1 or more, found 0"),
    "no such run": (("status", "nope"), 2, "no run is called 'nope'"),
    "no such file": (("check", "--file", "nowhere"), 2, "nowhere/pipeline.yaml is not"),
    "nothing printed": (("logs", "nope"), 2, "stage 'nope' has printed nothing"),
    "by its folder": (("check", "--file", "."), 0, "no mistake found"),
}


@pytest.mark.parametrize(("args", "code", "said"), ROWS.values(), ids=ROWS)
def test_how_a_command_ends(
    laptop: Laptop, args: tuple[str, ...], code: int, said: str
) -> None:
    """Each row: what was typed, how it ends, and what is said of it."""
    remember(laptop)
    laptop.write(
        f"results/{RUN}/events.jsonl",
        '{"v":1,"at":"x","kind":"run_ended","exit_code":0,"reason":"done"}\n',
    )

    assert said in laptop.pipeline(*args, code=code)


@pytest.mark.parametrize("args", [("run",), ("status",), ("runs",), ("attach",)])
def test_without_a_pipeline_the_way_to_one_is_told(
    laptop: Laptop, args: tuple[str, ...]
) -> None:
    """Whatever was asked for."""
    said = laptop.pipeline(*args, code=2)

    assert said.startswith(f"no pipeline.yaml in {laptop.repo}, nor above it\n")
    assert "--file" in said


def test_a_folder_below_the_pipeline_will_do(laptop: Laptop) -> None:
    """As with git: the nearest one above is meant."""
    remember(laptop)
    laptop.write("a/b/x", "")
    laptop.repo = laptop.repo / "a" / "b"

    assert "3 stages" in laptop.pipeline("check")


def test_a_wrong_pipeline_ends_in_2(laptop: Laptop) -> None:
    """Line and column first, so that an editor can jump there."""
    laptop.write("pipeline.yaml", "name: x\nstages:\n  a: {shh: x}\n")

    assert laptop.pipeline("check", code=2).startswith("pipeline.yaml:3:")


def test_a_bug_of_ours_ends_in_70_and_leaves_a_log(
    laptop: Laptop, tmp_path: Path
) -> None:
    """With all that is needed to find it; no traceback for the user."""
    remember(laptop)
    laptop.write("datetime.py", "1 / 0  # what a module of ours imports")
    laptop.env["TMPDIR"] = str(tmp_path)

    said = laptop.pipeline("runs", code=70)

    (log,) = tmp_path.glob("pipeline-bug-*.log")
    assert said == (
        "a bug of ours: ZeroDivisionError: division by zero\n"
        "  runs on a box are not affected\n"
        f"  please send this file: {log}\n"
    )
    assert "Traceback (most recent call last)" in log.read_text()
    assert "verb: ['runs']" in log.read_text()


def test_a_run_does_not_come_home_to_a_folder_of_the_users(laptop: Laptop) -> None:
    """Refused before anything began; their folder is as it was."""
    laptop.with_chain()
    laptop.write("results/table.csv", "1\n")
    laptop.commit()

    said = laptop.pipeline("run", code=2)

    assert said == (
        "results/ is tracked in git, and runs come home there\n"
        "  move what is yours: git mv results old_results\n"
    )
    assert not laptop.git("status", "--short")
    assert not list((laptop.repo / "results").glob(".git*"))


def test_what_this_machine_refuses_is_no_bug(laptop: Laptop) -> None:
    """A full disk, a folder that may not be written: which, and where."""
    remember(laptop)
    record = laptop.repo / ".pipeline/runs/20261120-1711-0000.json"
    record.mkdir()

    assert laptop.pipeline("runs", code=6) == (
        f"this machine: Is a directory: {record}\n  runs on a box are not affected\n"
    )


@pytest.mark.parametrize("verb", ["status", "attach", "run"])
def test_a_name_that_is_no_text_is_shown(laptop: Laptop, verb: str) -> None:
    """A stage failed over such a file; the message names it as well as it can."""
    text = "name: x\nstages:\n  a: {sh: 'ln -s x $OUT/$(printf \"l\\351\")'}\n"
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    said = laptop.pipeline("run", code=None)

    if verb != "run":
        said = laptop.pipeline(verb, code=None)

    assert "is not a plain file" in said
    assert "l\\udce9" in (laptop.results / "PROGRESS.txt").read_text()
    assert "bug" not in said


@pytest.mark.parametrize("args", [("runs",), ("status",), ("--help",), ("logs", "one")])
def test_a_reader_that_has_seen_enough_is_no_error(
    laptop: Laptop, args: tuple[str, ...]
) -> None:
    """`pipeline runs | head -1`: nothing is said, and nothing is wrong."""
    remember(laptop)
    laptop.write(
        f"results/{RUN}/events.jsonl",
        '{"v":1,"at":"x","kind":"run_ended","exit_code":0,"reason":"done"}\n',
    )
    here, far = os.pipe()
    os.close(here)

    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *args],
        cwd=laptop.repo,
        env=laptop.env,
        stdout=far,
        stderr=subprocess.PIPE,
        check=False,
    )

    os.close(far)
    assert (done.returncode, done.stderr) == (0, b"")
