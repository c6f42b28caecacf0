"""Hand the terminal over to a command on a host, and take it back at its end."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from pipeline.errors import DONE, INTERRUPTED, TransportError
from pipeline.schema import Host
from remote import hosts
from remote.forward import LOOPBACK, Port, forwarding
from remote.links import command
from remote.links.flow import spoken
from remote.links.openssh import FAILED


def hand_over(
    host: Host | None,
    argv: Sequence[str],
    *,
    ports: Sequence[Port] = (),
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """Run `argv` in the home there, on our own terminal; give its exit code.

    What it is given to read is ours, whether a terminal or a pipe. Ports are forwarded
    as long as it runs; `say` hears of them. Raise TransportError when the connection
    broke: no command of ours ends as a broken one does.
    """
    if host is None:
        _say_here(ports, say)
        return command.attend(argv, cwd=Path.home())
    link = hosts.openssh_to(host)
    # The last word counts: the shared options ask for no terminal.
    tty = "-t" if sys.stdin.isatty() and sys.stdout.isatty() else "-T"
    # Some login shells `exec` the last command: a shell of ours makes 128 + n of a
    # signal, where ssh itself would say 255.
    framed = ["sh", "-c", '("$@"); exit $?', "sh", *argv]
    line = spoken(framed)
    with _forwarded(host, ports, say):
        code = command.attend([*link.ssh, tty, "--", link.address.host, line])
    if code == FAILED:
        message = f"host {host.name!r}: the connection broke"
        hint = "the run itself is not affected; what you started there may have ended"
        raise TransportError(message, hint=hint)
    return code


def hold_open(
    host: Host | None, ports: Sequence[Port], say: Callable[[str], None]
) -> int:
    """Forward ports until somebody interrupts; give the exit code of that."""
    if host is None:
        _say_here(ports, say)
        return DONE
    with contextlib.suppress(KeyboardInterrupt), _forwarded(host, ports, say):
        say("^C ends it")
        while True:
            signal.pause()
    return INTERRUPTED


@contextlib.contextmanager
def _forwarded(
    host: Host, ports: Sequence[Port], say: Callable[[str], None]
) -> Iterator[None]:
    """Forward ports; whatever ends us, they end with us."""
    if not ports:
        yield
        return

    def leave(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    ways = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, leave) for number in ways}
    try:
        with forwarding(hosts.openssh_to(host), ports, say):
            yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _say_here(ports: Sequence[Port], say: Callable[[str], None]) -> None:
    """Say where a port of a run of this machine is: it is here in any case."""
    for port in ports:
        where = f"http://{LOOPBACK}:{port.there}"
        say(f"the run is on this machine: port {port.there} is {where}, as it is")
