"""A box through the OpenSSH client: one connection, shared by all who come this way.

The first ssh to a box logs in and leaves a master behind, which keeps the connection
for `PERSIST_S` after its last use: a later call, of this process or of the next
`pipeline` command, of git or of rsync, is a channel of it. Masters end by themselves,
and ssh replaces a socket whose master died. They lie in a private folder, apart from
those of the user's own ssh.

Whatever can log in there can be used: agents, hardware keys, jump hosts, Kerberos.
Nothing is ever asked, and a host key that is not known is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pipeline.errors import HostError, PipelineError, TransportError
from pipeline.frozen import dataclass
from remote.links import command
from remote.links.flow import Framed, Opened, framed, gather, spoken
from remote.links.link import Completed, Source, Stream, broken, late

FAILED = 255  # how ssh ends when the link failed; no far command of ours ends so
CONNECT_S = 10
ALIVE_EVERY_S = 5  # a dead link is noticed after 15 to 20 s
ALIVE_MISSES = 3
PERSIST_S = 600
ASK_S = 10.0  # for questions to the ssh of this machine

# ClearAllForwardings, RemoteCommand, PermitLocalCommand: an alias may be made for
# interactive use, and its tunnels, tmux and hooks would break every command of ours.
OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "ConnectTimeout": str(CONNECT_S),
    "ServerAliveInterval": str(ALIVE_EVERY_S),
    "ServerAliveCountMax": str(ALIVE_MISSES),
    "ControlMaster": "auto",
    "ControlPersist": str(PERSIST_S),
    "ClearAllForwardings": "yes",
    "RemoteCommand": "none",
    "PermitLocalCommand": "no",
    "LogLevel": "ERROR",
}

# A socket's path has room for 104 bytes (macOS), of which %C takes 40, our digest 9,
# and ssh's suffix while it binds 17.
LONGEST_FOLDER = 104 - 1 - 40 - 9 - 17 - 1
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Whom to ask for: an alias or an address, and what the alias does not say."""

    host: str
    user: str = ""
    port: int = 0

    @property
    def flags(self) -> list[str]:
        """The user and the port, as ssh takes them."""
        user = ["-l", self.user] if self.user else []
        return [*user, *(["-p", str(self.port)] if self.port else [])]

    def path(self, folder: str) -> str:
        """Give `host:folder`, as git and rsync take it."""
        return (
            f"[{self.host}]:{folder}" if ":" in self.host else f"{self.host}:{folder}"
        )


class OpenSsh:
    """A Link through the OpenSSH client."""

    def __init__(
        self, name: str, address: Address, *, config: Path | None = None
    ) -> None:
        """Speak to `address` as the ssh configuration says, or that of `config`."""
        self.name = name
        self.address = address
        self._config = ["-F", str(config.absolute())] if config else []

    @cached_property
    def ssh(self) -> list[str]:
        """The command that git and rsync put the host's name behind."""
        control = private_folder() / f"{self._digest}-%C"
        options = {**OPTIONS, "ControlPath": str(control)}
        spelled = (word for k, v in options.items() for word in ("-o", f"{k}={v}"))
        return ["ssh", *self._config, "-aTx", *spelled, *self.address.flags]

    @property
    def _digest(self) -> str:
        # Two configurations may give one address other keys: they share no master.
        return hashlib.sha256(shlex.join(self._config).encode()).hexdigest()[:8]

    def call(
        self, argv: Sequence[str], *, stdin: Source = b"", timeout_s: float
    ) -> Completed:
        """Run `argv` there, over the shared connection."""
        try:
            return gather(self.begin(argv), stdin, timeout_s)
        except TimeoutError as error:
            raise late(self.name, timeout_s) from error

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start `argv` there; its stdin stays open until the stream is closed."""
        return Opened(self.begin(argv), stdin)

    def begin(self, argv: Sequence[str]) -> Framed:
        """Start `argv` there, as a flow."""
        line = spoken(framed(argv))
        process = command.Process([*self.ssh, "--", self.address.host, line])
        return Framed(process, name=self.name, judge=self._judge)

    def git_url(self, folder: str) -> str:
        """Give `host:folder`."""
        return self.address.path(folder)

    def git_env(self) -> dict[str, str]:
        """Make git ride the shared connection."""
        ssh = {"GIT_SSH_COMMAND": shlex.join(self.ssh), "GIT_SSH_VARIANT": "ssh"}
        return {**ssh, **command.NEVER_ASK}

    def rsync_flags(self) -> list[str]:
        """Make rsync ride the shared connection."""
        return ["-e", shlex.join(self.ssh)]

    def rsync_source(self, folder: str) -> str:
        """Give `host:folder`."""
        return self.address.path(folder)

    def close(self) -> None:
        """Let go of nothing: the connection stays for the next command, `PERSIST_S`."""

    def disconnect(self) -> None:
        """End the shared connection now, for all who use it."""
        argv = [*self.ssh, "-O", "exit", "--", self.address.host]
        with contextlib.suppress(TimeoutError):
            command.run(argv, timeout_s=ASK_S)

    def settings(self) -> dict[str, list[str]]:
        """Give what the configuration says of this box, by ssh's own reading."""
        whom = [*self.address.flags, "--", self.address.host]
        argv = ["ssh", *self._config, "-G", *whom]
        said = command.run(argv, timeout_s=ASK_S)
        if said.code:
            raise self._judge(FAILED, said.err) or broken(self.name)
        found: dict[str, list[str]] = {}
        for line in said.out.decode("utf-8", "replace").splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
        return found

    def _judge(self, code: int, err: bytes) -> PipelineError | None:
        if code != FAILED:
            return None
        told = err.decode("utf-8", "replace")
        for sign, kind, what, hint in REFUSALS:
            if sign in told:
                line = next(line for line in told.splitlines() if sign in line)
                said = what.format(line=_bare(line))
                return kind(
                    f"host {self.name!r}: {said}", hint=hint.format(login=self.login)
                )
        last = next((line for line in reversed(told.splitlines()) if line.strip()), "")
        if not last:
            return broken(self.name)
        return TransportError(f"host {self.name!r}: {_bare(last)}")

    @property
    def login(self) -> str:
        """What a person would type to log in."""
        user, port = self.address.user, self.address.port
        whom = f"{user}@{self.address.host}" if user else self.address.host
        return shlex.join(
            ["ssh", *self._config, *(["-p", str(port)] if port else []), whom]
        )


LOG_IN = "it must answer without a question: {login} -o BatchMode=yes true"
CONFIGURE = "this must print the settings: {login} -G"

# What ssh says when the far side, or ssh itself, refuses: asking again changes nothing.
# Everything else that ends in 255 is the network.
REFUSALS: tuple[tuple[str, type[PipelineError], str, str], ...] = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        HostError,
        "its host key is not the one known here",
        "if the box was made anew: ssh-keygen -R, then log in once with: {login}",
    ),
    (
        "Host key verification failed",
        HostError,
        "its host key is not known here",
        "log in once with: {login}",
    ),
    ("Permission denied (", HostError, "{line}", LOG_IN),
    ("Too many authentication failures", HostError, "{line}", LOG_IN),
    ("Unable to negotiate", HostError, "{line}", LOG_IN),
    ("exec request failed", HostError, "it runs no commands for us: {line}", LOG_IN),
    ("Bad configuration option", HostError, "{line}", CONFIGURE),
    ("bad configuration options", HostError, "{line}", CONFIGURE),
    ("Bad owner or permissions", HostError, "{line}", CONFIGURE),
    ("Can't open user config file", HostError, "{line}", CONFIGURE),
    (
        "Could not resolve hostname",
        TransportError,
        "{line}",
        "is this machine online, and is the name right? see: {login} -G",
    ),
)


def _bare(line: str) -> str:
    return line.strip().removeprefix("ssh: ").rstrip(".")


def private_folder() -> Path:
    """Give the folder of our sockets, which nobody else may enter."""
    folder = _runtime_folder() or Path(f"/tmp/pipeline-{os.getuid()}")  # noqa: S108 - checked below
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    is_ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not is_ours or found.st_mode & 0o077:
        message = f"{folder} is not a private folder of yours"
        hint = "remove it, or set XDG_RUNTIME_DIR to a short path of a folder of yours"
        raise HostError(message, hint=hint)
    return folder


def _runtime_folder() -> Path | None:
    text = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(text) / "pipeline"
    is_fit = PLAIN_PATH.fullmatch(text) and len(str(folder)) <= LONGEST_FOLDER
    if not is_fit or not folder.parent.is_dir():
        return None
    return folder if folder.parent.stat().st_uid == os.getuid() else None
