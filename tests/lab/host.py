"""One host of a lab: its power, its place on the network, its sshd, and its console."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tests.lab import command, network, systemd
from tests.lab.disk import Disk
from tests.lab.machine import END_S, Machine
from tests.lab.network import Network
from tests.lab.shaper import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from typing_extensions import Self

    from tests.lab.network import Direction

SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What a host knows of the lab it stands in.

    `changed` is to be called when an address or a key that peers know has changed.
    """

    prefix: str
    folder: Path
    bridge: str
    public_key: str
    hidden: tuple[str, ...]
    free_address: Callable[[], str]
    changed: Callable[[], None]


class Host:
    """A machine with an address, an sshd, a disk that lasts, and a power switch.

    Its programs are this machine's own Debian (git, python3), whatever a pyenv or a
    virtual environment puts first here; its users are root and ubuntu (sudo without a
    password).
    """

    python: ClassVar[str] = "/usr/bin/python3"

    OFF: ClassVar[int] = 0  # how `last_exit` says "shut down"
    REBOOT: ClassVar[int] = 3  # "reboot asked for from inside"; all else is a cut

    def __init__(
        self,
        site: Site,
        name: str,
        *,
        link: str,
        shaped: bool = False,
        disk_mb: int | None = None,
        hide_tools: Iterable[str] = (),
        has_systemd: bool = False,
    ) -> None:
        self.name, self.address = name, site.free_address()
        self.last_exit: int | None = None
        self.is_closed = False
        folder, namespace = site.folder / name, f"{site.prefix}-{name}"
        self._site = site
        self._disk = Disk(folder, size_mb=disk_mb)
        wishes = systemd.wishes() if has_systemd else None
        self._disk.install(name, site.public_key, systemd=wishes)
        self._disk.hide_programs(hide_tools)
        self.known_key = self._disk.host_key  # what known_hosts says
        self._network = Network(
            namespace=namespace, link=link, bridge=site.bridge, is_shaped=shaped
        )
        machine = systemd.SystemdMachine if has_systemd else Machine
        self._machine = machine(namespace=namespace, folder=folder, hidden=site.hidden)

    def __enter__(self) -> Self:
        """Lend the host for a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def is_running(self) -> bool:
        """Whether it is on."""
        return self._machine.is_running

    def boot(self, *, timeout_s: float = 20.0) -> Self:
        """Switch it on, and wait until sshd answers.

        It comes with a new network stack: peers that were connected before hear RST,
        and what was partitioned is healed. The shape of its cable stays.
        """
        assert not self.is_running, f"{self.name} is on already"
        self._network.unplug()
        self._network.plug_in(self.address)
        self._disk.write_hosts(self.name, self.address)
        self._site.changed()
        self._machine.start()
        return self.wait_ssh(timeout_s=timeout_s)

    def wait_ssh(self, *, timeout_s: float = 20.0) -> Self:
        """Wait until sshd greets whoever connects."""
        what = f"{self.name}: sshd answering at {self.address}"
        command.wait_until(self._greets, timeout_s=timeout_s, what=what)
        return self

    def _greets(self) -> bool:
        if not self.is_running:
            said = self._machine.console[-2000:]
            raise RuntimeError(f"{self.name} died at boot\n{said}")
        try:
            with socket.create_connection((self.address, SSH_PORT), 3) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def power_off(self) -> None:
        """Cut the power: every process is gone at once, and peers hear nothing at all.

        What was written stays written, synced or not: this machine's kernel has it.
        """
        if self.is_running:
            # The network goes first, or the dying kernel's FINs would get out.
            self._network.partition()
            self._machine.kill()
        self._note_end()

    def stop(self) -> None:
        """Shut down in order: SIGTERM to all, three seconds, SIGKILL."""
        if self.is_running:
            self._machine.terminate()
        self._note_end()

    def wait_off(self, *, timeout_s: float = 30.0) -> int:
        """Wait for a shutdown asked for inside; give `OFF` or `REBOOT`."""
        return self._note_end(timeout_s=timeout_s)

    def start(self, *, new_ip: bool = False) -> Self:
        """Boot a host that is off, at another address if asked."""
        if new_ip:
            self.address = self._site.free_address()
        return self.boot()

    def reboot(self) -> Self:
        """Shut down in order, and boot."""
        self.stop()
        return self.boot()

    def _note_end(self, *, timeout_s: float = END_S) -> int:
        self.last_exit = self._machine.wait(timeout_s=timeout_s)
        # A machine that is off answers nothing at all, not even "no route": keep the
        # old network stack, mute, until the next boot.
        self._network.partition()
        return self.last_exit

    def partition(self, direction: Direction = "both", *, peer: str = "") -> None:
        """Let packets vanish; the last word of partition, refuse and heal counts.

        in: it hears nothing; out: nothing it says arrives; peer: of that address only.
        """
        self._network.partition(direction, peer=peer)

    def refuse(self, port: int = SSH_PORT) -> None:
        """Reset connections to a port, as when a service is down on a live host."""
        self._network.refuse(port)

    def heal(self) -> None:
        """End a partition or a refusal."""
        self._network.heal()

    def shape(
        self,
        *,
        delay_ms: float = 0.0,
        jitter_ms: float = 0.0,
        loss: float = 0.0,
        rate_mbit: float = 0.0,
        drop: Direction | None = None,
    ) -> None:
        """Make the cable so, and otherwise ideal; only of a host that is `shaped`.

        `delay_ms` is each way; `loss` from 0 to 1; `drop` pulls the plug, ARP and all.
        """
        shape = Shape(
            delay_ms=delay_ms,
            jitter_ms=jitter_ms,
            loss=loss,
            rate_mbit=rate_mbit,
            drop=drop or "none",
        )
        self._network.shape(shape)

    def new_host_key(self) -> None:
        """Change the host key, as when another machine has got the address.

        sshd has it from its next start; known_hosts keeps the old until `trust_key`.
        """
        self._disk.make_host_key()

    def trust_key(self) -> None:
        """Let known_hosts say what the disk says."""
        self.known_key = self._disk.host_key
        self._site.changed()

    def exec(
        self,
        command_line: str,
        *,
        user: str = "root",
        check: bool = True,
        timeout_s: float = 60.0,
    ) -> str:
        """Run a line of bash on the console, in the user's home: no network needed.

        It ends when the last holder of its output does; a daemon must close its own.
        """
        ended = self._machine.exec(command_line, user=user, timeout_s=timeout_s)
        return (command.checked(ended) if check else ended).stdout

    @property
    def home(self) -> Path:
        """Where root's home lies, as this machine sees it: whether on or off."""
        return self._disk.home

    def pids(self) -> set[int]:
        """Give its processes, as this machine numbers them; none when it is off."""
        return self._machine.pids()

    def kill_sshd(self, *, sessions: bool = True) -> None:
        """Kill the listener, and unless told otherwise every connection with it."""
        everyone, listener = "pkill -KILL -x sshd", "kill -KILL $(cat /run/sshd.pid)"
        self.exec(everyone if sessions else listener, check=False)

    def start_sshd(self) -> Self:
        """Start the listener again."""
        self.exec("/usr/sbin/sshd -E /var/log/sshd.log")
        return self.wait_ssh()

    def configure_sshd(self, *lines: str) -> Self:
        """Start sshd anew with `lines` before its own; they win. Connections break."""
        self._disk.configure_sshd(lines)
        self.kill_sshd()
        return self.start_sshd()

    @property
    def address6(self) -> str:
        """Its IPv6 address, which no fault of the network touches."""
        return network.address6(self.address)

    def count_connections(self) -> int:
        """Give how many logins sshd has accepted since the host was made.

        Commands that share a connection count once; a probe of the port does not count.
        """
        return self._disk.sshd_log.count("Accepted publickey")

    def freeze(self) -> None:
        """Hang the whole box: TCP still acknowledges, nothing answers."""
        self._machine.freeze()

    def thaw(self) -> None:
        """Let it go on, if it hangs."""
        self._machine.thaw()

    def close(self) -> None:
        """Take the host away, disk and all; nothing happens the second time."""
        if self.is_closed:
            return
        self._machine.close()
        self._network.unplug()
        self._disk.remove()
        self.is_closed = True
        self._site.changed()
