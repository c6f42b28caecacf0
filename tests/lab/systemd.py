"""A host whose PID 1 is a real systemd, as on the boxes people rent.

It is this machine's own systemd, over the host's own disk: logind, journald, sshd as
`ssh.service`, user managers, lingering, orderly shutdowns. Nothing is installed for it
and no tree of files is made; other services of this machine do not start.

Needs Debian's systemd-container, systemd-sysv, dbus and libpam-systemd; `lacking()`
names what a machine does not have.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import command, disk
from tests.lab.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

SSHD_CONFIG = disk.SSHD_CONFIG.replace("UsePAM no", "UsePAM yes")
# What this machine starts besides, which a host has no need of.
_WANTED = ("multi-user.target.wants", "timers.target.wants", "getty.target.wants")
_KEPT = frozenset({"ssh.service", "remote-fs.target"})
_UNITS = "/etc/systemd/system"  # what was installed here; systemd's own stay
_REBOOT = 133  # how systemd-nspawn says that a reboot was asked for inside
_PAM = "/lib/{}/security/pam_systemd.so"


def lacking() -> list[str]:
    """Name what this machine lacks for a host with systemd."""
    programs = [p for p in ("systemd-nspawn", "loginctl") if not shutil.which(p)]
    files = ["/lib/systemd/systemd", "/usr/bin/dbus-daemon"]
    pam = _PAM.format(f"{os.uname().machine}-linux-gnu")
    return [*programs, *(path for path in (*files, pam) if not Path(path).exists())]


def unwanted() -> Iterator[str]:
    """Give the links by which this machine starts what a host should not."""
    for wants in _WANTED:
        place = Path(_UNITS, wants)
        if place.is_dir():
            names = (link.name for link in place.iterdir())
            yield from (f"{place}/{name}" for name in names if name not in _KEPT)


def wishes() -> disk.SystemdWishes:
    """Say what is different on the disk of such a host."""
    return disk.SystemdWishes(sshd_config=SSHD_CONFIG, unwanted=tuple(unwanted()))


class SystemdMachine(Machine):
    """The running part of a host whose PID 1 is systemd, in a `systemd-nspawn`."""

    def start(self) -> None:
        """Start PID 1."""
        boot = (str(disk.SCRIPTS / "boot-systemd.sh"), str(self._folder), self.name)
        self._spawn(
            *("unshare", "--mount", "--propagation", "private"),
            *("bash", *boot, self._namespace, *self._hidden),
        )
        command.wait_until(
            self._has_init, timeout_s=10, what=f"{self.name}: a first process"
        )

    def _has_init(self) -> bool:
        assert self._process is not None
        self._init = _first_inside(self._process.pid)
        return self._init is not None or self._process.poll() is not None

    def terminate(self) -> None:
        """Ask for an orderly shutdown, as a power button does."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGTERM)

    def wait(self, *, timeout_s: float = 30.0) -> int:
        """Wait for the end of PID 1, and give how it ended."""
        ending = super().wait(timeout_s=timeout_s)
        return 3 if ending == _REBOOT else ending


def _first_inside(outer: int) -> int | None:
    """Find below `outer` the process that is number 1 of a namespace of its own."""
    todo = [outer]
    while todo:
        pid = todo.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            continue
        numbers = status.partition("NSpid:")[2].partition("\n")[0].split()
        if len(numbers) > 1 and numbers[-1] == "1":
            return pid
        todo += map(int, children.split())
    return None
