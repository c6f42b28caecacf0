"""What ssh says when it failed: whose fault that is, and what a person can do."""

from __future__ import annotations

import re

from pipeline.errors import HostError, PipelineError, TransportError
from remote.links import hostkeys
from remote.links.link import broken
from remote.links.patience import TurnedAway, Unexplained

# How ssh says that a master could not take one more, and that it goes on without it.
NARROW = b"mux_client_request_session: session request failed"
CROWD = re.compile(
    rb"\A(?:mux_client_request_session: [^\n]*\n"
    rb"|ControlSocket [^\n]* already exists, disabling multiplexing\r?\n)+"
)

LOG_IN = (
    "it must answer without a question: {login} -o BatchMode=yes true\n"
    "a key with a passphrase must be in your ssh-agent: ssh-add"
)
CONFIGURE = "this must print the settings: {login} -G"
JUMP = (
    "the jump host must reach it, and its sshd let through: AllowTcpForwarding yes\n"
    "try: {login} true"
)
NOT_GREETED = (
    "nothing was begun there; too many may be logging in at once (MaxStartups of its"
    " sshd),\na firewall may bar this address, or a jump host may not let us through"
)

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
        "is marked as revoked",
        HostError,
        "its host key is marked as revoked here",
        "this may be another machine; see your known_hosts",
    ),
    (
        "Host key verification failed",
        HostError,
        "its host key is not known here",
        "look at it, and accept it: pipeline doctor --host {name}",
    ),
    ("Permission denied (", HostError, "{line}", LOG_IN),
    ("Too many authentication failures", HostError, "{line}", LOG_IN),
    ("Unable to negotiate", HostError, "{line}", LOG_IN),
    ("exec request failed", HostError, "it runs no commands for us: {line}", LOG_IN),
    (
        "administratively prohibited",
        HostError,
        "its jump host lets nothing through: {line}",
        JUMP,
    ),
    (
        "Failed to connect to new control master",
        HostError,
        "it lets us log in, and allows no session",
        "MaxSessions in its sshd_config must be 1 at least",
    ),
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
    (
        "open failed: connect failed",
        TransportError,
        "through its jump host: {line}",
        JUMP,
    ),
    ("_exchange_identification:", TurnedAway, "it hung up: {line}", NOT_GREETED),
)


def told_by(name: str, login: str, err: bytes) -> PipelineError:
    """Say what went wrong where ssh ended in 255 and told `err`."""
    told = err.decode("utf-8", "replace")
    if keys := hostkeys.changed(told):
        message = f"host {name!r}: its host key is not the one known here"
        return HostError(message, hint=keys)
    for sign, kind, what, hint in REFUSALS:
        if sign in told:
            line = next(line for line in told.splitlines() if sign in line)
            message = f"host {name!r}: {what.format(line=_bare(line))}"
            return kind(message, hint=hint.format(login=login, name=name))
    last = next((line for line in reversed(told.splitlines()) if line.strip()), "")
    if not last:
        return Unexplained(broken(name).message)
    return TransportError(f"host {name!r}: {_bare(last)}")


def behind(err: bytes) -> bytes:
    """Leave out what ssh says only because the way to the box was shut before it."""
    kept = (line for line in err.splitlines() if not any(s in line for s in _ECHOES))
    return b"\n".join(kept)


_ECHOES = (b"_exchange_identification:", b"Connection closed by UNKNOWN port")


def _bare(line: str) -> str:
    return line.strip().removeprefix("ssh: ").rstrip(".")
