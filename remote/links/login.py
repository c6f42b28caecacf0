"""Log in with fabric where it does as OpenSSH would; refuse to try where it may not.

The settings are ssh's own reading of its configuration (`ssh -G`), and known_hosts is
searched by ssh-keygen, which knows hashed names, patterns and markers. Host keys are
always checked, of jump hosts too, nothing is ever asked, and `Unfit` means: let OpenSSH
try, and say why.

By itself fabric would read fabric.yml, FABRIC_* and ~/.ssh/config in its own way, and
accept any host key. Here it reads nothing, and each of its connections has a policy
that knows the very keys; all that it may decide is how to go through a jump host.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import fabric
import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from remote.links import hostkeys
from remote.links.way import Settings

if TYPE_CHECKING:
    import socket

    from paramiko.transport import SecurityOptions

# Settings under which only OpenSSH does what is meant, unless they say one of PLAIN.
BEYOND = (
    *("proxycommand", "certificatefile", "pkcs11provider"),
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
    """fabric cannot log in there, or not as OpenSSH would; no user ever sees it."""


class Login:
    """A box that we are logged in to, and the jump hosts on the way."""

    def __init__(
        self, way: Sequence[Settings], line: socket.socket, limit_s: float
    ) -> None:
        """Log in over `line`, which leads to the last of `way`; the box is its first.

        Raise Unfit where OpenSSH may do better. What else is raised is the network's.
        """
        self._line = line
        self._way: list[fabric.Connection] = []
        try:
            for settings in reversed(way):
                self._way.append(self._connection(settings, limit_s))
            self._way[-1].open()
        except Exception as error:
            if _is_of_the_network(error):
                raise
            # Its parsers and agents raise what they trip over; OpenSSH will say why.
            raise Unfit(repr(error)) from error
        finally:
            if not self.is_alive:
                self.close()

    def _connection(self, settings: Settings, limit_s: float) -> fabric.Connection:
        """Give a connection that is still to be opened, through those before it."""
        known = dict(_known_keys(settings))
        connection = fabric.Connection(
            settings["hostname"][0],
            user=settings["user"][0],
            port=int(settings["port"][0]),
            config=fabric.Config(lazy=True, overrides={"load_ssh_configs": False}),
            gateway=self._way[-1] if self._way else None,
            connect_timeout=limit_s,
            connect_kwargs={
                **({} if self._way else {"sock": self._line}),
                **dict.fromkeys(_TIMEOUTS, limit_s),
                "transport_factory": _Restricted(settings, known.values()),
                "auth_strategy": _Keys(settings),
            },
        )
        connection.client.set_missing_host_key_policy(_Known(known))
        return connection

    @property
    def transport(self) -> paramiko.Transport:
        """The transport to the box itself."""
        transport: paramiko.Transport = self._way[-1].transport
        return transport

    @property
    def is_alive(self) -> bool:
        """Whether the connection to the box itself stands."""
        return bool(self._way and self._way[-1].is_connected)

    def close(self) -> None:
        """End the connections, and the line, which one that failed leaves open."""
        for connection in reversed(self._way):
            connection.client.close()
        self._line.close()


_TIMEOUTS = ("banner_timeout", "auth_timeout", "channel_timeout")


def _is_of_the_network(error: Exception) -> bool:
    """Tell whether it may be another time; a refusal, to fabric, is one for good."""
    if isinstance(error, (paramiko.AuthenticationException, IncompatiblePeer)):
        return False
    return isinstance(error, (paramiko.SSHException, EOFError, OSError))


class _Known(paramiko.MissingHostKeyPolicy):
    """Accepts the keys that known_hosts has for this machine, and no other."""

    def __init__(self, keys: Collection[bytes]) -> None:
        self._keys = keys

    def missing_host_key(
        self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey
    ) -> None:
        if key.asbytes() not in self._keys:
            raise Unfit("its host key is not known")


class _Restricted:
    """Makes transports that offer only what the settings allow."""

    def __init__(self, settings: Settings, known_types: Collection[str]) -> None:
        self._settings = settings
        self._signatures = {
            name for kind in known_types for name in SIGNATURES.get(kind, (kind,))
        }

    def __call__(self, line: socket.socket, **_: object) -> paramiko.Transport:
        transport = paramiko.Transport(line)
        self._restrict(transport.get_security_options())
        return transport

    def _restrict(self, options: SecurityOptions) -> None:
        """Leave out what is not allowed, and host keys of a kind not known here."""
        for ours, theirs in ALGORITHMS.items():
            allowed = set(self._settings[theirs][0].split(","))
            if ours == "key_types":
                allowed &= self._signatures
            offered: tuple[str, ...] = getattr(options, ours)
            kept = [a for a in offered if a.removesuffix("@libssh.org") in allowed]
            if not kept:
                raise Unfit(f"it knows none of {theirs}")
            setattr(options, ours, kept)


class _Keys:
    """Logs in with the keys that need no passphrase: from files, then the agent's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def authenticate(self, transport: paramiko.Transport) -> None:
        user = self._settings["user"][0]
        for key in self._keys():
            with contextlib.suppress(paramiko.AuthenticationException):
                transport.auth_publickey(user, key)
            if transport.is_authenticated():
                return
        raise Unfit("it takes no key of ours")

    def _keys(self) -> Iterator[paramiko.PKey]:
        for path in map(hostkeys.home_path, self._settings.get("identityfile", ())):
            # One that is locked, or of a kind it does not know, may be in the agent.
            with contextlib.suppress(Exception):
                yield paramiko.PKey.from_path(path)  # and its certificate
        has_agent = _agent(self._settings) != "none"
        if has_agent and self._settings["identitiesonly"] != ["yes"]:
            with contextlib.closing(paramiko.Agent()) as agent:
                yield from agent.get_keys()


def check(settings: Settings) -> None:
    """Raise Unfit when the settings ask for what only OpenSSH can do."""
    asked = {value for key in BEYOND for value in settings.get(key, ())} - PLAIN
    if asked or _agent(settings) not in OUR_AGENT:
        raise Unfit(f"only OpenSSH can do {asked or _agent(settings)}")


def _agent(settings: Settings) -> str:
    return settings.get("identityagent", ["SSH_AUTH_SOCK"])[0]


def _known_keys(settings: Settings) -> Iterator[tuple[bytes, str]]:
    """Find the keys this machine may have: each with its kind."""
    entries = hostkeys.entries_of(settings)
    if marked := [entry for entry in entries if entry.startswith("@")]:
        raise Unfit(f"only OpenSSH can do {marked[0].split()[0]}")
    for key in hostkeys.read_keys(entries):
        yield key.data, key.kind
