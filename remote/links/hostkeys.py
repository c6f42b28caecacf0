"""Host keys: their fingerprints, and what ssh says when one is not the one it knows."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.frozen import dataclass
from remote.links import command
from remote.links.way import Settings, known_as

ASK_S = 10.0  # for questions to a program of this machine

# What people and ssh call them; the rest of a kind is its size or its place.
_NAMES = {"ed25519": "ED25519", "ecdsa": "ECDSA", "rsa": "RSA", "dss": "DSA"}
_OFFENDING = re.compile(r"Offending (\S+) key in (.+):(\d+)")
_SENT = re.compile(r"key sent by the remote host is\s+(SHA256:\S+?)\.?\s")
_REMEDY = re.compile(r"ssh-keygen -f ['\"](.+)['\"] -R ['\"](.+)['\"]")


@dataclass(frozen=True, slots=True)
class HostKey:
    """A public key of a host: its kind as ssh spells it, and what it is."""

    kind: str
    data: bytes

    @property
    def name(self) -> str:
        """Its kind, as people call it: ED25519."""
        return next((v for k, v in _NAMES.items() if k in self.kind), self.kind)

    @property
    def fingerprint(self) -> str:
        """SHA256:..., as ssh and ssh-keygen show it."""
        digest = base64.b64encode(hashlib.sha256(self.data).digest())
        return f"SHA256:{digest.decode().rstrip('=')}"

    def __str__(self) -> str:
        """Write kind and fingerprint."""
        return f"{self.name} {self.fingerprint}"


def read_keys(lines: Iterable[str]) -> Iterator[HostKey]:
    """Give the keys of lines of a known_hosts; what is no such line is passed over."""
    for line in lines:
        words = line.split()
        if words[:1] and words[0].startswith("@"):
            words = words[1:]
        if len(words) < 3 or words[0].startswith("#"):
            continue
        with contextlib.suppress(binascii.Error, ValueError):
            yield HostKey(words[1], base64.b64decode(words[2], validate=True))


def entries_of(settings: Settings) -> list[str]:
    """Give the lines of known_hosts, of the user and the machine, about a name.

    Searched by ssh-keygen, which knows hashed names, patterns and markers.
    """
    keys = ("userknownhostsfile", "globalknownhostsfile")
    files = [file for key in keys for file in " ".join(settings.get(key, ())).split()]
    found: list[str] = []
    for file in map(home_path, files):
        if file.is_file():
            argv = ["ssh-keygen", "-F", known_as(settings), "-f", str(file)]
            said = command.run(argv, timeout_s=ASK_S).out.decode("utf-8", "replace")
            found += [line for line in said.splitlines() if not line.startswith("#")]
    return found


def home_path(path: str) -> Path:
    """Give a path as ssh spells it, which may begin with ~."""
    return Path(path).expanduser()


def changed(told: str) -> str:
    """Say, of what ssh told about a changed key, both keys and how to forget the old.

    Nothing where it told of no such thing.
    """
    offending, sent = _OFFENDING.search(told), _SENT.search(told)
    if not (offending and sent):
        return ""
    kind, file, number = offending.groups()
    old = _line_of(Path(file), int(number))
    lines = [
        f"found: {sent[1]}",
        f"known: {old.fingerprint if old else f'one of kind {kind}'}, {file}:{number}",
        "this may be another machine; if the box was made anew, forget the old key:",
    ]
    remedy = _REMEDY.search(told)
    if remedy:
        lines.append(shlex.join(["ssh-keygen", "-R", remedy[2], "-f", remedy[1]]))
    return "\n".join(lines)


def _line_of(file: Path, number: int) -> HostKey | None:
    try:
        lines = file.read_text(errors="replace").splitlines()
    except OSError:
        return None
    return next(read_keys(lines[number - 1 : number]), None)
