"""What broke when somebody tried to break it: pushes that hang, secrets that are words.

Each was seen once, by hand.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.publishing import judge
from tests.afar import SLOW, Remote
from tests.laptop import Laptop, wait_until

if TYPE_CHECKING:
    from tests.lab import Host, Lab

PUSHED = """\
name: pushed
heartbeat: {every: 1s}
git: {push: origin}
stages:
  a: {sh: echo one > $OUT/a.txt}
"""
WORDS = """\
name: words
heartbeat: {every: 1s}
secrets: [A_WORD]
stages:
  training: {sh: 'echo "$A_WORD"; echo one > $OUT/a.txt', outputs: [a.txt]}
"""


def _pushes(port: int) -> list[int]:
    """Name the processes that talk to the port: git's own, started by a push."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"127.0.0.1:{port}/".encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def test_a_push_that_hangs_is_told_and_ends_with_its_watcher(tmp_path: Path) -> None:
    """Nobody learnt what was waited for, and ^C left git behind, for ever."""
    laptop = Laptop(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        laptop.git("remote", "add", "origin", f"http://127.0.0.1:{port}/x.git")
        laptop.write("pipeline.yaml", PUSHED)
        laptop.commit()
        watcher = laptop.spawn("run")
        assert watcher.stdout
        said = ""
        while "pushing run/" not in said:
            line = watcher.stdout.readline()
            assert line, said
            said += line
        assert _pushes(port)
        os.killpg(watcher.pid, signal.SIGINT)
        watcher.communicate(timeout=20)
        wait_until(lambda: not _pushes(port), "no push is left", 10.0)
    assert watcher.returncode == 130


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            (
                "ssh: connect to host h port 1: Connection refused\n"
                "fatal: Could not read from remote repository.\n"
            ),
            "ssh: connect to host h port 1: Connection refused",
        ),
        ("fatal: unable to access 'http://h/'\n", "fatal: unable to access"),
    ],
)
def test_of_a_push_the_line_that_says_why_is_told(told: str, said: str) -> None:
    """That git could not read from a remote says nothing of the network."""
    outcome = judge(128, told)
    assert outcome.said.startswith(said)
    assert outcome.may_again


@pytest.mark.parametrize(
    "told",
    ["fatal: strange pathname '-x' blocked\n", "fatal: transport 'ext' not allowed\n"],
)
def test_a_url_that_git_refuses_is_not_tried_again(told: str) -> None:
    """It held up the end of a run for 12 seconds."""
    assert not judge(128, told).may_again


def test_a_secret_that_is_a_stages_name_leaves_the_story_whole(tmp_path: Path) -> None:
    """The story told of a stage `***`, and the sealed one waited for ever."""
    laptop = Laptop(tmp_path)
    laptop.write("pipeline.yaml", WORDS)
    laptop.commit()
    laptop.pipeline("run", env={"A_WORD": "training"})
    assert "stage_sealed training" in laptop.story()
    assert "1 of 1 stages sealed" in laptop.pipeline("status")
    assert "training" not in (laptop.results / "training" / "stage.log").read_text()
    laptop.pipeline("pull", "training")


def test_a_plan_that_is_no_file_holds_up_no_listing(tmp_path: Path) -> None:
    """One pipe in the folder of runs, and `runs` and `adopt` waited for ever."""
    laptop = Laptop(tmp_path)
    laptop.write("pipeline.yaml", PUSHED.replace("git: {push: origin}\n", ""))
    laptop.commit()
    laptop.pipeline("run")
    odd = laptop.run_folder().parent / "20200101-0000-aaaa"
    odd.mkdir()
    os.mkfifo(odd / "plan.json")
    endless = laptop.run_folder().parent / "20200101-0000-bbbb"
    endless.mkdir()
    (endless / "plan.json").symlink_to("/dev/zero")
    said = laptop.pipeline("runs", "--host", "local", timeout_s=30.0)
    assert said.count("unreadable") == 2
    assert laptop.run_id in said


def test_a_new_address_is_met_though_the_old_one_is_still_open(
    tmp_path: Path, lab: Lab, box: Host, other_box: Host
) -> None:
    """The open connection counted as a meeting, and `doctor` led back to itself."""
    laptop = Remote(tmp_path)
    known, config = tmp_path / "known_hosts", tmp_path / "ssh_config"
    known.write_text(lab.known_hosts.read_text())
    text = (
        "Host moved\n HostName {address}\nHost *\n User root\n IdentitiesOnly yes\n"
        f" IdentityFile {lab.key}\n UserKnownHostsFile {known}\n"
        " GlobalKnownHostsFile /dev/null\n"
    )
    config.write_text(text.format(address=box.address))
    laptop.write(
        "pipeline.yaml", f"{SLOW}hosts: {{gpu: {{ssh: moved, config: {config}}}}}"
    )
    laptop.commit()
    laptop.pipeline("runs", "--host", "gpu")
    config.write_text(text.format(address=other_box.address))
    known.write_text("")
    said = laptop.pipeline("runs", "--host", "gpu", code=6)
    assert f"{other_box.address} port 22 has ED25519 SHA256:" in said
    assert "--accept-host-key SHA256:" in said


def test_a_link_to_nothing_is_no_place_for_runs(tmp_path: Path) -> None:
    """`doctor` looked at the home instead, and called the box fit."""
    laptop = Laptop(tmp_path)
    (laptop.home / ".pipeline").symlink_to(tmp_path / "gone" / "disk")
    said = laptop.pipeline("doctor", code=6)
    assert "FAIL  write rights" in said
    assert ".pipeline cannot be written to" in said


def test_a_box_that_takes_nothing_says_what_to_do(
    tmp_path: Path, lab: Lab, box: Host
) -> None:
    """It said `the command ended in 1`."""
    laptop = Remote(tmp_path).on(box, lab, SLOW)
    box.exec("touch ~/.pipeline")
    said = laptop.pipeline("run", "--host", "gpu", code=6)
    assert "host 'gpu' takes no files of ours" in said
    assert "pipeline doctor --host gpu" in said


def test_answers_that_stop_early_are_not_taken_for_a_bare_box(
    tmp_path: Path, lab: Lab, box: Host
) -> None:
    """A `git` without end filled what is heard, and Python was said to be missing."""
    laptop = Remote(tmp_path).on(box, lab, SLOW)
    box.exec(
        "printf '#!/bin/sh\\nhead -c 5000000 /dev/zero | tr \"\\\\0\" x\\n'"
        " > /usr/local/bin/git; chmod 755 /usr/local/bin/git"
    )
    said = laptop.pipeline("doctor", "--host", "gpu", code=6)
    assert "FAIL  git" in said
    assert "python3: not there" not in said
    assert "ok    python  " in said
