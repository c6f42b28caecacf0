"""Ports of this machine that lead to ports of a box, for as long as somebody is there.

We listen, on loopback alone. Whoever comes is handed as they are to an ssh of their
own, which rides the shared connection: it costs no log-in, a connection that is lost
and made again changes nothing, and no port outlives us.
"""

from __future__ import annotations

import contextlib
import re
import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Sequence

from pipeline.errors import HostError, SpecError
from pipeline.frozen import dataclass
from remote.links import command
from remote.links.openssh import ALONE, OpenSsh

LOOPBACK = "127.0.0.1"
_WANTED = re.compile(r"(?:(?P<here>[0-9]{1,5}):)?(?P<there>[0-9]{1,5})")
_MOST_PORT = 65535
_TRIES = 20  # ports after one that is taken, where no particular one was asked for
_WAITING = 64  # a page of TensorBoard opens some six connections
_PROBE_S = 15.0
_SILENT_S = 2.0  # then it was let through, and speaks only when it is spoken to
_FORBIDDEN = b"administratively prohibited"
# How ssh ends where nothing listens, or it may not go there.
_CLOSED = (b"Stdio forwarding request failed", b"stdio forwarding failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of the box, and the one of this machine that is to lead there."""

    here: int
    there: int
    is_exact: bool


def read_port(text: str) -> Port:
    """Read `6006`, or `8888:8000` for a port that has another number here."""
    found = _WANTED.fullmatch(text)
    numbers = [int(n) for n in found.groups() if n] if found else []
    if not numbers or not all(0 < number <= _MOST_PORT for number in numbers):
        message = f"--forward takes a port from 1 to {_MOST_PORT}, found {text!r}"
        raise SpecError(message, hint="such as 6006, or 8888:8000 for 8000 there")
    return Port(here=numbers[0], there=numbers[-1], is_exact=len(numbers) > 1)


@contextlib.contextmanager
def forwarding(
    link: OpenSsh, ports: Sequence[Port], say: Callable[[str], None]
) -> Iterator[None]:
    """Forward each port while the body runs; `say` hears where it is.

    Raise SpecError where a port cannot be had here, HostError where the box forwards
    none.
    """
    with contextlib.ExitStack() as opened:
        lines = [(port, opened.enter_context(_listening(port))) for port in ports]
        is_open = {port: _is_open(link, port.there) for port in ports}
        forward = _Forward(link, lines)
        opened.callback(forward.close)
        for port, line in lines:
            address = f"http://{LOOPBACK}:{line.getsockname()[1]}"
            later = "" if is_open[port] else ", where nothing listens yet"
            say(f"{address} leads to port {port.there} on {link.name}{later}")
        yield


def _listening(port: Port) -> socket.socket:
    """Listen on the port, or on the next that is free where that is as good."""
    last = port.here if port.is_exact else min(port.here + _TRIES, _MOST_PORT)
    for number in range(port.here, last + 1):
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            line.bind((LOOPBACK, number))
            line.listen(_WAITING)
        except OSError as error:
            line.close()
            why = (error.strerror or str(error)).lower()
            continue
        return line
    span = f"port {port.here}" if port.is_exact else f"ports {port.here} to {last}"
    message = f"{span} of this machine cannot be had: {why}"
    # The number is said as it would have to be typed, and is free more often than not.
    other = port.here + 10_000 if port.here + 10_000 <= _MOST_PORT else 10_000
    raise SpecError(message, hint=f"name another one: --forward {other}:{port.there}")


def _is_open(link: OpenSsh, port: int) -> bool:
    """Tell whether something listens there; raise HostError where none may ask."""
    try:
        said = command.run(_argv(link.ssh, link, port), timeout_s=_SILENT_S)
    except TimeoutError:
        return True
    if not any(sign in said.err for sign in _CLOSED):
        if said.code and (trouble := link.judge(said.code, said.err)):
            raise trouble
        return True
    # Through a shared connection ssh does not say why.
    alone = link.ssh_with({**ALONE, "LogLevel": "INFO"})
    with contextlib.suppress(TimeoutError):
        said = command.run(_argv(alone, link, port), timeout_s=_PROBE_S)
    if _FORBIDDEN in said.err:
        message = f"host {link.name!r}: its sshd forwards no port {port}"
        hint = "see AllowTcpForwarding and PermitOpen in its sshd_config"
        raise HostError(message, hint=hint)
    return not any(sign in said.err for sign in _CLOSED)


def _argv(ssh: Sequence[str], link: OpenSsh, port: int) -> list[str]:
    return [*ssh, "-W", f"{LOOPBACK}:{port}", "--", link.address.host]


class _Forward:
    """Lets connections through until it is closed."""

    def __init__(
        self, link: OpenSsh, lines: Sequence[tuple[Port, socket.socket]]
    ) -> None:
        self._link = link
        self._ours, self._theirs = socket.socketpair()
        self._open: set[command.Bridge] = set()
        self._turn = threading.Lock()
        self._awake = selectors.DefaultSelector()
        self._awake.register(self._theirs, selectors.EVENT_READ)
        for port, line in lines:
            self._awake.register(line, selectors.EVENT_READ, port)
        self._thread = threading.Thread(target=self._run, name="forward", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            for key, _ in self._awake.select():
                if key.fileobj is self._theirs:
                    return
                assert isinstance(key.fileobj, socket.socket)
                with contextlib.suppress(OSError, HostError):
                    self._let_through(key.fileobj, key.data)

    def _let_through(self, line: socket.socket, port: Port) -> None:
        caller, _ = line.accept()
        with caller:
            caller.setblocking(True)  # noqa: FBT003 - it has no name
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            argv = _argv(self._link.ssh, self._link, port.there)
            bridge = command.Bridge(argv, caller.fileno())
        with self._turn:
            self._open = {one for one in self._open if one.is_open} | {bridge}

    def close(self) -> None:
        """Hang up on all who are connected."""
        self._ours.close()
        self._thread.join()
        for bridge in self._open:
            bridge.end()
        self._awake.close()
        self._theirs.close()
