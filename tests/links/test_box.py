"""What a box behind SSH may do to a link, whichever it is."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError, TransportError
from tests.links.asking import (
    DEAD_S,
    KINDS,
    ODD,
    PYTHON,
    SHELLS,
    SOON_S,
    Open,
    ending,
    failure,
)

if TYPE_CHECKING:
    from remote.links.link import Link
    from tests.lab import Host, Lab


@pytest.mark.lab
def test_twenty_calls_log_in_once(far: Link, box: Host) -> None:
    """A call is a channel of a connection that is there."""
    for _ in range(20):
        far.call(["true"], timeout_s=SOON_S)

    assert box.count_connections() == 1


@pytest.mark.lab
@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_reads_us_alike(far: Link, box: Host, shell: str) -> None:
    """Arguments and codes come through fish and csh as through bash."""
    box.exec(f"usermod -s /bin/{shell} root")
    echo = "import sys, os; print([os.fsencode(a) for a in sys.argv[1:]]); exit(9)"
    words = [word for word in ODD if shell != "tcsh" or not set(word) & set("\n!")]

    done = far.call([PYTHON, "-c", echo, *words], timeout_s=SOON_S)

    assert done.out.decode() == f"{[os.fsencode(word) for word in words]}\n"
    assert done.code == 9


@pytest.mark.lab
def test_a_shell_that_chatters_is_named(far: Link, box: Host) -> None:
    """Else git and rsync would break on it, and say something stranger."""
    box.exec("echo 'echo Welcome, $USER' > .bashrc")

    error = failure(far)

    assert isinstance(error, HostError)
    assert str(error) == (
        "host 'ec2': its login shell prints 'Welcome, root'\n"
        "  git and rsync break on that: let ~/.bashrc there (or ~/.zshenv,"
        " config.fish) print only in interactive shells"
    )


@pytest.mark.lab
def test_a_shell_that_runs_nothing_is_named(far: Link, box: Host) -> None:
    """As that of an account nobody may log in to."""
    box.exec("usermod -s /usr/sbin/nologin root")

    error = failure(far)

    assert isinstance(error, HostError)
    assert "its login shell runs no command: 'This account is" in str(error)


@pytest.mark.lab
def test_a_refused_port_is_the_networks_fault(far: Link, box: Host) -> None:
    """The server may come back: one may ask again."""
    box.refuse()

    error = failure(far)

    assert isinstance(error, TransportError)
    assert "Connection refused" in str(error)


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_host_key_is_refused(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Nothing of ours trusts a key by itself, whatever the configuration says."""
    config = tmp_path / "config"
    lines = "UserKnownHostsFile /dev/null", "StrictHostKeyChecking no"
    config.write_text("\n".join([*lines, f"Include {lab.ssh_config}\n"]))

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)
    assert str(error) == (
        "host 'ec2': its host key is not known here\n"
        "  look at it, and accept it: pipeline doctor --host ec2"
    )


@pytest.mark.lab
def test_a_changed_host_key_is_refused(far: Link, box: Host) -> None:
    """Another machine may be answering."""
    box.stop()
    box.new_host_key()
    box.boot()

    error = failure(far)

    assert isinstance(error, HostError)
    assert "its host key is not the one known here" in str(error)


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_who_has_no_key_is_told_what_must_work(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Nothing ever waits for a password."""
    config = tmp_path / "config"
    config.write_text(lab.ssh_config.read_text().replace(str(lab.key), "/no/key"))

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)
    assert "Permission denied (publickey)" in str(error)
    assert f"{quiet_box.name} -o BatchMode=yes true\n" in error.hint


@pytest.mark.lab
@pytest.mark.parametrize(
    "fault",
    [
        "partition",
        pytest.param("power_off", marks=pytest.mark.slow),
        pytest.param("freeze", marks=pytest.mark.slow),
    ],
)
def test_a_dead_link_is_noticed(box: Host, open_link: Open, fault: str) -> None:
    """A stream in the middle of its work ends with the truth, and never hangs."""
    streams = [open_link(kind, box.name).stream(["cat"], stdin=b"go") for kind in KINDS]
    assert [stream.read(SOON_S) for stream in streams] == [b"go", b"go"]
    getattr(box, fault)()

    with ThreadPoolExecutor() as pool:
        for broken in pool.map(lambda stream: ending(stream, DEAD_S), streams):
            assert isinstance(broken, TransportError)
            assert str(broken) == "host 'ec2': the connection broke"


@pytest.mark.lab
def test_a_cut_upload_is_never_an_answer(far: Link, box: Host) -> None:
    """A call whose connection is cut in the middle of its stdin raises."""

    def endless() -> Iterator[bytes]:
        yield from itertools.repeat(b"x" * 100, 10)
        box.kill_sshd()
        yield from itertools.repeat(b"x" * 100)

    far.call(["true"], timeout_s=SOON_S)

    with pytest.raises(TransportError):
        far.call(["wc", "-c"], stdin=endless(), timeout_s=SOON_S)


@pytest.mark.lab
def test_a_box_that_rebooted_is_found_again(far: Link, box: Host) -> None:
    """At most the first call after it fails."""
    far.call(["true"], timeout_s=SOON_S)
    box.reboot()

    try:
        done = far.call(["uptime"], timeout_s=SOON_S)
    except TransportError:
        done = far.call(["uptime"], timeout_s=SOON_S)

    assert done.code == 0
