"""The way to a box through jump hosts, as ssh reads its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pipeline.errors import HostError
from pipeline.frozen import dataclass

Settings = Mapping[str, Sequence[str]]

MOST_HOPS = 8  # one after another; a configuration may name itself


@dataclass(frozen=True, slots=True)
class Hop:
    """A machine on the way: by which words ssh is asked for it, and what it reads."""

    words: Sequence[str]
    settings: Settings


def way_to(
    name: str, words: Sequence[str], read: Callable[[Sequence[str]], Settings]
) -> list[Hop]:
    """Give the machines on the way to whom `words` ask for, the last one first.

    read: what ssh makes of such words. Raise HostError where the way has no end.
    """
    found = [Hop(words, read(words))]
    while len(found) < MOST_HOPS and (jump := jump_of(found[-1].settings)):
        words = asked_by(jump)
        found.append(Hop(words, read(words)))
    if jump_of(found[-1].settings):
        raise _endless(name)
    return found


def jump_of(settings: Settings) -> str:
    """Give its ProxyJump, or nothing."""
    jump = settings.get("proxyjump", ["none"])[0]
    return "" if jump == "none" else jump


def asked_by(jump: str) -> list[str]:
    """Give the words by which ssh asks for the last host of a ProxyJump.

    Of `a,b` that is b, to be reached through a; each may be user@host:port.
    """
    before, _, last = jump.rpartition(",")
    user, _, address = last.removeprefix("ssh://").rpartition("@")
    name, port = _parted(address)
    words = ["-J", before] if before else []
    words += ["-l", user] if user else []
    return [*words, *(["-p", port] if port else []), "--", name]


def _endless(name: str) -> HostError:
    """Say that jump hosts lead nowhere: ssh would start ssh after ssh without end."""
    message = f"host {name!r}: its jump hosts lead in a circle, or are too many"
    return HostError(message, hint="see ProxyJump in your ssh configuration")


def _parted(address: str) -> tuple[str, str]:
    """Part a name from its port, which it may do without."""
    if address.startswith("["):
        name, _, port = address[1:].partition("]")
        return name, port.removeprefix(":")
    name, colon, port = address.rpartition(":")
    return (name, port) if colon and ":" not in name else (address, "")


def known_as(settings: Settings) -> str:
    """Give the name under which OpenSSH looks a host key up."""
    if "hostkeyalias" in settings:
        return settings["hostkeyalias"][0]
    name, port = settings["hostname"][0], settings["port"][0]
    return name if port == "22" else f"[{name}]:{port}"
