"""A box through the OpenSSH client: one connection, shared by all who come this way.

The first ssh to a box logs in and leaves a master behind, which keeps the connection
for `PERSIST_S` after its last use: a later call, of this process or of the next
`pipeline` command, of git or of rsync, is a channel of it. Masters end by themselves,
and ssh replaces a socket whose master died. They lie in a private folder, apart from
those of the user's own ssh.

A box may allow a single session per connection (MaxSessions 1). ssh says so and logs in
anew for each command that comes while one runs; so once that was heard, calls, streams,
git and rsync keep a connection each.

Whatever can log in there can be used: agents, hardware keys, jump hosts, Kerberos.
Nothing is ever asked, and a host key that is not known is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pipeline.errors import PipelineError
from remote.links import command, refusals, sockets
from remote.links.address import Address
from remote.links.flow import Framed, Opened, framed, gather, spoken
from remote.links.link import Completed, Source, Stream
from remote.links.patience import TurnedAway, Unexplained, answered
from remote.links.way import asked_by, jump_of

FAILED = 255  # how ssh ends when the link failed; no far command of ours ends so
CONNECT_S = 10
ALIVE_EVERY_S = 5  # a dead link is noticed after 15 to 20 s
ALIVE_MISSES = 3
PERSIST_S = 600
ASK_S = 10.0  # for questions to the ssh of this machine
LOG_IN_S = 60.0
REVIVE_S = 2.5  # how long a connection may take to show that it lives
NOBODY = "127.0.0.1:1"

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
ALONE = {"ControlMaster": "no", "ControlPath": "none"}

# Who shares a connection: all, until the box is known to be narrow.
Lane = Literal["calls", "streams", "git", "rsync"]


class OpenSsh:
    """A Link through the OpenSSH client."""

    def __init__(
        self,
        name: str,
        address: Address,
        *,
        config: Path | None = None,
        meet: Callable[[OpenSsh], None] | None = None,
    ) -> None:
        """Speak to `address` as the ssh configuration says, or that of `config`.

        meet: what comes before the first word, such as a look at the host key.
        """
        self.name = name
        self.address = address
        self._config = ["-F", str(config.absolute())] if config else []
        self._is_narrow = False
        self._turn = threading.Lock()
        self._meet = meet
        self._first = threading.Lock()

    @property
    def config_flags(self) -> list[str]:
        """The configuration to read, as ssh takes it; nothing for its own."""
        return self._config

    @property
    def ssh(self) -> list[str]:
        """The command that git and rsync put the host's name behind.

        Asked for anew each time: the folder of the sockets may have been swept away.
        """
        return self._ssh("calls")

    def _ssh(self, lane: Lane) -> list[str]:
        """Give the command for one lane; its master, if there is one, answers."""
        place = sockets.folder()
        if place is None:
            return self.ssh_with(ALONE)
        sockets.forget_deaf(place, self.digest)
        track = lane[0] if self._is_narrow else "a"
        return self.ssh_with({"ControlPath": f"{place}/{self.digest}{track}-%C"})

    def ssh_with(self, options: dict[str, str]) -> list[str]:
        """Give the command with `options` in place of those all share."""
        words = (f"{k}={v}" for k, v in {**OPTIONS, **options}.items())
        spelled = (part for word in words for part in ("-o", word))
        return ["ssh", *self._config, "-aTx", *spelled, *self.address.flags]

    @property
    def digest(self) -> str:
        """What the names of this box's sockets begin with."""
        # Two configurations may give one address other keys: they share no master.
        whom = [*self._config, *self.address.flags, self.address.host]
        return hashlib.sha256(shlex.join(whom).encode()).hexdigest()[:7]

    @property
    def is_connected(self) -> bool:
        """Whether there is a shared connection, as far as its socket tells."""
        return bool(self._masters())

    def _masters(self) -> list[Path]:
        place = sockets.folder()
        return list(sockets.masters(place, self.digest)) if place else []

    def call(
        self, argv: Sequence[str], *, stdin: Source = b"", timeout_s: float
    ) -> Completed:
        """Run `argv` there, over the shared connection."""

        def attempt(left_s: float) -> Completed:
            try:
                return gather(self.begin(argv), stdin, left_s)
            except Unexplained as error:
                raise self.explained(error) from error

        return answered(attempt, stdin=stdin, name=self.name, timeout_s=timeout_s)

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start `argv` there; its stdin stays open until the stream is closed."""
        return Opened(self.begin(argv, lane="streams"), stdin)

    def begin(self, argv: Sequence[str], *, lane: Lane = "calls") -> Framed:
        """Start `argv` there, as a flow."""
        self.introduce()
        line = spoken(framed(argv))
        process = command.Process([*self._ssh(lane), "--", self.address.host, line])
        return Framed(process, name=self.name, judge=self.judge, noise=refusals.CROWD)

    def introduce(self) -> None:
        """Meet the box, if that was not done yet."""
        with self._first:
            if self._meet is not None:
                self._meet(self)
                self._meet = None

    def heed(self, said: bytes) -> None:
        """Learn from what ssh said, also to git or rsync, who pass it on."""
        self._is_narrow = self._is_narrow or refusals.NARROW in said

    def _shared(self, lane: Lane) -> list[str]:
        """Give the command for a program that starts ssh itself.

        With a connection that is there: two that came at once would each log in.
        """
        with self._turn:
            if sockets.folder() and not self.is_connected:
                self.call(["true"], timeout_s=LOG_IN_S)
        return self._ssh(lane)

    def git_url(self, folder: str) -> str:
        """Give `host:folder`."""
        return self.address.path(folder)

    def git_env(self) -> dict[str, str]:
        """Make git ride the shared connection."""
        ssh = shlex.join(self._shared("git"))
        variables = {"GIT_SSH_COMMAND": ssh, "GIT_SSH_VARIANT": "ssh"}
        return {**variables, **command.NEVER_ASK}

    def rsync_flags(self) -> list[str]:
        """Make rsync ride the shared connection."""
        return ["-e", shlex.join(self._shared("rsync"))]

    def rsync_source(self, folder: str) -> str:
        """Give `host:folder`."""
        return self.address.path(folder)

    def close(self) -> None:
        """Let go of nothing: the connection stays for the next command, `PERSIST_S`."""

    def revive(self) -> None:
        """Drop each shared connection that does not answer at once."""
        for path in self._masters():
            if not self._answers(path):
                self._end(path)

    def _answers(self, path: Path) -> bool:
        """Ask for a port where nobody listens: no session, no process, one round trip.

        So a box that is busy, or allows no second session, is not taken for a dead one.
        """
        ssh = self.ssh_with({"ControlMaster": "no", "ControlPath": str(path)})
        try:
            argv = [*ssh, "-W", NOBODY, "--", self.address.host]
            command.run(argv, timeout_s=REVIVE_S)
        except TimeoutError:
            return False
        return True

    def explained(self, error: Unexplained) -> PipelineError:
        """Ask once more, and hear what our quiet options and ssh itself hide.

        Where a master may stay behind, ssh throws away what a jump host says.
        """
        settings = self.settings_of(self.words)
        is_direct = not {"proxyjump", "proxycommand"} & settings.keys()
        if isinstance(error, TurnedAway) and is_direct:
            return error  # it said all there is, and should not be asked more often
        loud = {**ALONE, "LogLevel": "INFO", **self._loud_jump(settings)}
        argv = [*self.ssh_with(loud), "--", self.address.host, "true"]
        try:
            said = command.run(argv, timeout_s=2.0 * CONNECT_S)
        except TimeoutError:
            return error
        heard = refusals.behind(said.err)
        return error if said.code != FAILED or not heard else self.trouble(heard)

    def _loud_jump(self, settings: Mapping[str, list[str]]) -> dict[str, str]:
        """Give the ProxyCommand that a ProxyJump stands for, but one that speaks."""
        jump = jump_of(settings)
        if not jump:
            return {}
        quiet = ("-o", "BatchMode=yes", "-o", "LogLevel=INFO")
        config = [word.replace("%", "%%") for word in self._config]
        through = ["ssh", *config, *quiet, "-W", "[%h]:%p", *asked_by(jump)]
        return {"ProxyCommand": shlex.join(through)}

    def disconnect(self) -> None:
        """End the shared connection now, for all who use it."""
        if place := sockets.folder():
            sockets.forget_deaf(place, self.digest)
        for path in self._masters():
            self._end(path)

    def _end(self, path: Path) -> None:
        """End the master that listens there."""
        argv = [*self.ssh_with({"ControlPath": str(path)}), "-O", "exit"]
        with contextlib.suppress(TimeoutError):
            command.run([*argv, "--", self.address.host], timeout_s=ASK_S)
        path.unlink(missing_ok=True)

    @property
    def words(self) -> list[str]:
        """Whom any ssh is asked for, to mean this box."""
        return [*self.address.flags, "--", self.address.host]

    def settings_of(self, whom: Sequence[str]) -> dict[str, list[str]]:
        """Give what the configuration says of whom ssh would be asked for so."""
        argv = ["ssh", *self._config, "-G", *whom]
        said = command.run(argv, timeout_s=ASK_S)
        if said.code:
            raise self.trouble(said.err)
        found: dict[str, list[str]] = {}
        for line in said.out.decode("utf-8", "replace").splitlines():
            key, _, value = line.partition(" ")
            found.setdefault(key, []).append(value)
        return found

    def trouble(self, err: bytes) -> PipelineError:
        """Say what went wrong where ssh itself failed and told `err`."""
        return refusals.told_by(self.name, self.login, err)

    def judge(self, code: int, err: bytes) -> PipelineError | None:
        """Tell whether ssh itself failed, and how, by its code and its stderr."""
        self.heed(err)
        return self.trouble(refusals.CROWD.sub(b"", err)) if code == FAILED else None

    @property
    def login(self) -> str:
        """What a person would type to log in."""
        user, port = self.address.user, self.address.port
        whom = f"{user}@{self.address.host}" if user else self.address.host
        return shlex.join(
            ["ssh", *self._config, *(["-p", str(port)] if port else []), whom]
        )
