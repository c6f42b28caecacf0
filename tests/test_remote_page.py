"""docs/remote.md, typed as it stands, on a box with sshd, git and Python only."""

from __future__ import annotations

import os
import pty
import pwd
import re
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.laptop import CHECKOUT, Laptop

if TYPE_CHECKING:
    from tests.lab import Host, Lab

PAGE = CHECKOUT / "docs" / "remote.md"
BLOCK = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROMPT = "ready> "
PATIENCE_S = 40.0
# OpenSSH looks for its files in the home that passwd names, whatever HOME says.
HOME = Path(pwd.getpwuid(os.getuid()).pw_dir)


class Shell:
    """A person at a shell, who types what a page says."""

    def __init__(self, laptop: Laptop, ssh: Path) -> None:
        """Open it where `~/.ssh` is the folder `ssh`, and nobody else sees that."""
        (HOME / ".ssh").mkdir(mode=0o700, exist_ok=True)
        self._ours, theirs = pty.openpty()
        begin = 'mount --bind "$1" "$2" && exec bash --norc --noprofile -i'
        argv = ["unshare", "--mount", "sh", "-c", begin, "sh", ssh, HOME / ".ssh"]
        self._process = subprocess.Popen(
            ["setsid", "--ctty", *map(str, argv)],
            cwd=laptop.repo,
            env={**laptop.env, "TERM": "dumb", "PS1": PROMPT, "GIT_PAGER": "cat"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        self._until(PROMPT)

    def type(self, line: str, *, answers: dict[str, str] | None = None) -> str:
        """Type a line, and answer what it asks; give what was seen, to the prompt."""
        self._send(line)
        seen = ""
        for question, answer in (answers or {}).items():
            seen += self._until(question)
            self._send(answer)
        return seen + self._until(PROMPT)

    def close(self) -> None:
        """Leave the shell."""
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def _send(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def _until(self, wanted: str) -> str:
        seen, until = "", time.monotonic() + PATIENCE_S
        while wanted not in seen:
            ready, _, _ = select.select([self._ours], [], [], until - time.monotonic())
            if not ready:
                raise AssertionError(f"waited in vain for {wanted!r}:\n{seen}")
            seen += os.read(self._ours, 1 << 16).decode("utf-8", "replace")
        return seen


@pytest.mark.timeout(180)
def test_the_page_leads_to_a_sealed_run(
    laptop: Laptop, plain_box: Host, lab: Lab, tmp_path: Path
) -> None:
    """The configuration, the pipeline.yaml and each command, from top to bottom."""
    blocks = BLOCK.findall(PAGE.read_text())
    ssh = tmp_path / "ssh"
    ssh.mkdir(mode=0o700)
    configs = [text for kind, text in blocks if kind == "ssh-config"]
    (ssh / "config").write_text(_here(configs[0], plain_box, lab))
    laptop.write("pipeline.yaml", next(text for kind, text in blocks if kind == "yaml"))
    laptop.commit()
    command = laptop.home / "bin" / "pipeline"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m pipeline "$@"\n')
    command.chmod(0o755)
    laptop.env["PATH"] = f"{command.parent}:{laptop.env['PATH']}"
    shell = Shell(laptop, ssh)
    lines = [x for kind, text in blocks if kind == "sh" for x in text.splitlines()]
    assert len(lines) >= 8

    try:
        for line in lines:
            is_first = line == "pipeline doctor --host ec2"
            seen = shell.type(line, answers={"yes": "yes"} if is_first else None)
            assert _code(shell) == "0", f"{line}:\n{seen}"
    finally:
        shell.close()

    assert sorted(laptop.seals()) == ["numbers", "total"]
    assert (laptop.repo / "artifacts" / laptop.run_id / "numbers").is_dir()


def _here(config: str, box: Host, lab: Lab) -> str:
    """Let the page's box be the lab's, and the page's key the lab's."""
    theirs = re.search(r"IdentityFile (\S+)", lab.ssh_config.read_text())
    assert theirs
    config = re.sub(r"HostName \S+", f"HostName {box.address}", config)
    return re.sub(r"IdentityFile \S+", f"IdentityFile {theirs[1]}", config)


def _code(shell: Shell) -> str:
    seen = shell.type("echo code=$?")
    return seen.rpartition("code=")[2].splitlines()[0].strip()
