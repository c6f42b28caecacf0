"""From what a person writes to whom ssh is asked for."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import SpecError
from pipeline.schema import Host as Spec
from remote import hosts
from remote.links import flow
from remote.links.address import Address
from remote.links.here import Here
from remote.links.openssh import OpenSsh
from tests.links.asking import (
    ODD,
)


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1))
@example(list(ODD))
@settings(deadline=None)
def test_a_spoken_line_is_read_back_by_a_shell(argv: list[str]) -> None:
    """POSIX reads it as it was; what fish and csh do is tested with real ones."""
    assert shlex.split(flow.spoken(argv)) == argv


@pytest.mark.parametrize(
    ("ssh", "address"),
    [
        ("gpu-box", Address("gpu-box")),
        ("me@gpu-box", Address("gpu-box", user="me")),
        ("me@10.0.0.1:2222", Address("10.0.0.1", user="me", port=2222)),
        ("gpu.example.org:22", Address("gpu.example.org", port=22)),
        ("[2001:db8::1]:2222", Address("2001:db8::1", port=2222)),
        ("me@[fe80::1%eth0]", Address("fe80::1%eth0", user="me")),
        ("2001:db8::1", Address("2001:db8::1")),
        ("me@corp@box", Address("box", user="me@corp")),
    ],
)
def test_an_address_is_read(ssh: str, address: Address) -> None:
    """An alias, or what an alias would say."""
    assert hosts.address(Spec(name="ec2", ssh=ssh)) == address


@pytest.mark.parametrize(
    "ssh",
    ["", "-oProxyCommand=x", "me@-box", "-me@box", "a b", "box:99999", "box:", "$(id)"],
)
def test_what_is_no_address_is_refused(ssh: str) -> None:
    """Above all what ssh would take for an option."""
    with pytest.raises(SpecError, match="is no address ssh could ask for"):
        hosts.address(Spec(name="ec2", ssh=ssh))


def test_git_and_rsync_get_ipv6_in_brackets() -> None:
    """A colon would end the name."""
    link = OpenSsh("ec2", Address("2001:db8::1", user="me", port=2222))

    assert link.git_url("code.git") == "[2001:db8::1]:code.git"
    assert "-l me -p 2222" in shlex.join(link.ssh)


def test_a_missing_configuration_is_the_users_to_mend(tmp_path: Path) -> None:
    """It is said before anything is dialled."""
    spec = Spec(name="ec2", ssh="box", config=str(tmp_path / "none"))

    with pytest.raises(SpecError, match="its ssh configuration is not there"):
        hosts.link_to(spec)


def test_no_host_is_this_machine() -> None:
    """`--host local` is the same code in the same folders."""
    assert hosts.link_to(None) == Here(home=Path.home())


def test_fabric_is_not_loaded_unasked() -> None:
    """It takes longer than most calls."""
    script = "import sys, remote.hosts; sys.exit('paramiko' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
