"""What an OpenSSH client needs to know of the hosts: how to log in, and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.lab.host import Host

# curve25519 spares 80 of the 200 ms that a connection takes by default.
EVERY_HOST = """\
Host *
  User root
  IdentityFile {key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {known_hosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  BatchMode yes
  ConnectTimeout 5
  KexAlgorithms curve25519-sha256
  LogLevel ERROR
"""

# ssh takes the first value it finds, so the user of the alias comes before root's.
ONE_HOST = """\
Host {name}-ubuntu
  User ubuntu
Host {name} {name}-ubuntu
  HostName {address}
  HostKeyAlias {name}
"""


def config(hosts: Iterable[Host], *, key: Path, known_hosts: Path) -> str:
    """Write an ssh_config: NAME logs in as root, NAME-ubuntu as ubuntu."""
    blocks = [ONE_HOST.format(name=one.name, address=one.address) for one in hosts]
    return "\n".join([*blocks, EVERY_HOST.format(key=key, known_hosts=known_hosts)])


def known_hosts(hosts: Iterable[Host]) -> str:
    """Write a known_hosts: by name, and by address for clients without HostKeyAlias."""
    return "".join(
        f"{one.name},{one.address},{one.address6} {_bare(one.known_key)}\n"
        for one in hosts
    )


def _bare(public_key: str) -> str:
    """Leave out the comment of a key."""
    return " ".join(public_key.split()[:2])
