"""A push to the user's own origin never asks, and never takes for ever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.schema import GitRules
from remote.fetch import push
from tests.byhand import RECORD
from tests.fakes import put_program
from tests.laptop import Laptop

ASKED = replace(RECORD, branch="main", git=GitRules(push=True))
SSH = """\
#!/bin/sh
printf "%s\\n" "$@" >>"$0.said"
(exec </dev/tty) && echo tty >>"$0.said"
exit 1
"""


@pytest.fixture
def fake_ssh(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An origin behind an ssh that writes down how it was called."""
    laptop.commit()
    laptop.git("remote", "add", "origin", "ada@example.org:x.git")
    program = put_program(tmp_path / "bin", "ssh", SSH)
    monkeypatch.setenv("PATH", f"{program.parent}:{laptop.env['PATH']}")
    monkeypatch.setenv("HOME", laptop.env["HOME"])
    return program


def test_a_push_never_asks(laptop: Laptop, fake_ssh: Path) -> None:
    """BatchMode for ssh, no terminal for anyone; what it said is told."""
    said = push(laptop.repo, ASKED)

    called = Path(f"{fake_ssh}.said").read_text().splitlines()
    assert "-oBatchMode=yes" in called
    assert "tty" not in called
    assert said.startswith("main was not pushed: ")


def test_the_users_own_ssh_is_kept(
    laptop: Laptop, fake_ssh: Path, tmp_path: Path
) -> None:
    """Whoever says how their origin is reached is asked that way."""
    own = put_program(tmp_path, "own-ssh", SSH)
    laptop.git("config", "core.sshCommand", str(own))

    push(laptop.repo, ASKED)

    assert "-oBatchMode=yes" not in Path(f"{own}.said").read_text().splitlines()
    assert not Path(f"{fake_ssh}.said").exists()


def test_a_push_that_is_not_wanted_is_none(laptop: Laptop) -> None:
    """Nothing is published unless asked; what is dirty asks twice."""
    assert push(laptop.repo, RECORD) == ""
    assert "uncommitted" in push(laptop.repo, replace(ASKED, is_dirty=True))
