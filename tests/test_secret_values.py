"""Values of `secrets` reach the stages that name them, and nothing that lasts."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError, SpecError
from pipeline.reading import spec
from pipeline.schema import Resolved
from pipeline.secrets import values
from pipeline.secrets.blot import holds, secret_values
from pipeline.wire import Beginning, Resuming, encode_request, read_resuming
from tests.afar import Remote
from tests.attended import Terminal
from tests.laptop import Laptop, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab import Host, Lab

VALUE = "tok/en+0123456789\"abc'def"
OTHER = "another-0123456789"
HIDDEN = secret_values({"A": VALUE, "B": OTHER}, named="AB")

# It prints and reports its secret in every way, and waits where it is told to.
LEAKY = '''\
"""A stage that cannot hold its tongue."""

import base64
import json
import os
import pathlib
import sys
import time
import urllib.parse


def run(params, ctx):
    value = os.environ["MY_KEY"]
    raw = value.encode()
    go_on = pathlib.Path(os.environ["CHECKPOINTS"], "go")
    pause_s = 0.0 if go_on.exists() else 0.4
    print(value, repr(value), raw.hex(), json.dumps({"key": value}))
    print(urllib.parse.quote(value, safe=""), urllib.parse.quote_plus(value))
    for before in (b"", b"x", b"xy"):
        print(base64.b64encode(before + raw + b"!").decode())
        print(base64.urlsafe_b64encode(before + raw + b"!").decode())
    print(base64.encodebytes(b"head" * 9 + raw + b"tail" * 9).decode())
    print(value[:6], flush=True)
    time.sleep(pause_s)
    print(value[6:], flush=True)
    sys.stdout.write(value[:9])
    sys.stdout.flush()
    time.sleep(2 * pause_s)
    print(value[9:])
    print(f"::progress 1/2 {value}=1")
    ctx.tick(1, 2, **{value: 1.0})
    ctx.metric(**{value: 1.0, "loss": 0.5})
    print("printed", flush=True)
    while not go_on.exists():
        time.sleep(0.02)
    with ctx.output("model.txt") as path:
        path.write_text("fine")
    if not (go_on.parent / "failed").exists():
        (go_on.parent / "failed").touch()
        raise ValueError(f"the key {value} was refused")
    with ctx.result("metrics.json") as path:
        path.write_text(json.dumps({f"of {value}": 2}))
'''
TEXT = """\
name: leaky
secrets: [MY_KEY]
heartbeat: {every: 1s}
notify: {command: 'env > ~/noticed'}
stages:
  leak:
    run: stages.leak
    outputs: [model.txt]
    retries: 1
"""
NARROW = """\
name: narrow
secrets: [MY_KEY, OTHER_KEY]
stages:
  all: {sh: 'echo "${MY_KEY:+one} ${OTHER_KEY:+two}"'}
  one: {sh: 'echo "${MY_KEY:+one} ${OTHER_KEY:+two}"', secrets: [OTHER_KEY]}
  none: {sh: 'echo "${MY_KEY:+one} ${OTHER_KEY:+two}"', secrets: []}
"""
ECHO = """\
name: echo
secrets: [MY_KEY]
stages:
  say: {sh: 'test "$MY_KEY" = "$(cat %s)"; echo $MY_KEY'}
"""
MINE = {"MY_KEY": VALUE}
BOTH = {"MY_KEY": VALUE, "OTHER_KEY": OTHER}


def with_text(laptop: Laptop, text: str) -> Laptop:
    """Give the laptop a pipeline."""
    laptop.write("pipeline.yaml", text)
    laptop.write("stages/__init__.py", "")
    laptop.write("stages/leak.py", LEAKY)
    laptop.commit()
    return laptop


def leaks(*folders: Path) -> Iterator[str]:
    """Name each file below in whose name or content a secret stands."""
    for folder in folders:
        for path in folder.rglob("*"):
            name = os.fsencode(path.relative_to(folder))
            data = path.read_bytes() if path.is_file() else b""
            if holds(name, HIDDEN) or holds(data, HIDDEN):
                yield str(path)


def leaks_in_git(*repositories: Path) -> Iterator[str]:
    """Name each repository in one of whose objects a secret stands."""
    for git_dir in repositories:
        said = subprocess.run(
            ["git", "cat-file", "--batch-all-objects", "--batch"],
            env={**os.environ, "GIT_DIR": str(git_dir)},
            capture_output=True,
            check=True,
        )
        assert said.stdout
        if holds(said.stdout, HIDDEN):
            yield str(git_dir)


def leaks_in_processes() -> Iterator[str]:
    """Name each process of this machine with a secret among its arguments."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if holds(path.read_bytes(), HIDDEN):
                yield str(path)
        except OSError:
            continue  # it has ended


def runner_pid(laptop: Laptop) -> int:
    """Find the runner of this laptop's run among the processes of this machine."""
    folder = str(laptop.run_folder())
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            is_ours = os.readlink(path.parent / "cwd") == folder
            if is_ours and path.read_text().strip() == "pipeline-run":
                return int(path.parent.name)
        except OSError:
            continue
    raise AssertionError("there is no runner")


def lasting(laptop: Laptop) -> list[Path]:
    """Give the repositories of a run: that of the user, and that of the box."""
    return [laptop.repo / ".git", *laptop.home.glob(".pipeline/*/code.git")]


def test_no_file_process_or_commit_holds_a_secret(laptop: Laptop) -> None:
    """During a run that prints, reports and raises it in every way, and after it.

    But for the raw log while the stage writes it, and the stage's own environment.
    """
    with_text(laptop, TEXT)
    laptop.pipeline("run", "--detach", env=MINE)
    log = laptop.run_folder() / "tree" / "results" / "leak" / "stage.log"
    wait_until(lambda: log.exists() and b"printed" in log.read_bytes(), "it printed")
    story = log.parent.parent / "events.jsonl"
    wait_until(lambda: b"stage_measured" in story.read_bytes(), "it measured")

    raw = str(laptop.run_folder() / "raw")
    found = [one for one in leaks(laptop.home, laptop.repo) if raw not in one]
    assert found == []
    assert list(leaks_in_processes()) == []
    environ = Path(f"/proc/{runner_pid(laptop)}/environ").read_bytes()
    assert not holds(environ, HIDDEN)

    (laptop.run_folder() / "checkpoints" / "leak" / "go").touch()
    said = laptop.pipeline("attach")

    assert not holds(said.encode(), HIDDEN)
    assert "the key *** was refused" in said
    assert list(leaks(laptop.home, laptop.repo)) == []
    assert list(leaks_in_git(*lasting(laptop))) == []
    assert laptop.seals() == ["leak"]
    assert "***" in (laptop.results / "leak" / "stage.log").read_text()
    assert json.loads((laptop.results / "leak" / "metrics.json").read_text()) == {
        "***": 1.0,
        "of ***": 2,
        "loss": 0.5,
    }


def test_names_are_those_of_the_pipeline_unless_a_stage_has_its_own() -> None:
    """An empty list says: none."""
    pipeline = spec.parse(NARROW.replace("[MY_KEY, OTHER_KEY]", "[MY_KEY, A1, MY_KEY]"))

    got = {stage.name: stage.secrets for stage in pipeline.stages}
    assert got == {"all": ("MY_KEY", "A1"), "one": ("OTHER_KEY",), "none": ()}
    assert pipeline.secrets == ("MY_KEY", "A1", "OTHER_KEY")


def test_a_request_carries_them_and_never_shows_them() -> None:
    """Who resumes without a request, as a box does by itself, has none."""
    asked = Resuming(secrets=BOTH)
    text = encode_request(asked)

    assert read_resuming(io.BytesIO(text)) == asked
    assert read_resuming(io.BytesIO(b"")) == Resuming()
    assert VALUE not in repr(asked)
    assert VALUE not in repr(Beginning(plan=planned(), secrets=BOTH))


def test_a_box_begins_no_run_without_its_secrets() -> None:
    """Whoever asks it to."""
    values.check(planned(), BOTH)

    with pytest.raises(HostError, match="needs secrets that did not come: OTHER_KEY"):
        values.check(planned(), MINE)


def planned() -> Resolved:
    """Give a plan whose stages have secrets."""
    pipeline = spec.parse(NARROW)
    return Resolved(
        run="r", project="p", host="h", snapshot="0", branch="b", pipeline=pipeline
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("KEY", "'secrets' should be a list of names, found 'KEY'"),
        ("{KEY: value}", "'secrets' should be a list of names, found a mapping"),
        ("[sk-0123]", "'secrets' should hold names of environment variables"),
        ("[1KEY]", "'secrets' should hold names of environment variables"),
        ("[[KEY]]", "'secrets' should hold texts, found a list"),
        ("[PATH]", "'secrets' cannot hold 'PATH': every stage has it"),
        ("[PIPELINE_RUN]", "'secrets' cannot hold 'PIPELINE_RUN': every stage has it"),
    ],
)
def test_what_is_no_name_is_refused(said: str, message: str) -> None:
    """Where it stands."""
    with pytest.raises(SpecError) as caught:
        spec.parse(NARROW.replace("[MY_KEY, OTHER_KEY]", said))

    assert f": {message}\n" in str(caught.value)


def test_a_stage_gets_the_secrets_it_names(laptop: Laptop) -> None:
    """Those of the pipeline where it names none, and none where it says so."""
    with_text(laptop, NARROW)

    laptop.pipeline("run", env=BOTH)

    said = {
        name: (laptop.results / name / "stage.log").read_text().split()
        for name in ("all", "one", "none")
    }
    assert said == {"all": ["one", "two"], "one": ["two"], "none": []}


def test_a_missing_secret_is_named_before_anything_is_sent(laptop: Laptop) -> None:
    """With what to type; nothing of a run was made, here or there."""
    with_text(laptop, NARROW)

    said = laptop.pipeline("run", env={"OTHER_KEY": OTHER}, code=2)

    assert said == (
        "secret 'MY_KEY' is not set on this machine; nothing was started\n"
        "  set it and try again:\n  export MY_KEY=...\n"
    )
    assert not list(laptop.home.glob(".pipeline/*/runs/*"))
    assert "no run" in laptop.pipeline("attach", code=2)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1234567", "secret 'MY_KEY' has 7 letters; 8 are the least"),
        ("a b c d e f g", "secret 'MY_KEY' has 7 letters; 8 are the least"),
        ("x" * 32_001, "secret 'MY_KEY' has 32001 bytes; 32000 are the most"),
    ],
    ids=["short", "airy", "long"],
)
def test_a_value_that_cannot_be_hidden_is_refused(
    laptop: Laptop, value: str, said: str
) -> None:
    """And never shown, not even then."""
    with_text(laptop, ECHO)

    told = laptop.pipeline("run", env={"MY_KEY": value}, code=2)

    assert told.startswith(said)
    assert value not in told


def test_a_secret_is_asked_for_on_a_terminal(laptop: Laptop) -> None:
    """It is not shown while it is typed; the stage gets it as it was."""
    (laptop.home / "wanted").write_text(VALUE)
    with_text(laptop, ECHO % (laptop.home / "wanted"))
    terminal = Terminal(laptop, "run", "--detach")

    terminal.see("MY_KEY (a secret; it is not shown): ")
    terminal.type(VALUE)
    assert terminal.end() == 0
    assert VALUE not in terminal.seen

    laptop.pipeline("attach")


def test_a_run_goes_on_with_its_secrets(laptop: Laptop) -> None:
    """They are asked for again, as nobody kept them: in time to clean what was left."""
    with_text(laptop, TEXT)
    laptop.pipeline("run", "--detach", env=MINE)
    log = laptop.run_folder() / "tree" / "results" / "leak" / "stage.log"
    wait_until(lambda: log.exists() and b"printed" in log.read_bytes(), "it printed")
    os.kill(runner_pid(laptop), 9)
    laptop.wait_for_runner(lives=False)

    said = laptop.pipeline("resume", code=2)
    assert said.startswith("secret 'MY_KEY' is not set on this machine")
    (laptop.run_folder() / "checkpoints" / "leak" / "go").touch()
    laptop.pipeline("resume", env=MINE)

    assert laptop.seals() == ["leak"]
    assert list(leaks(laptop.home, laptop.repo)) == []
    # What is done, or runs, needs none.
    assert "is done" in laptop.pipeline("resume")


def test_a_box_gets_no_variable_it_was_not_promised(laptop: Laptop) -> None:
    """A name that only the box says is not looked up; it may be typed, or not."""
    with_text(laptop, NARROW)
    laptop.pipeline("run", env={**BOTH, "PIPELINE_DIE_AT": "one:begun"}, code=None)
    plan = laptop.run_folder() / "plan.json"
    plan.write_text(plan.read_text().replace("MY_KEY", "ITS_KEY"))

    said = laptop.pipeline("resume", env={**BOTH, "ITS_KEY": VALUE}, code=2)

    assert said == (
        "the box asks for secret 'ITS_KEY'; nothing was started\n"
        "  neither pipeline.yaml nor this run names it: try again on a terminal\n"
    )
    plan.write_text(plan.read_text().replace("ITS_KEY", "\\u001b[2J"))
    said = laptop.pipeline("resume", env=BOTH, code=6)
    assert "which is no secret" in said
    assert "\x1b" not in said


def test_a_file_that_holds_a_secret_stays_out_of_git(laptop: Laptop) -> None:
    """It is the user's own and stays as it is; that it is not in git is said."""
    text = (
        "name: x\nstages:\n  a:\n    secrets: [MY_KEY]\n    outputs: [o.txt]\n"
        '    sh: printf "%s" "$MY_KEY" > $RESULTS/config.json; '
        'printf "%s" "$MY_KEY" | base64 > $OUT/o.txt; echo ok > $OUT/p.txt\n'
    )
    with_text(laptop, text)

    said = laptop.pipeline("run", env=BOTH)

    for name in ("artifacts/o.txt", "results/config.json"):
        assert f"a secret stands in a file, which is not in git: {name}" in said
    assert list(leaks_in_git(*lasting(laptop))) == []
    listed = laptop.git("ls-tree", "-r", "--name-only", f"run/{laptop.run_id}")
    assert "artifacts/a/p.txt" in listed
    assert (laptop.results / "a" / "config.json").read_text() == VALUE
    assert "all whole" in laptop.pipeline("verify")
    again = laptop.pipeline("run", env=BOTH)
    assert "all of it is sealed already" in again


def test_gc_keeps_what_is_not_in_git_for_its_secret(laptop: Laptop) -> None:
    """It is small, and yet the store has the only copy that another run can take."""
    text = (
        "name: x\nstages:\n  a:\n    secrets: [MY_KEY]\n    outputs: [o.txt]\n"
        '    sh: printf "%s" "$MY_KEY" > $OUT/o.txt\n'
    )
    with_text(laptop, text)
    laptop.pipeline("run", env=BOTH)
    (lies,) = laptop.home.glob(".pipeline/*/store/" + "[0-9a-f]" * 64)
    os.utime(lies, (0, 0))

    laptop.pipeline("gc", "--yes")

    assert lies.read_text() == VALUE


def test_a_file_named_after_a_secret_is_refused(laptop: Laptop) -> None:
    """Its name would stand in the manifest and in the commit."""
    text = (
        "name: x\nsecrets: [OTHER_KEY]\nstages:\n"
        "  a: {sh: 'touch $OUT/$OTHER_KEY.txt'}\n"
    )
    with_text(laptop, text)

    said = laptop.pipeline("run", env=BOTH, code=4)

    assert "named a file after a secret, which cannot be sealed" in said
    assert OTHER not in said


def test_a_secret_is_no_part_of_the_fingerprint(laptop: Laptop) -> None:
    """Not even a hash of it, which could be guessed: another value changes nothing."""
    with_text(laptop, NARROW)
    laptop.pipeline("run", env=BOTH)

    said = laptop.pipeline("run", env={**BOTH, "MY_KEY": "quite-another-one"})

    assert "all of it is sealed already" in said


def test_debug_asks_on_the_terminal(laptop: Laptop) -> None:
    """Nothing is sent along to a command that has the terminal for itself."""
    (laptop.home / "wanted").write_text(VALUE)
    with_text(laptop, ECHO % (laptop.home / "wanted"))
    laptop.pipeline("run", env=BOTH)

    said = laptop.pipeline("debug", "say", code=2)
    assert said.startswith("stage 'say' needs the secret 'MY_KEY'")

    terminal = Terminal(laptop, "debug", "say")
    terminal.see("MY_KEY (a secret; not shown): ")
    terminal.type(VALUE)
    assert terminal.end() == 0


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_box_keeps_no_secret(remote: Remote, box: Host, lab: Lab) -> None:
    """Neither its files and processes, nor the laptop's, during the run or after it."""
    with_text(remote, TEXT)
    remote.on(box, lab, (remote.repo / "pipeline.yaml").read_text())
    remote.pipeline("run", "--host", "gpu", "--detach", env=MINE)
    watcher = remote.spawn("attach")
    log = remote.results / "leak" / "stage.log"
    wait_until(lambda: log.exists() and b"printed" in log.read_bytes(), "it printed")

    found = leaks(box.home, remote.home, remote.repo)
    assert [one for one in found if "/raw/" not in one] == []
    # A box's processes are processes of this machine, too.
    assert list(leaks_in_processes()) == []
    environ = box.exec("cat /proc/$(pgrep -ox pipeline-run)/environ")
    assert not holds(environ.encode(), HIDDEN)

    box.exec("cd ~/.pipeline/*/runs/*/checkpoints/leak && touch go")
    said, _ = watcher.communicate(timeout=60)

    assert watcher.returncode == 0, said
    assert not holds(said.encode(), HIDDEN)
    assert list(leaks(box.home, remote.home, remote.repo)) == []
    on_box = box.home.glob(".pipeline/*/code.git")
    assert list(leaks_in_git(remote.repo / ".git", *on_box)) == []
