"""The OpenSSH client: one connection that all share, and where its master listens."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError, TransportError
from remote.links import command
from remote.links import sockets as masters
from remote.links.openssh import OpenSsh
from tests.links.asking import (
    KINDS,
    SOON_S,
    Open,
    failure,
)

if TYPE_CHECKING:
    from tests.lab import Host, Lab


@pytest.mark.lab
def test_a_dead_master_is_replaced(box: Host, open_link: Open) -> None:
    """A socket left behind by a killed master stops nobody."""
    link = open_link("openssh", box.name)
    assert isinstance(link, OpenSsh)
    link.call(["true"], timeout_s=SOON_S)
    asked = command.run([*link.ssh, "-O", "check", box.name], timeout_s=SOON_S)
    os.kill(int(asked.err.split(b"pid=")[1].split(b")")[0]), 9)

    done = link.call(["echo", "back"], timeout_s=SOON_S)

    assert (done.out, box.count_connections()) == (b"back\n", 2)


@pytest.mark.lab
def test_the_next_command_finds_the_connection(box: Host, open_link: Open) -> None:
    """A closed link leaves its master to whoever comes next."""
    first_link = open_link("openssh", box.name)
    first_link.call(["true"], timeout_s=SOON_S)
    first_link.close()

    open_link("openssh", box.name).call(["true"], timeout_s=SOON_S)

    assert box.count_connections() == 1


@pytest.mark.lab
def test_git_and_rsync_ride_the_connection(
    box: Host, open_link: Open, tmp_path: Path
) -> None:
    """They log in no second time, and reach the same folders."""
    link = open_link("openssh", box.name)
    link.call(["git", "init", "-q", "--bare", "a folder/code.git"], timeout_s=SOON_S)
    link.call(["touch", "a-file"], timeout_s=SOON_S)
    env = {**os.environ, **link.git_env()}

    listed = ["git", "ls-remote", link.git_url("a folder/code.git")]
    subprocess.run(listed, env=env, check=True, capture_output=True)
    copied = ["rsync", *link.rsync_flags(), link.rsync_source("a-file"), str(tmp_path)]
    subprocess.run(copied, check=True, capture_output=True)

    assert (tmp_path / "a-file").exists()
    assert box.count_connections() == 1


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_an_alias_made_for_people_serves_us_too(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Its tmux, its tunnels and its verbosity are left out."""
    config = tmp_path / "config"
    config.write_text(
        "RemoteCommand tmux attach\nRequestTTY force\nLogLevel DEBUG\n"
        "LocalForward 22 localhost:22\nExitOnForwardFailure yes\nControlMaster no\n"
        f"PermitLocalCommand yes\nLocalCommand false\nInclude {lab.ssh_config}\n"
    )
    link = open_link(kind, quiet_box.name, config=config)

    done = link.call(["cat"], stdin=b"\n\x04\x03", timeout_s=SOON_S)

    assert (done.out, done.err) == (b"\n\x04\x03", b"")


@pytest.mark.lab
def test_settings_are_what_ssh_reads(quiet_box: Host, open_link: Open) -> None:
    """A name means here what it means to ssh."""
    link = open_link("openssh", f"{quiet_box.name}-ubuntu")
    assert isinstance(link, OpenSsh)

    settings = link.settings_of(link.words)

    assert settings["hostname"] == [quiet_box.address]
    assert settings["user"] == ["ubuntu"]


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_configuration_is_named(
    kind: str, open_link: Open, tmp_path: Path
) -> None:
    """It is not taken for the network."""
    config = tmp_path / "config"
    config.write_text("NoSuchOption yes\n")

    error = failure(open_link(kind, "box", config=config))

    assert isinstance(error, HostError)
    assert "bad configuration option: nosuchoption" in str(error).lower()


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_nobody_knows_is_no_refusal(kind: str, open_link: Open) -> None:
    """This machine may be offline."""
    error = failure(open_link(kind, "no-such-box.invalid"))

    assert isinstance(error, TransportError)
    assert "no-such-box.invalid" in str(error)


def test_sockets_lie_in_a_private_folder(sockets: Path) -> None:
    """Nobody else may enter, and the path leaves ssh room for a socket's name."""
    folder = masters.folder()
    assert folder is not None

    assert (folder.parent, folder.stat().st_mode & 0o777) == (sockets, 0o700)
    assert len(str(folder)) <= masters.LONGEST_FOLDER


def test_a_folder_others_may_enter_is_refused(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else's master would see all that we say."""
    with tempfile.TemporaryDirectory() as runtime:
        (Path(runtime) / "pipeline").mkdir(mode=0o777)
        (Path(runtime) / "pipeline").chmod(0o777)
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)

        with pytest.raises(HostError, match="is not a private folder of yours"):
            masters.folder()


def test_a_long_runtime_folder_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A socket's path has room for a hundred bytes."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / ("x" * 60)))
    (tmp_path / ("x" * 60)).mkdir()

    assert masters.folder() == Path(f"/tmp/pipeline-{os.getuid()}")
