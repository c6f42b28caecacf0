"""Keys and certificates, and a key whose private half is in no token at all."""

from __future__ import annotations

import base64
import contextlib
import os
import struct
import subprocess
from typing import TYPE_CHECKING

from tests.lab.command import wait_until
from tests.links.asking import SOON_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KIND = b"sk-ssh-ed25519@openssh.com"


def make(path: Path) -> Path:
    """Make a key pair."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(argv, check=True)
    return path


def certify(key: Path, authority: Path, *words: str) -> Path:
    """Let an authority sign the public half of `key`; give the certificate."""
    argv = [
        "ssh-keygen",
        "-q",
        "-s",
        str(authority),
        "-I",
        "a test",
        *words,
        f"{key}.pub",
    ]
    subprocess.run(argv, check=True)
    return key.with_name(f"{key.name}-cert.pub")


def make_sk(path: Path) -> None:
    """Write what ssh-keygen writes for a hardware token, without the token."""
    public = _string(os.urandom(32)) + _string(b"ssh:")
    blob = _string(KIND) + public
    handle = b"\x01" + _string(b"a handle") + _string(b"") + _string(b"no token")
    secret = b"\0\0\0\1" * 2 + blob + handle
    secret += bytes(range(1, 1 + -len(secret) % 8))
    head = _string(b"none") * 2 + _string(b"") + struct.pack(">I", 1)
    whole = b"openssh-key-v1\0" + head + _string(blob) + _string(secret)
    text = base64.encodebytes(whole).decode()
    kind = "OPENSSH PRIVATE KEY"
    path.write_text(f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n")
    path.chmod(0o600)
    public_line = f"{KIND.decode()} {base64.b64encode(blob).decode()} no token\n"
    path.with_name(f"{path.name}.pub").write_text(public_line)


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


@contextlib.contextmanager
def agent_with(key: Path, folder: Path) -> Iterator[Path]:
    """Run an ssh-agent that holds `key`; give its socket."""
    path = folder / "agent.sock"
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", path], stdout=subprocess.DEVNULL
    ) as agent:
        wait_until(path.exists, timeout_s=SOON_S, what="the agent")
        env = {"SSH_AUTH_SOCK": str(path), "PATH": "/usr/bin:/bin"}
        subprocess.run(["ssh-add", "-q", key], env=env, check=True)
        yield path
        agent.terminate()
