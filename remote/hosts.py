"""From a host of the pipeline.yaml to a link, however it is written there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import SpecError
from pipeline.schema import Host
from remote.links import acquaintance
from remote.links.address import Address
from remote.links.here import Here
from remote.links.link import Link
from remote.links.openssh import OpenSsh

# Nothing that a shell, a ProxyCommand or an option parser takes for more than a name.
NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
SSH = re.compile(
    rf"(?:(?P<user>{NAME}(?:@{NAME})?)@)?"
    rf"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<host>{NAME}))"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"|(?P<bare>[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(?:%\w+)?)"
)
LAST_PORT = 65535


def link_to(host: Host | None) -> Link:
    """Give the link to a host, or to this machine; nothing is connected yet.

    A host key that is not known here is shown to a person at the first use.
    """
    if host is None:
        return Here()
    box = openssh_to(host, meet=acquaintance.meet)
    if host.link == "openssh":
        return box
    # Imported only here: fabric takes 0.15 s to load.
    from remote.links.lasting import Lasting

    return Lasting(box)


def openssh_to(host: Host, *, meet: Callable[[OpenSsh], None] | None = None) -> OpenSsh:
    """Give the link of the OpenSSH client, which alone can lend out our terminal."""
    return OpenSsh(host.name, address(host), config=_config(host), meet=meet)


def address(host: Host) -> Address:
    """Read `ssh:` of a host: an alias, or user@address:port, or user@[v6]:port."""
    found = SSH.fullmatch(host.ssh)
    port = int(found["port"] or 0) if found else 0
    if not found or port > LAST_PORT:
        message = f"host {host.name!r}: {host.ssh!r} is no address ssh could ask for"
        hint = "write an alias of ~/.ssh/config, user@address:port, or user@[v6]:port"
        raise SpecError(message, hint=hint)
    name = found["host"] or found["bracketed"] or found["bare"]
    return Address(name, user=found["user"] or "", port=port)


def _config(host: Host) -> Path | None:
    if not host.config:
        return None
    path = Path(host.config).expanduser().absolute()
    if not path.is_file():
        message = f"host {host.name!r}: its ssh configuration is not there: {path}"
        raise SpecError(message)
    return path
