"""A push never asks, never forces, never takes for ever, and says how it went."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import SpecError
from pipeline.layout import LaptopPaths
from pipeline.memory import RunRecord
from pipeline.publishing import judge
from pipeline.schema import GitRules
from remote.publish import _check_url, last, publish
from tests.byhand import RECORD
from tests.fakes import put_program
from tests.laptop import Laptop, wait_until

ASKED = replace(RECORD, branch="main", git=GitRules(push=True))
SSH = """\
#!/bin/sh
printf "%s\\n" "$@" >>"$0.said"
(exec </dev/tty) && echo tty >>"$0.said"
exit 1
"""
ONE = "name: one\nstages:\n  a: {sh: echo a > $OUT/a.txt, outputs: [a.txt]}\n"


@pytest.fixture
def fake_ssh(laptop: Laptop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An origin behind an ssh that writes down how it was called."""
    laptop.commit()
    laptop.git("remote", "add", "origin", "ada@example.org:x.git")
    program = put_program(tmp_path / "bin", "ssh", SSH)
    monkeypatch.setenv("PATH", f"{program.parent}:{laptop.env['PATH']}")
    monkeypatch.setenv("HOME", laptop.env["HOME"])
    return program


def told(laptop: Laptop, record: RunRecord = ASKED) -> str:
    """Publish from here, with pauses that take no time."""
    return publish(LaptopPaths(laptop.repo), record, lambda _: True)


def origin_of(laptop: Laptop, tmp_path: Path, name: str = "origin") -> Path:
    """Give the laptop a remote that is a folder."""
    origin = tmp_path / f"{name}.git"
    subprocess.run(["git", "init", "-q", "--bare", str(origin)], check=True)
    laptop.git("remote", "add", name, str(origin))
    return origin


def hook(origin: Path, text: str) -> None:
    """Let the remote judge what comes."""
    put_program(origin / "hooks", "pre-receive", f"#!/bin/sh\n{text}\n")


def test_a_push_never_asks(laptop: Laptop, fake_ssh: Path) -> None:
    """BatchMode for ssh, no terminal for anyone; it is tried again, and told."""
    said = told(laptop)

    called = Path(f"{fake_ssh}.said").read_text().splitlines()
    assert called.count("-oBatchMode=yes") == 3
    assert "tty" not in called
    assert said.startswith("main was not pushed to origin: ")


def test_the_users_own_ssh_is_kept(
    laptop: Laptop, fake_ssh: Path, tmp_path: Path
) -> None:
    """Whoever says how their origin is reached is asked that way."""
    own = put_program(tmp_path, "own-ssh", SSH)
    laptop.git("config", "core.sshCommand", str(own))

    told(laptop)

    assert "-oBatchMode=yes" not in Path(f"{own}.said").read_text().splitlines()
    assert not Path(f"{fake_ssh}.said").exists()


def test_a_push_that_is_not_wanted_is_none(laptop: Laptop) -> None:
    """Nothing is published unless asked; what is dirty asks twice."""
    assert told(laptop, RECORD) == ""
    assert "uncommitted" in told(laptop, replace(ASKED, is_dirty=True))


def test_what_is_published_is_not_asked_for_again(
    laptop: Laptop, tmp_path: Path
) -> None:
    """Every attach and pull comes by; the network is asked when there is news."""
    origin = origin_of(laptop, tmp_path)
    laptop.commit()
    assert told(laptop) == "main was pushed to origin"
    origin.rename(tmp_path / "gone")

    again = told(laptop)

    assert again == ""
    laptop.commit("news")
    assert "no repository is there" in told(laptop)


REFUSALS = {
    "a hook": (
        "echo 'GH006: Protected branch update failed' >&2; exit 1",
        "[remote rejected] (pre-receive hook declined): GH006: Protected branch",
    ),
    "large files": (
        "echo 'GH008: Your push referenced 1 unknown Git LFS object' >&2; exit 1",
        "; its large files first: git lfs push",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_told_in_the_remotes_words(
    laptop: Laptop, tmp_path: Path, text: str, said: str
) -> None:
    """Each row: what the remote does, and what is said; it is asked once."""
    origin = origin_of(laptop, tmp_path)
    laptop.commit()
    hook(origin, f"echo >> {tmp_path}/asked; {text}")

    found = told(laptop)

    assert said in found
    assert (tmp_path / "asked").read_text() == "\n"
    known = last(LaptopPaths(laptop.repo), ASKED.run)
    assert known is not None
    assert not known.is_done


def test_a_branch_with_other_commits_is_never_forced(
    laptop: Laptop, tmp_path: Path
) -> None:
    """Whoever else wrote there keeps what is theirs."""
    origin = origin_of(laptop, tmp_path)
    laptop.commit("one")
    laptop.git("push", "-q", "origin", "main")
    laptop.git("commit", "-q", "--amend", "--allow-empty", "-m", "another")
    before = laptop.git("ls-remote", str(origin))

    said = told(laptop)

    assert "main was not pushed to origin: [rejected] (" in said
    assert laptop.git("ls-remote", str(origin)) == before


def test_another_remote_may_be_named(laptop: Laptop, tmp_path: Path) -> None:
    """And where it pushes to elsewhere than it fetches from, there it goes."""
    origin_of(laptop, tmp_path)
    lab = origin_of(laptop, tmp_path, "lab")
    laptop.git("remote", "set-url", "--push", "origin", str(lab))
    laptop.commit()

    told(laptop)

    assert "refs/heads/main" in laptop.git("ls-remote", str(lab))


PASSING = {
    "": ("fatal: the remote end hung up unexpectedly", True),
    "lock": ("!\tx:x\t[remote rejected] (cannot lock ref 'x')", True),
    "full": ("!\tx:x\t[remote rejected] (unpacker error)", True),
    "key": ("ada@x: Permission denied (publickey).\nfatal: Could not read", False),
    "gone": ("ERROR: Repository not found.\nfatal: Could not read", False),
    "password": ("fatal: could not read Username for 'https://x'", False),
    "shallow": ("!\tx:x\t[remote rejected] (shallow update not allowed)", False),
}


@pytest.mark.parametrize(("said", "again"), PASSING.values(), ids=PASSING)
def test_only_what_may_pass_is_tried_again(said: str, *, again: bool) -> None:
    """Each row: what git said, and whether asking again may help."""
    assert judge(1, said).may_again is again


SECRETS = (
    "https://ada:hunter2@example.org/x.git",
    "https://ghp_token@example.org/x.git",
    "https://example.org/x.git?private_token=abc",
    "ssh://ada:hunter2@example.org/x.git",
)


@pytest.mark.parametrize("url", SECRETS)
def test_a_url_with_a_secret_never_reaches_a_box(url: str) -> None:
    """It would lie in plan.json there."""
    with pytest.raises(SpecError, match="holds a password or a token") as caught:
        _check_url(url, GitRules(push=True, push_from="box"), is_here=False)

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["/srv/x.git", "../x.git", "file:///srv/x.git"])
def test_a_folder_of_this_machine_means_nothing_there(url: str) -> None:
    """To a box; a run of this machine may publish to it."""
    rules = GitRules(push=True, push_from="box")
    with pytest.raises(SpecError, match="means nothing on the box"):
        _check_url(url, rules, is_here=False)

    _check_url(url, rules, is_here=True)
    _check_url("git@example.org:ada/x.git", rules, is_here=False)


def test_a_remote_that_is_not_there_is_refused_at_once(laptop: Laptop) -> None:
    """And not when the run has taken its night."""
    laptop.write("pipeline.yaml", ONE + "git: {push: nowhere}\n")
    laptop.commit()

    said = laptop.pipeline("run", code=2)

    assert "no remote of this repository is called 'nowhere'" in said
    assert not list(laptop.home.glob(".pipeline/*/runs/*"))


def from_box(laptop: Laptop) -> None:
    """Let the box publish."""
    rule = "git: {push: {to: origin, from: box}}\n"
    laptop.write("pipeline.yaml", ONE + rule)
    laptop.commit()


def test_a_box_publishes_by_itself(laptop: Laptop, tmp_path: Path) -> None:
    """With nobody watching; the story and the status say so."""
    origin = origin_of(laptop, tmp_path)
    from_box(laptop)

    laptop.pipeline("run", "--detach")
    wait_until(lambda: "run_ended" in laptop.story(), "the end")

    assert laptop.story()[-2:] == ["branch_pushed", "run_ended"]
    refs = laptop.git("ls-remote", str(origin))
    assert f"refs/heads/run/{laptop.run_id}" in refs
    assert f"the branch: pushed to {origin}" in laptop.pipeline("status")


def test_a_box_whose_push_hangs_ends_its_run(laptop: Laptop, tmp_path: Path) -> None:
    """The end waits a moment for it, and then says that it is still trying."""
    ssh = put_program(tmp_path / "bin", "ssh", "#!/bin/sh\nexec sleep 13\n")
    laptop.env["PATH"] = f"{ssh.parent}:{laptop.env['PATH']}"
    laptop.git("remote", "add", "origin", "git@example.org:x.git")
    from_box(laptop)

    said = laptop.pipeline("run")

    assert "the branch was not pushed: still trying" in said
    assert laptop.events()[-1]["exit_code"] == 0
    laptop.wait_for_runner(lives=False)
