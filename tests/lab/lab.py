"""A lab: a bridge, a subnet, a key, and the hosts on it."""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import claims, command, demolition, disk, network, sshconfig
from tests.lab.host import Host, Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from subprocess import CompletedProcess

    from typing_extensions import Self

PROGRAMS = (
    *("ip", "nft", "ssh", "ssh-keygen", "unshare", "nsenter", "setpriv", "pkill"),
    *("mount", "mkfs.ext4"),
)
FILES = ("/usr/sbin/sshd", "/dev/net/tun")
HOST_PARTS = range(10, 255)  # the last number of an address; 1 is this machine


def lacking() -> list[str]:
    """Name what this machine lacks for a lab; nothing, where labs can be built."""
    if not sys.platform.startswith("linux"):
        return ["Linux"]
    root = [] if os.geteuid() == 0 else ["root"]
    programs = [name for name in PROGRAMS if not shutil.which(name)]
    return [*root, *programs, *(path for path in FILES if not Path(path).exists())]


class Lab:
    """Hosts that see each other and this machine, and nothing else.

    A context manager; leaving it takes everything away. `hide` names directories that
    hosts do not see: the checkout under test, or tests pass by accident.
    """

    def __init__(self, *, hide: Iterable[Path] = ()) -> None:
        self.hosts: dict[str, Host] = {}
        self.made = 0  # hosts so far, the closed ones too
        self._folder = Path(tempfile.mkdtemp(prefix="pipeline-lab-"))
        self._claim = claims.take(self._folder)
        atexit.register(self.close)
        self._hidden = _hidden(hide)
        self._parts = itertools.cycle(HOST_PARTS)
        self._bridge = f"{self._claim.prefix}br"
        self.gateway = f"{self._claim.subnet}.1"  # this machine, as the hosts see it
        self.key = self._folder / "id_ed25519"
        self.ssh_config = self._folder / "ssh_config"
        self.known_hosts = self._folder / "known_hosts"
        self._build()

    def _build(self) -> None:
        command.run("ip", "route", "replace", *self._claim.dead_end)
        command.run("ip", "link", "add", self._bridge, "type", "bridge")
        command.run("ip", "addr", "add", f"{self.gateway}/24", "dev", self._bridge)
        inner = f"{network.address6(self.gateway)}/64"
        command.run("ip", "addr", "add", inner, "dev", self._bridge, "nodad")
        command.run("ip", "link", "set", self._bridge, "up")
        disk.make_key(self.key, comment="lab")
        self._note_change()

    def __enter__(self) -> Self:
        """Lend the lab for a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def host(
        self,
        name: str,
        *,
        shaped: bool = False,
        disk_mb: int | None = None,
        hide_tools: Iterable[str] = (),
        has_systemd: bool = False,
    ) -> Host:
        """Make and boot a host.

        `shaped`: on a cable that `Host.shape` can spoil. `disk_mb`: with an ext4 of
        that size as its disk. `hide_tools`: without these programs of this machine's.
        `has_systemd`: with a real one as its PID 1 (see `systemd`).
        """
        assert name not in self.hosts, f"there is a host {name!r} already"
        self.made += 1
        link = f"{self._claim.prefix}v{self.made}"
        host = Host(
            self._site(),
            name,
            link=link,
            shaped=shaped,
            disk_mb=disk_mb,
            hide_tools=hide_tools,
            has_systemd=has_systemd,
        )
        self.hosts[name] = host
        return host.boot()

    def ssh(
        self,
        destination: str,
        command_line: str,
        *,
        check: bool = True,
        options: Iterable[str] = (),
        timeout_s: float = 60.0,
    ) -> CompletedProcess[str]:
        """Run a command on a host by ssh; `check` raises when it, or ssh, fails."""
        ssh = ("ssh", "-F", str(self.ssh_config), *options)
        ended = command.finished(*ssh, destination, command_line, timeout_s=timeout_s)
        return command.checked(ended) if check else ended

    @contextlib.contextmanager
    def elsewhere(self) -> Iterator[str]:
        """Let this machine speak from another address; give the one it had.

        As a laptop in another Wi-Fi. What is connected stays so until somebody lets the
        packets of the old address vanish: `host.partition(peer=...)`.
        """
        other, subnet = f"{self._claim.subnet}.2", f"{self._claim.subnet}.0/24"
        speak = ("ip", "route", "replace", subnet, "dev", self._bridge, "src")
        command.run("ip", "addr", "add", f"{other}/24", "dev", self._bridge)
        command.run(*speak, other)
        try:
            yield self.gateway
        finally:
            command.run(*speak, self.gateway)
            command.run("ip", "addr", "del", f"{other}/24", "dev", self._bridge)

    def close(self) -> None:
        """Take every host and the lab away; nothing happens the second time."""
        atexit.unregister(self.close)
        for host in tuple(self.hosts.values()):
            host.close()
        if self._folder.exists():
            demolition.demolish(self._claim)

    def _site(self) -> Site:
        return Site(
            prefix=self._claim.prefix,
            folder=self._folder,
            bridge=self._bridge,
            public_key=self.key.with_suffix(".pub").read_text(),
            hidden=self._hidden,
            free_address=self._free_address,
            changed=self._note_change,
        )

    def _free_address(self) -> str:
        """Give the address that nobody has had for longest."""
        taken = {host.address for host in self.hosts.values()}
        addresses = (f"{self._claim.subnet}.{part}" for part in self._parts)
        return next(address for address in addresses if address not in taken)

    def _note_change(self) -> None:
        """Forget the hosts that are closed, and let clients know of the others."""
        for host in tuple(self.hosts.values()):
            if host.is_closed:
                del self.hosts[host.name]
        hosts = self.hosts.values()
        config = sshconfig.config(hosts, key=self.key, known_hosts=self.known_hosts)
        _replace(self.known_hosts, sshconfig.known_hosts(hosts))
        _replace(self.ssh_config, config)


def _replace(path: Path, text: str) -> None:
    """Replace a file in one step: a client may be reading it this very moment."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    draft.replace(path)


def _hidden(directories: Iterable[Path]) -> tuple[str, ...]:
    """Check what is to be hidden: every host has a /tmp of its own, and needs it."""
    paths = [path.resolve() for path in directories]
    needed = {Path("/"), Path("/tmp")}
    assert needed.isdisjoint(paths), f"hosts cannot do without {needed}"
    return tuple(map(str, paths))
