"""Log in with paramiko where it does as OpenSSH would; refuse to try where it may not.

The settings are ssh's own reading of its configuration (`ssh -G`), and known_hosts is
searched by ssh-keygen, which knows hashed names, patterns and markers. Host keys are
always checked, nothing is ever asked, and `Unfit` means: let OpenSSH try, and say why.
"""

from __future__ import annotations

import base64
import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko

from remote.links import command

if TYPE_CHECKING:
    import socket

    from paramiko.transport import SecurityOptions

Settings = Mapping[str, list[str]]

ASK_S = 10.0  # for questions to a program of this machine

# Settings under which only OpenSSH does what is meant, unless they say one of PLAIN.
BEYOND = (
    *("proxyjump", "proxycommand", "certificatefile", "pkcs11provider"),
    *("revokedhostkeys", "knownhostscommand", "bindaddress", "bindinterface"),
    "addressfamily",
)
PLAIN = {"none", "any"}
OUR_AGENT = {"none", "SSH_AUTH_SOCK"}
# What paramiko calls its algorithms, and what ssh -G calls those it allows.
ALGORITHMS = {
    "ciphers": "ciphers",
    "digests": "macs",
    "kex": "kexalgorithms",
    "key_types": "hostkeyalgorithms",
}
SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}

# Its own warnings, without a handler, would appear in the middle of our screen.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class Unfit(Exception):
    """Paramiko cannot log in there, or not as OpenSSH would; no user ever sees it."""


def log_in(
    line: socket.socket, settings: Settings, limit_s: float
) -> paramiko.Transport:
    """Give a transport over `line` that is logged in, or close it and raise Unfit."""
    transport = paramiko.Transport(line)
    try:
        _log_in(transport, settings, limit_s)
    except Exception as error:
        # Its parsers and agents raise whatever they trip over; OpenSSH will say why.
        transport.close()
        line.close()
        raise Unfit(repr(error)) from error
    return transport


def _log_in(transport: paramiko.Transport, settings: Settings, limit_s: float) -> None:
    known = dict(_known_keys(settings))
    _restrict(transport.get_security_options(), settings, known.values())
    transport.banner_timeout = transport.auth_timeout = limit_s
    transport.channel_timeout = limit_s
    transport.start_client(timeout=limit_s)
    if transport.get_remote_server_key().asbytes() not in known:
        raise Unfit("its host key is not known")
    for key in _our_keys(settings):
        with contextlib.suppress(paramiko.AuthenticationException):
            transport.auth_publickey(settings["user"][0], key)
        if transport.is_authenticated():
            return
    raise Unfit("it takes no key of ours")


def check(settings: Settings) -> None:
    """Raise Unfit when the settings ask for what only OpenSSH can do."""
    asked = {value for key in BEYOND for value in settings.get(key, ())} - PLAIN
    if asked or _agent(settings) not in OUR_AGENT:
        raise Unfit(f"only OpenSSH can do {asked or _agent(settings)}")


def _agent(settings: Settings) -> str:
    return settings.get("identityagent", ["SSH_AUTH_SOCK"])[0]


def _restrict(
    options: SecurityOptions, settings: Settings, known_types: Collection[str]
) -> None:
    """Leave out what the settings leave out, and host keys of a kind not known here."""
    signatures = {s for kind in known_types for s in SIGNATURES.get(kind, (kind,))}
    for ours, theirs in ALGORITHMS.items():
        allowed = set(settings[theirs][0].split(","))
        if ours == "key_types":
            allowed &= signatures
        offered: tuple[str, ...] = getattr(options, ours)
        kept = [a for a in offered if a.removesuffix("@libssh.org") in allowed]
        setattr(options, ours, kept)


def _known_keys(settings: Settings) -> Iterator[tuple[bytes, str]]:
    """Find the keys this box may have: each with its kind."""
    files = [*settings["userknownhostsfile"], *settings["globalknownhostsfile"]]
    for file in " ".join(files).split():
        argv = ["ssh-keygen", "-F", _known_as(settings), "-f", str(_home(file))]
        found = command.run(argv, timeout_s=ASK_S).out.decode("utf-8", "replace")
        for entry in found.splitlines():
            if entry.startswith("@"):
                raise Unfit(f"only OpenSSH can do {entry.split()[0]}")
            if not entry.startswith("#"):
                _, kind, key = entry.split()[:3]
                yield base64.b64decode(key), kind


def _known_as(settings: Settings) -> str:
    """Give the name under which OpenSSH looks a host key up."""
    if "hostkeyalias" in settings:
        return settings["hostkeyalias"][0]
    name, port = settings["hostname"][0], settings["port"][0]
    return name if port == "22" else f"[{name}]:{port}"


def _our_keys(settings: Settings) -> Iterator[paramiko.PKey]:
    """Give the keys that need no passphrase: from files, then from the agent."""
    for path in map(_home, settings.get("identityfile", ())):
        # One that is locked, or of a kind it does not know, may be in the agent.
        with contextlib.suppress(Exception):
            yield paramiko.PKey.from_path(path)
    if _agent(settings) != "none" and settings["identitiesonly"] != ["yes"]:
        with contextlib.closing(paramiko.Agent()) as agent:
            yield from agent.get_keys()


def _home(path: str) -> Path:
    return Path(path).expanduser()
