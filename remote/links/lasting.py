"""A box through paramiko: one transport that lasts as long as this process.

A command costs a channel of it and no process. Where paramiko cannot log in as OpenSSH
would, the OpenSSH link takes over, and its word is final; git and rsync are always its.

fabric would bring nothing here but its own settings: it reads fabric.yml and FABRIC_*,
and accepts any host key unless told otherwise.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
from collections.abc import Sequence

import paramiko

from pipeline.clock import SystemClock
from pipeline.errors import TransportError
from remote.links import login
from remote.links.flow import CHUNK, Framed, Opened, framed, gather, spoken
from remote.links.link import Completed, Source, Stream, broken, late
from remote.links.openssh import ALIVE_EVERY_S, ALIVE_MISSES, CONNECT_S, OpenSsh

SILENCE_S = float(ALIVE_EVERY_S * ALIVE_MISSES)
KEEPALIVE = "keepalive@openssh.com"
NO_STATUS = -1  # paramiko's word for a channel that went without saying how it ended
TROUBLE = (paramiko.SSHException, EOFError, OSError)

_CLOCK = SystemClock()


class Lasting:
    """A Link over one transport of paramiko, or else over `openssh`."""

    def __init__(self, openssh: OpenSsh) -> None:
        """Log in at the first use, as the settings of `openssh` say."""
        self.name = openssh.name
        self._openssh = openssh
        self._wire: _Wire | None = None
        self._is_unfit = False
        self._turn = threading.Lock()

    def call(
        self, argv: Sequence[str], *, stdin: Source = b"", timeout_s: float
    ) -> Completed:
        """Run `argv` there, over a channel."""
        deadline = _CLOCK.monotonic() + timeout_s
        try:
            flow = self._begin(argv, min(timeout_s, CONNECT_S))
            return gather(flow, stdin, deadline - _CLOCK.monotonic())
        except TimeoutError as error:
            raise late(self.name, timeout_s) from error

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start `argv` there; its stdin stays open until the stream is closed."""
        try:
            return Opened(self._begin(argv, CONNECT_S), stdin)
        except TimeoutError as error:
            raise late(self.name, CONNECT_S) from error

    def git_url(self, folder: str) -> str:
        """Give what the OpenSSH link gives."""
        return self._openssh.git_url(folder)

    def git_env(self) -> dict[str, str]:
        """Give what the OpenSSH link gives."""
        return self._openssh.git_env()

    def rsync_flags(self) -> list[str]:
        """Give what the OpenSSH link gives."""
        return self._openssh.rsync_flags()

    def rsync_source(self, folder: str) -> str:
        """Give what the OpenSSH link gives."""
        return self._openssh.rsync_source(folder)

    def close(self) -> None:
        """End the transport; the connection of the OpenSSH link stays."""
        with self._turn:
            self._forget()

    def _forget(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    @property
    def is_logged_in(self) -> bool:
        """Whether paramiko holds a connection of its own."""
        return self._wire is not None and self._wire.is_alive

    def _begin(self, argv: Sequence[str], limit_s: float) -> Framed:
        """Start `argv` on a channel, or leave it to OpenSSH."""
        wire = self._connected(limit_s)
        if wire is None:
            return self._openssh.begin(argv)
        line = os.fsencode(spoken(framed(argv)))
        try:
            return Framed(_Channel(wire, line, limit_s), name=self.name)
        except TimeoutError:
            raise
        except TROUBLE as error:
            if not wire.is_alive:
                raise broken(self.name) from error
            # The box allows no more sessions on one connection, or none at all.
            return self._openssh.begin(argv)

    def _connected(self, limit_s: float) -> _Wire | None:
        with self._turn:
            if not self.is_logged_in:
                self._forget()
                self._wire = None if self._is_unfit else self._log_in(limit_s)
            return self._wire

    def _log_in(self, limit_s: float) -> _Wire | None:
        settings = self._openssh.settings()
        try:
            login.check(settings)
            address = (settings["hostname"][0], int(settings["port"][0]))
            line = self._dial(address, limit_s)
            return _Wire(self.name, line, login.log_in(line, settings, limit_s))
        except login.Unfit:
            self._is_unfit = True
            return None

    def _dial(self, address: tuple[str, int], limit_s: float) -> socket.socket:
        try:
            line = socket.create_connection(address, timeout=limit_s)
        except OSError as error:
            reason = f"{address[0]} port {address[1]}: {error.strerror or error}"
            raise TransportError(f"host {self.name!r}: {reason}") from error
        # Without it every command waits 40 ms for Nagle and a delayed ACK.
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line


class _Wire:
    """A transport that is closed once nothing was heard over it for too long.

    paramiko's own keepalives are never missed: they ask for no answer.
    """

    def __init__(
        self, name: str, line: socket.socket, transport: paramiko.Transport
    ) -> None:
        self.name = name
        self._line = line
        self.transport = transport
        self.heard_at = _CLOCK.monotonic()
        self._is_closed = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self.transport.is_active()

    def close(self) -> None:
        self._is_closed.set()
        self.transport.close()
        self._line.close()  # which a transport that failed by itself leaves open

    def _watch(self) -> None:
        while self.is_alive and not self._is_closed.wait(ALIVE_EVERY_S):
            answered = threading.Event()
            ask = threading.Thread(target=self._ask, args=(answered,), daemon=True)
            ask.start()
            # An answer may stand in a queue behind much data: that is heard as well.
            while not answered.wait(SILENCE_S):
                if _CLOCK.monotonic() - self.heard_at > SILENCE_S:
                    self.close()
                    return

    def _ask(self, answered: threading.Event) -> None:
        with contextlib.suppress(*TROUBLE):
            self.transport.global_request(KEEPALIVE, wait=True)
        answered.set()


class _Channel:
    """A Flow over a channel."""

    def __init__(self, wire: _Wire, line: bytes, limit_s: float) -> None:
        """Start the command `line`, as the login shell there reads it."""
        self._wire = wire
        self._said = bytearray()
        self._channel = _opened(wire.transport, line, limit_s)
        self._awake = select.poll()
        self._awake.register(self._channel.fileno(), select.POLLIN)

    @property
    def code(self) -> int:
        return self._channel.exit_status

    @property
    def err(self) -> bytes:
        return bytes(self._said)

    def send(self, data: bytes) -> bool:
        with contextlib.suppress(*TROUBLE):
            while data and (count := self._channel.send(data)):
                data = data[count:]
                self._wire.heard_at = _CLOCK.monotonic()
        return not data

    def send_end(self) -> None:
        with contextlib.suppress(*TROUBLE):
            self._channel.shutdown_write()

    def read(self, timeout_s: float) -> bytes | None:
        deadline = _CLOCK.monotonic() + timeout_s
        while True:
            left = max(deadline - _CLOCK.monotonic(), 0.0)
            if self._awake.poll(left * 1000):
                self._wire.heard_at = _CLOCK.monotonic()
            # Looked at before the rest is taken: nothing comes after an end.
            has_ended = self._channel.eof_received or self._channel.closed
            if self._channel.recv_stderr_ready():
                self._said += self._channel.recv_stderr(CHUNK)
            elif self._channel.recv_ready():
                return self._channel.recv(CHUNK)
            elif has_ended:
                return self._end(left)
            if not left:
                return None

    def _end(self, timeout_s: float) -> bytes | None:
        if not self._channel.status_event.wait(timeout_s):
            return None
        if self._channel.exit_status == NO_STATUS:
            raise broken(self._wire.name)
        return b""

    def end(self) -> None:
        with contextlib.suppress(*TROUBLE):
            self._channel.close()


def _opened(
    transport: paramiko.Transport, line: bytes, limit_s: float
) -> paramiko.Channel:
    """Open a channel and start `line` on it; raise TimeoutError if that takes long."""
    deadline = _CLOCK.monotonic() + limit_s
    channel = transport.open_session(timeout=limit_s)
    # `exec_command` waits for an answer without end.
    alarm = threading.Timer(deadline - _CLOCK.monotonic(), channel.close)
    alarm.start()
    try:
        channel.exec_command(line)
    except paramiko.SSHException as error:
        channel.close()
        if _CLOCK.monotonic() >= deadline:
            raise TimeoutError from error
        raise
    finally:
        alarm.cancel()
    return channel
