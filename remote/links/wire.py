"""What lies under a lasting link: one wire, and the channels on it, each a Flow."""

from __future__ import annotations

import contextlib
import math
import select
import threading
from typing import TYPE_CHECKING

import paramiko

from pipeline.clock import SystemClock
from remote.links.flow import CHUNK, MOST_ERR
from remote.links.link import broken
from remote.links.openssh import ALIVE_EVERY_S, ALIVE_MISSES

if TYPE_CHECKING:
    from remote.links.login import Login

SILENCE_S = float(ALIVE_EVERY_S * ALIVE_MISSES)
KEEPALIVE = "keepalive@openssh.com"
NO_STATUS = -1  # paramiko's word for a channel that went without saying how it ended
TROUBLE = (paramiko.SSHException, EOFError, OSError)

_CLOCK = SystemClock()


class Wire:
    """A connection that is closed once nothing was heard over it for too long.

    paramiko's own keepalives are never missed: they ask for no answer.
    """

    def __init__(self, name: str, entry: Login) -> None:
        self.name = name
        self.transport = entry.transport
        self.heard_at = _CLOCK.monotonic()
        self.channels: set[Channel] = set()  # those that are open
        self.most = math.inf  # as many as the box was seen to allow
        self._login = entry
        self._is_closed = threading.Event()
        self._asking = threading.Lock()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def is_alive(self) -> bool:
        """Whether the connection stands, as far as is known."""
        return self.transport.is_active()

    @property
    def is_full(self) -> bool:
        """Whether the box would refuse one channel more."""
        return len(self.channels) >= self.most

    def close(self) -> None:
        """End it; whoever reads from a channel hears that it broke."""
        self._is_closed.set()
        self._login.close()

    def answers_within(self, limit_s: float) -> bool:
        """Tell whether the box answers a question in time."""
        return self._asked().wait(limit_s)

    def _watch(self) -> None:
        while self.is_alive and not self._is_closed.wait(ALIVE_EVERY_S):
            answered = self._asked()
            # An answer may stand in a queue behind much data: that is heard as well.
            while not answered.wait(SILENCE_S):
                if _CLOCK.monotonic() - self.heard_at > SILENCE_S:
                    self.close()
                    return

    def _asked(self) -> threading.Event:
        answered = threading.Event()
        threading.Thread(target=self._ask, args=(answered,), daemon=True).start()
        return answered

    def _ask(self, answered: threading.Event) -> None:
        # One at a time: paramiko would give the answer of both to the later one.
        with self._asking, contextlib.suppress(*TROUBLE):
            self.transport.global_request(KEEPALIVE, wait=True)
        answered.set()


class Channel:
    """A Flow over a channel."""

    def __init__(self, wire: Wire, line: bytes, limit_s: float) -> None:
        """Start the command `line`, as the login shell there reads it."""
        self._wire = wire
        self._said = bytearray()
        self._channel = _opened(wire.transport, line, limit_s)
        wire.channels.add(self)
        self._awake = select.poll()
        self._awake.register(self._channel.fileno(), select.POLLIN)

    @property
    def code(self) -> int:
        """How it ended."""
        return self._channel.exit_status

    @property
    def err(self) -> bytes:
        """What it said on stderr so far."""
        return bytes(self._said)

    def send(self, data: bytes) -> bool:
        """Write all of `data` to its stdin; tell whether it still listens."""
        with contextlib.suppress(*TROUBLE):
            while data and (count := self._channel.send(data)):
                data = data[count:]
                self._wire.heard_at = _CLOCK.monotonic()
        return not data

    def send_end(self) -> None:
        """Close its stdin."""
        with contextlib.suppress(*TROUBLE):
            self._channel.shutdown_write()

    def read(self, timeout_s: float) -> bytes | None:
        """Give some bytes, b"" once it ended, or None when nothing came in time."""
        deadline = _CLOCK.monotonic() + timeout_s
        while True:
            left = max(deadline - _CLOCK.monotonic(), 0.0)
            if self._awake.poll(left * 1000):
                self._wire.heard_at = _CLOCK.monotonic()
            # Looked at before the rest is taken: nothing comes after an end.
            has_ended = self._channel.eof_received or self._channel.closed
            if self._channel.recv_stderr_ready():
                self._said += self._channel.recv_stderr(CHUNK)
                del self._said[:-MOST_ERR]
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
        """Let go of the channel; idempotent."""
        with contextlib.suppress(*TROUBLE):
            self._channel.close()
        self._wire.channels.discard(self)


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
