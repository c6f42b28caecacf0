"""What an ssh configuration says means to both links what it means to ssh.

Where fabric can do the same by itself it does; where it cannot, OpenSSH answers for it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError
from tests.links.asking import SOON_S, Open, Write, answers, failure

if TYPE_CHECKING:
    from tests.lab import Host

pytestmark = pytest.mark.lab


def test_includes_are_followed(
    kind: str, quiet_box: Host, open_link: Open, write: Write, tmp_path: Path
) -> None:
    """An alias may stand in a file that a file names."""
    (tmp_path / "inner").write_text(f"Host mine\nHostName {quiet_box.address}\n")
    (tmp_path / "outer").write_text(f"Include {tmp_path}/inn*\n")

    link = open_link(kind, "mine", config=write("Include {folder}/outer"))

    assert answers(link, by_itself=True)


def test_a_box_that_speaks_no_tongue_of_ours(
    kind: str, box: Host, open_link: Open
) -> None:
    """What our quiet options hide is heard, too."""
    box.configure_sshd("KexAlgorithms diffie-hellman-group14-sha1")

    error = failure(open_link(kind, box.name))

    assert isinstance(error, HostError)
    assert "no matching key exchange method found" in error.message


def test_a_port_of_its_own(
    kind: str, box: Host, open_link: Open, write: Write, tmp_path: Path
) -> None:
    """Its key is known under the name with the port."""
    box.configure_sshd("Port 22", "Port 2222")
    (tmp_path / "known").write_text(f"[{box.address}]:2222 {box.known_key}")
    config = write("UserKnownHostsFile {folder}/known")

    link = open_link(kind, f"root@{box.address}:2222", config=config)

    assert answers(link, by_itself=True)
    port = link.call(["sh", "-c", "echo $SSH_CONNECTION"], timeout_s=SOON_S).out
    assert port.split()[3] == b"2222"


@pytest.mark.parametrize("form", ["{}", "[{}]:22", "root@[{}]"])
def test_an_ipv6_address(
    kind: str, form: str, quiet_box: Host, open_link: Open, tmp_path: Path
) -> None:
    """However it is written; and git and rsync find it as well."""
    link = open_link(kind, form.format(quiet_box.address6))

    assert answers(link, by_itself=True)
    link.call(["touch", "six"], timeout_s=SOON_S)
    copy: list[str] = [
        "rsync",
        *link.rsync_flags(),
        link.rsync_source("six"),
        str(tmp_path),
    ]
    subprocess.run(copy, check=True, capture_output=True)
    assert (tmp_path / "six").exists()


def test_two_users_of_one_box(kind: str, quiet_box: Host, open_link: Open) -> None:
    """They share no connection."""
    users = [
        open_link(kind, alias).call(["id", "-un"], timeout_s=SOON_S).out
        for alias in (quiet_box.name, f"ubuntu@{quiet_box.name}", quiet_box.name)
    ]

    assert users == [b"root\n", b"ubuntu\n", b"root\n"]


def test_a_name_for_the_host_key(
    kind: str, quiet_box: Host, open_link: Open, write: Write, tmp_path: Path
) -> None:
    """HostKeyAlias is what known_hosts has, and it is hashed there."""
    (tmp_path / "known").write_text(f"a-name {quiet_box.known_key}")
    hide = ["ssh-keygen", "-q", "-H", "-f", str(tmp_path / "known")]
    subprocess.run(hide, check=True, capture_output=True)
    lines = f"Host mine\nHostName {quiet_box.address}\nHostKeyAlias a-name"

    config = write(lines, "UserKnownHostsFile {folder}/known")

    assert answers(open_link(kind, "mine", config=config), by_itself=True)


@pytest.mark.parametrize("match", ["originalhost here", 'exec "test %n = here"'])
def test_match_blocks(
    kind: str, match: str, quiet_box: Host, open_link: Open, write: Write
) -> None:
    """They are ssh's own to judge, commands included."""
    config = write(f"Match {match}\nHostName {quiet_box.address}\nUser ubuntu")

    link = open_link(kind, "here", config=config)

    assert answers(link, by_itself=True)
    assert link.call(["id", "-un"], timeout_s=SOON_S).out == b"ubuntu\n"


@pytest.mark.parametrize(
    "line", ["AllowTcpForwarding no", "PermitTTY no", "DisableForwarding yes"]
)
def test_what_a_box_forbids_and_we_do_not_need(
    kind: str, line: str, box: Host, open_link: Open
) -> None:
    """Commands and streams are all that a run takes."""
    box.configure_sshd(line)
    link = open_link(kind, box.name)
    stream = link.stream(["cat"], stdin=b"held")

    assert stream.read(SOON_S) == b"held"
    assert answers(link, by_itself=True)
    stream.close()


@pytest.mark.parametrize("said", ["echo Only backups here", "/bin/false"])
def test_a_forced_command_is_named(
    kind: str, said: str, box: Host, open_link: Open
) -> None:
    """What was asked for never ran, and it is not called a chatty shell."""
    box.configure_sshd(f"ForceCommand {said}")

    error = failure(open_link(kind, box.name))

    assert isinstance(error, HostError)
    assert "its login shell runs no command: " in error.message
    assert "ForceCommand" in error.hint
