"""Hand the terminal over to a command on a host, and take it back at its end."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import TransportError
from pipeline.schema import Host
from remote import hosts
from remote.links import command
from remote.links.flow import spoken
from remote.links.openssh import FAILED


def hand_over(host: Host | None, argv: Sequence[str]) -> int:
    """Run `argv` in the home there, on our own terminal; give its exit code.

    What it is given to read is ours, whether a terminal or a pipe. Raise TransportError
    when the connection broke: no command of ours ends as a broken one does.
    """
    if host is None:
        return command.attend(argv, cwd=Path.home())
    link = hosts.openssh_to(host)
    # The last word counts: the shared options ask for no terminal.
    tty = "-t" if sys.stdin.isatty() and sys.stdout.isatty() else "-T"
    # Some login shells `exec` the last command: a shell of ours makes 128 + n of a
    # signal, where ssh itself would say 255.
    framed = ["sh", "-c", '("$@"); exit $?', "sh", *argv]
    line = spoken(framed)
    code = command.attend([*link.ssh, tty, "--", link.address.host, line])
    if code == FAILED:
        message = f"host {host.name!r}: the connection broke"
        hint = "the run itself is not affected; what you started there may have ended"
        raise TransportError(message, hint=hint)
    return code
