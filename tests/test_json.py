"""What scripts read: one JSON document, or one to a line, with keys that stay.

The keys are told in docs/json.md. One may be added; none goes and none changes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import arguments
from pipeline.declared import actions
from tests.laptop import wait_until

if TYPE_CHECKING:
    from tests.laptop import Laptop

DOCS = Path(__file__).parent.parent / "docs" / "json.md"
RUN_KEYS = {
    *("run", "name", "host", "branch", "snapshot", "is_dirty", "started_at"),
    *("state", "is_guess", "exit_code", "sealed", "stages"),
}
STATUS_KEYS = {
    *("run", "name", "host", "branch", "snapshot", "is_dirty", "state", "stages"),
    *("runner_lives", "seen_s_ago", "started_at", "last_at", "resumed"),
    *("exit_code", "reason", "results"),
}
STAGE_KEYS = {
    *("name", "needs", "status", "attempt", "started_at", "done", "total"),
    *("numbers", "metrics", "commit", "subject", "duration_s", "reason"),
    *("share", "rate", "left_s", "silent_s", "last_tick_at", "reuses"),
}
ANYWHERE = {"doctor", "pack"}  # they need no pipeline.yaml
ERROR_KEYS = {"exit_code", "message", "hint", "is_transient"}


def asked(laptop: Laptop, *args: str, code: int = 0) -> tuple[list[Any], str]:
    """Run the command; give each line of its stdout as JSON, and its stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *args],
        cwd=laptop.repo,
        env=laptop.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def one(laptop: Laptop, *args: str, code: int = 0) -> Any:
    """Give the one document a command prints."""
    (document,), _ = asked(laptop, *args, code=code)
    return document


def test_a_run_that_is_done(laptop: Laptop) -> None:
    """Each verb that shows it has a document, or lines of them."""
    laptop.with_chain()
    laptop.pipeline("run")
    run = laptop.run_id

    (told,) = one(laptop, "runs", "--json")["runs"]
    assert set(told) >= RUN_KEYS
    assert (told["state"], told["is_guess"], told["exit_code"]) == ("done", False, 0)
    assert (told["sealed"], told["stages"]) == (3, 3)

    status = one(laptop, "status", "--json")
    assert set(status) >= STATUS_KEYS
    assert (status["run"], status["state"], status["runner_lives"]) == (
        run,
        "done",
        False,
    )
    assert [stage["name"] for stage in status["stages"]] == ["one", "two", "three"]
    for stage in status["stages"]:
        assert set(stage) >= STAGE_KEYS
        assert stage["status"] == "sealed"

    lines, _ = asked(laptop, "logs", "--json")
    assert lines == [{"stage": "three", "line": "three is done"}]

    pulled = one(laptop, "pull", "--json")
    assert set(pulled) == {"run", "folder", "fetched", "files"}
    assert [file["stage"] for file in pulled["files"]] == ["one", "two", "three"]
    for file in pulled["files"]:
        assert set(file) == {"stage", "path", "size", "sha256"}
        assert Path(file["path"]).stat().st_size == file["size"]
    (few,) = one(laptop, "pull", "--json", "two")["files"]
    assert few["stage"] == "two"

    stop = one(laptop, "stop", "--json")
    assert stop == {"run": run, "host": "local", "is_asked": False}
    resume = one(laptop, "resume", "--json")
    assert resume == {"run": run, "host": "local", "is_resumed": False}

    events, said = asked(laptop, "attach", "--json")
    assert said == ""
    kinds = [event["kind"] for event in events if event["kind"] != "link"]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_ended"
    assert kinds.count("stage_sealed") == 3
    assert all("at" in event for event in events)


def test_a_run_under_way_is_a_stream(laptop: Laptop) -> None:
    """Its lines come as things happen; interrupted, it says nothing more."""
    laptop.write(
        "pipeline.yaml",
        "name: x\nstages:\n  a: {sh: 'until [ -e ../go ]; do sleep 0.1; done'}\n",
    )
    laptop.commit()
    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_started a")
    assert one(laptop, "runs", "--json")["runs"][0]["state"] == "running"
    assert one(laptop, "status", "--json")["runner_lives"] is True

    watcher = laptop.spawn("attach", "--json")
    assert watcher.stdout is not None
    line = ""
    while "stage_started" not in line:
        line = watcher.stdout.readline()
        assert json.loads(line)
    os.kill(watcher.pid, signal.SIGINT)
    rest, _ = watcher.communicate(timeout=30)

    assert watcher.returncode == 130
    assert all(json.loads(line)["kind"] == "link" for line in rest.splitlines())

    assert one(laptop, "stop", "--json")["is_asked"] is True
    laptop.wait_for_event("run_ended")
    status = one(laptop, "status", "--json")
    assert (status["state"], status["exit_code"]) == ("stopped", 130)
    laptop.wait_for_runner(lives=False)
    assert one(laptop, "resume", "--detach", "--json")["is_resumed"] is True
    (laptop.run_folder() / "go").touch()
    events, _ = asked(laptop, "attach", "--json")
    assert {"run_resumed", "run_ended"} <= {event["kind"] for event in events}


def test_a_dead_run_is_said_to_be(laptop: Laptop) -> None:
    """Its runner is gone and told no end; whoever attaches gets the error too."""
    laptop.write("pipeline.yaml", "name: x\nstages:\n  a: {sh: sleep 100}\n")
    laptop.commit()
    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_started a")
    pulse = laptop.run_folder() / "runner.lock"
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and holds(entry, pulse):
            os.kill(int(entry.name), signal.SIGKILL)
    laptop.wait_for_runner(lives=False)

    assert one(laptop, "runs", "--json")["runs"][0]["state"] == "dead"
    assert one(laptop, "status", "--json")["state"] == "dead"
    lines, said = asked(laptop, "attach", "--json", code=6)
    assert lines[-1]["error"]["exit_code"] == 6
    assert "no runner lives" in lines[-1]["error"]["message"]
    assert "no runner lives" in said
    wait_until(lambda: laptop.pipeline("resume", "--detach") != "", "a runner")
    laptop.pipeline("stop")


def holds(process: Path, file: Path) -> bool:
    """Tell whether a process has a file open."""
    try:
        return any(link.readlink() == file for link in (process / "fd").iterdir())
    except OSError:
        return False


def test_before_anything_was_heard(laptop: Laptop) -> None:
    """No runs, and a run nobody heard of: documents of the same shape."""
    laptop.with_chain()
    assert one(laptop, "runs", "--json") == {"runs": []}
    record = (
        '{"run":"20261120-1710-a3f9","name":"x","project":"x-1","branch":"run/x",'
        '"snapshot":"9f","prefix":".","started_at":"2026-11-20T17:10:03Z",'
        '"host":{"name":"ec2","ssh":"box"}}'
    )
    laptop.write(".pipeline/runs/20261120-1710-a3f9.json", record)

    (told,) = one(laptop, "runs", "--json")["runs"]
    status = one(laptop, "status", "--json")

    assert (told["state"], told["host"]) == ("not heard of", "ec2")
    assert set(status) >= STATUS_KEYS
    assert (status["state"], status["stages"]) == ("not heard of", [])
    assert status["runner_lives"] is None
    assert status["seen_s_ago"] is None


def test_a_log_that_is_no_text(laptop: Laptop) -> None:
    """Each line is an object all the same, and a torn last line is one too."""
    test_before_anything_was_heard(laptop)
    log = laptop.write("results/20261120-1710-a3f9/a/stage.log", "")
    log.write_bytes(b'caf\xe9 "x"\n\n\x1b[1m\nlast')
    story = '{"v":1,"at":"x","kind":"run_ended","exit_code":0,"reason":"done"}\n'
    laptop.write("results/20261120-1710-a3f9/events.jsonl", story)

    lines, _ = asked(laptop, "logs", "--json")

    assert [line["line"] for line in lines] == [
        *('caf\N{REPLACEMENT CHARACTER} "x"', "", "\x1b[1m", "last")
    ]


JSON_VERBS = [
    name
    for name, verb in arguments.declare().parsers.items()
    if any("--json" in action.option_strings for action in actions(verb))
]


@pytest.mark.parametrize("verb", [verb for verb in JSON_VERBS if verb not in ANYWHERE])
def test_an_error_is_a_document_too(laptop: Laptop, verb: str) -> None:
    """On stdout for the script, on stderr for the person, and the code as ever."""
    given = {"explain": ["stage"], "data": ["status"]}.get(verb, [])
    (document,), said = asked(laptop, verb, *given, "--json", code=2)

    error = document["error"]
    assert set(error) == ERROR_KEYS
    assert error["exit_code"] == 2
    assert error["message"].startswith("no pipeline.yaml in ")
    assert said == f"{error['message']}\n  {error['hint']}\n"


def test_a_wrong_command_line_is_an_error_too(laptop: Laptop) -> None:
    """Whoever said --json reads JSON, whatever else they said."""
    error = one(laptop, "status", "--json", "--hots", code=2)["error"]

    assert error["message"] == "pipeline status: no option is called '--hots'"


@pytest.mark.parametrize("verb", JSON_VERBS)
def test_each_document_is_told_in_the_docs(verb: str) -> None:
    """A verb that speaks JSON has its part of docs/json.md."""
    assert f"## {verb}\n" in DOCS.read_text()


def test_each_key_is_told_in_the_docs() -> None:
    """By its name, in code."""
    told = DOCS.read_text()

    for key in (*RUN_KEYS, *STATUS_KEYS, *STAGE_KEYS, *ERROR_KEYS):
        assert f"`{key}`" in told, key
