"""What is on a host's disk: its writable layer over this machine's root, and its homes.

The disk outlives power cuts. Only what differs from this machine is on it: PID 1, users
and their keys, sshd's configuration and host key, and programs that are hidden.
"""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import command

if TYPE_CHECKING:
    from collections.abc import Iterable

SCRIPTS = Path(__file__).parent / "scripts"
PROGRAMS = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/usr/games",
    "/sbin",
    "/bin",
)
UBUNTU = 1500  # user and group, free on any machine we know

# Limits (MaxSessions, MaxStartups) stay at their defaults, as on the boxes people rent.
SSHD_CONFIG = """\
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
UseDNS no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
Subsystem sftp internal-sftp
AcceptEnv LANG LC_*
LogLevel VERBOSE
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemdWishes:
    """What is different on the disk of a host with systemd."""

    sshd_config: str
    unwanted: tuple[str, ...]


class Disk:
    """A folder, or a small ext4 of its own, that holds all that a host writes."""

    def __init__(self, folder: Path, *, size_mb: int | None) -> None:
        self._mounted = folder / "disk"
        self._upper = self._mounted / "upper"
        self._mounted.mkdir(parents=True)
        if size_mb:
            self._mount_image(folder / "disk.img", size_mb)

    def _mount_image(self, image: Path, size_mb: int) -> None:
        with image.open("wb") as file:
            file.truncate(size_mb << 20)
        command.run("mkfs.ext4", "-q", "-F", image)
        command.run("mount", "-o", "loop", image, self._mounted)

    def install(
        self, name: str, public_key: str, *, systemd: SystemdWishes | None = None
    ) -> None:
        """Make it the disk of a host that `public_key` may log in to."""
        _make_folder(self._mounted / "work")
        if systemd is None:
            self._install_init()
            self._install_sshd(SSHD_CONFIG)
        else:
            self._install_sshd(systemd.sshd_config)
            for path in systemd.unwanted:
                self._white_out(path)
            self._write("/etc/machine-id", f"{os.urandom(16).hex()}\n")
        self._install_users()
        self._write("/etc/hostname", f"{name}\n")
        self._white_out("/etc/gitconfig")  # this machine's; a box has none
        self._install_home("home-root", public_key, owner=0)
        self._install_home("home/ubuntu", public_key, owner=UBUNTU)

    def _install_init(self) -> None:
        shutdown = (SCRIPTS / "shutdown.sh").read_text()
        self._write("/sbin/lab-init", (SCRIPTS / "init.sh").read_text(), mode=0o755)
        for name in ("shutdown", "poweroff", "halt", "reboot"):
            self._write(f"/sbin/{name}", shutdown, mode=0o755)

    def _install_users(self) -> None:
        home = f"ubuntu:x:{UBUNTU}:{UBUNTU}::/home/ubuntu:/bin/bash"
        self._append("/etc/passwd", {"ubuntu": home})
        self._append("/etc/group", {"ubuntu": f"ubuntu:x:{UBUNTU}:"})
        # '*' is "no password, but not locked". With '!', useradd's default, an sshd
        # that does without PAM refuses keys as well.
        shadow = {user: f"{user}:*:19000::::::" for user in ("root", "ubuntu")}
        self._append("/etc/shadow", shadow, mode=0o640)
        sudo = "ubuntu ALL=(ALL) NOPASSWD:ALL\n"  # as on Ubuntu's images
        self._write("/etc/sudoers.d/90-ubuntu", sudo, mode=0o440)

    def _install_sshd(self, config: str) -> None:
        self._write("/etc/ssh/sshd_config", config)
        self._write("/var/log/sshd.log", "", mode=0o640)
        self.make_host_key()

    def _install_home(self, name: str, public_key: str, *, owner: int) -> None:
        home = self._mounted / name
        keys = home / ".ssh" / "authorized_keys"
        _make_folder(keys.parent)
        keys.write_text(public_key)
        for path, mode in ((home, 0o755), (keys.parent, 0o700), (keys, 0o600)):
            path.chmod(mode)
            os.chown(path, owner, owner)

    def configure_sshd(self, lines: Iterable[str]) -> None:
        """Put `lines` first in sshd's configuration, where they win."""
        self._write("/etc/ssh/sshd_config", "\n".join([*lines, SSHD_CONFIG]))

    def make_host_key(self) -> None:
        """Replace the host key; a running sshd keeps the one it began with."""
        private, public = self._host_key(), self._host_key(".pub")
        private.unlink(missing_ok=True)
        public.unlink(missing_ok=True)
        make_key(private, comment="host")

    @property
    def home(self) -> Path:
        """The home of root."""
        return self._mounted / "home-root"

    @property
    def host_key(self) -> str:
        """The public host key on this disk."""
        return self._host_key(".pub").read_text()

    def _host_key(self, suffix: str = "") -> Path:
        return self._path(f"/etc/ssh/ssh_host_ed25519_key{suffix}")

    @property
    def sshd_log(self) -> str:
        """All that sshd has logged, at every boot so far."""
        return self._path("/var/log/sshd.log").read_text(errors="replace")

    def write_hosts(self, name: str, address: str) -> None:
        """Tell the host its own address."""
        self._write("/etc/hosts", f"127.0.0.1 localhost\n{address} {name}\n")

    def hide_programs(self, names: Iterable[str]) -> None:
        """Make programs of this machine's be absent, wherever PATH may find them."""
        for name in names:
            for folder in PROGRAMS:
                self._white_out(f"{folder}/{name}")

    def remove(self) -> None:
        """Remove all of it."""
        if self._mounted.is_mount():
            command.run("umount", self._mounted)
        shutil.rmtree(self._mounted.parent)

    def _append(self, path: str, lines: dict[str, str], *, mode: int = 0o644) -> None:
        """Take over this machine's `path`, with `lines` instead of those users' own."""
        old = Path(path).read_text().splitlines()
        kept = [line for line in old if line.partition(":")[0] not in lines]
        self._write(path, "\n".join([*kept, *lines.values(), ""]), mode=mode)

    def _write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        file = self._path(path)
        file.write_text(text)
        file.chmod(mode)

    def _white_out(self, path: str) -> None:
        """Make what this machine has at `path` not exist on the host."""
        if os.path.lexists(path):
            hole = self._path(path)
            hole.unlink(missing_ok=True)
            # An overlay's whiteout: a character device with the number 0, 0.
            os.mknod(hole, stat.S_IFCHR | 0o600, os.makedev(0, 0))

    def _path(self, path: str) -> Path:
        """Give where the host's `path` lies in the upper layer, and make its folder."""
        # /sbin is a link to usr/sbin on most machines; a folder over it would hide it.
        folder = Path(path).parent.resolve()
        return _make_folder(self._upper / folder.relative_to("/")) / Path(path).name


def make_key(path: Path, *, comment: str) -> None:
    """Make a key pair without a passphrase: `path` and `path`.pub."""
    key = ("-t", "ed25519", "-N", "", "-C", comment)
    command.run("ssh-keygen", "-q", *key, "-f", path)


def _make_folder(path: Path) -> Path:
    """Make `path` and what is above it, open to every user whatever our umask is."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir()
        path.chmod(0o755)
    return path
