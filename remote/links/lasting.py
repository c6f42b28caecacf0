"""A box through fabric: one connection that lasts as long as this process.

A command costs a channel of it and no process. Where fabric cannot log in as OpenSSH
would, the OpenSSH link takes over, and its word is final; git and rsync are always its.

Of fabric, the connection is used and not its `run`: that reads with three threads and
a pause of 10 ms, has no stdin that can be closed, and no limit to its patience.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence

from pipeline.clock import SystemClock
from pipeline.errors import TransportError
from remote.links import login, refusals
from remote.links.flow import Framed, Opened, framed, gather, spoken
from remote.links.link import Completed, Source, Stream, broken, late
from remote.links.openssh import CONNECT_S, REVIVE_S, Lane, OpenSsh
from remote.links.patience import TurnedAway, Unexplained, answered, patiently
from remote.links.way import way_to
from remote.links.wire import TROUBLE, Channel, Wire

CHANCES = 3  # to log in, after which it is left to OpenSSH for good
BANNER = "Error reading SSH protocol banner"

_CLOCK = SystemClock()


class Lasting:
    """A Link over one connection of fabric, or else over `openssh`."""

    def __init__(self, openssh: OpenSsh) -> None:
        """Log in at the first use, as the settings of `openssh` say."""
        self.name = openssh.name
        self._openssh = openssh
        self._wire: Wire | None = None
        self._is_unfit = False
        self._chances = CHANCES
        self._turn = threading.Lock()

    def call(
        self, argv: Sequence[str], *, stdin: Source = b"", timeout_s: float
    ) -> Completed:
        """Run `argv` there, over a channel."""

        def attempt(left_s: float) -> Completed:
            deadline = _CLOCK.monotonic() + left_s
            try:
                flow = self._begin(argv, "calls", min(left_s, CONNECT_S))
                return gather(flow, stdin, deadline - _CLOCK.monotonic())
            except Unexplained as error:
                raise self._openssh.explained(error) from error

        return answered(attempt, stdin=stdin, name=self.name, timeout_s=timeout_s)

    def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start `argv` there; its stdin stays open until the stream is closed."""

        def attempt(left_s: float) -> Framed:
            return self._begin(argv, "streams", min(left_s, CONNECT_S))

        try:
            return Opened(patiently(attempt, timeout_s=2.0 * CONNECT_S), stdin)
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

    def introduce(self) -> None:
        """Meet the box, as the OpenSSH link does."""
        self._openssh.introduce()

    def heed(self, said: bytes) -> None:
        """Tell the OpenSSH link, whose git and rsync are."""
        self._openssh.heed(said)

    def revive(self) -> None:
        """Drop whichever connection does not answer at once."""
        wire = self._wire
        if wire is not None and not wire.answers_within(REVIVE_S):
            wire.close()
        self._openssh.revive()

    def close(self) -> None:
        """End the connection; that of the OpenSSH link stays."""
        with self._turn:
            self._forget()

    def _forget(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    @property
    def is_logged_in(self) -> bool:
        """Whether fabric holds a connection of its own."""
        return self._wire is not None and self._wire.is_alive

    def _begin(self, argv: Sequence[str], lane: Lane, limit_s: float) -> Framed:
        """Start `argv` on a channel, or leave it to OpenSSH."""
        wire = self._connected(limit_s)
        if wire is None or wire.is_full:
            return self._openssh.begin(argv, lane=lane)
        line = os.fsencode(spoken(framed(argv)))
        try:
            return Framed(Channel(wire, line, limit_s), name=self.name)
        except TimeoutError:
            raise
        except TROUBLE as error:
            if not wire.is_alive:
                raise broken(self.name) from error
            # The box allows no more sessions on one connection, or none at all.
            wire.most = len(wire.channels)
            return self._openssh.begin(argv, lane=lane)

    def _connected(self, limit_s: float) -> Wire | None:
        with self._turn:
            if not self.is_logged_in:
                self._forget()
                self._wire = None if self._is_unfit else self._log_in(limit_s)
            return self._wire

    def _log_in(self, limit_s: float) -> Wire | None:
        """Log in, or leave it to OpenSSH: for good, or for once if it was bad luck."""
        self.introduce()
        began = _CLOCK.monotonic()
        try:
            box = self._openssh
            hops = way_to(self.name, box.words, box.settings_of)
            way = [hop.settings for hop in hops]
            for settings in way:
                login.check(settings)
            nearest = way[-1]
            address = (nearest["hostname"][0], int(nearest["port"][0]))
            line = self._dial(address, limit_s)
            return Wire(self.name, login.Login(way, line, limit_s))
        except login.Unfit:
            self._is_unfit = True
            return None
        except TROUBLE as error:
            if _CLOCK.monotonic() - began >= limit_s:
                raise late(self.name, limit_s) from error
            if BANNER in str(error):
                message = f"host {self.name!r}: it hung up before it greeted us"
                raise TurnedAway(message, hint=refusals.NOT_GREETED) from error
            self._chances -= 1
            self._is_unfit = not self._chances
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
