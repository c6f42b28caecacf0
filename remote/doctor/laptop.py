"""Ask and judge this machine as the one that runs are started from."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Sequence

from pipeline.errors import PipelineError
from pipeline.frozen import dataclass
from remote.doctor.finding import Finding, fail, failed, ok, warn
from remote.doctor.tools import LEAST_GIT, dotted, numbers, rsync_version
from remote.links import command, sockets

ASK_S = 10.0
NOT_HERE = 127
_HOLDS_KEYS, _IS_EMPTY = 0, 1  # how ssh-add -l ends
_LEAST_SSH = (7, 6)  # the first that knows accept-new


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An ssh agent: whether one answers, and the fingerprints of what it holds."""

    is_there: bool
    keys: tuple[str, ...] = ()


def programs() -> Iterator[Finding]:
    """Say how the programs here are that have their like on a box."""
    system = f"{platform.system()} {platform.machine()}"
    yield ok("python here", f"{platform.python_version()}, {sys.executable}, {system}")
    yield _git()
    yield _rsync()


def judge() -> Iterator[Finding]:
    """Say how what of this machine reaches others is."""
    yield _ssh()
    yield _agent()
    yield _sockets()


def first_line(argv: Sequence[str]) -> str:
    """Give the first line a program of this machine prints, or nothing."""
    code, said = ask(argv)
    return "" if code == NOT_HERE else next(iter(said.splitlines()), "")


def ask(argv: Sequence[str], *, agent: str = "") -> tuple[int, str]:
    """Run a program of this machine; give its code and all that it said."""
    env = {**os.environ, **({"SSH_AUTH_SOCK": agent} if agent else {})}
    try:
        done = command.run(argv, timeout_s=ASK_S, env=env)
    except (PipelineError, TimeoutError):
        return NOT_HERE, ""
    return done.code, (done.out + done.err).decode("utf-8", "replace")


def agent(socket: str = "") -> Agent:
    """Ask the agent at `socket`, or the one of this session."""
    if not socket and not os.environ.get("SSH_AUTH_SOCK"):
        return Agent(is_there=False)
    code, said = ask(["ssh-add", "-l"], agent=socket)
    if code not in (_HOLDS_KEYS, _IS_EMPTY):
        return Agent(is_there=False)
    words = (line.split() for line in said.splitlines())
    keys = tuple(w[1] for w in words if len(w) > 1 and w[1].startswith("SHA256:"))
    return Agent(is_there=True, keys=keys)


def _git() -> Finding:
    said = first_line(["git", "--version"]).removeprefix("git version ")
    if numbers(said)[:2] >= LEAST_GIT:
        return ok("git here", said)
    todo = "install it: apt-get install git, or: xcode-select --install"
    return fail(
        "git here", said or "not there", f"git {dotted(LEAST_GIT)} or newer", todo
    )


def _ssh() -> Finding:
    said = first_line(["ssh", "-V"])
    if not said:
        todo = "install it: apt-get install openssh-client"
        return fail("ssh here", "not there", "the OpenSSH client", todo)
    if "OpenSSH" in said and numbers(said)[:2] < _LEAST_SSH:
        return warn("ssh here", said, "7.6 or newer", "install a newer OpenSSH client")
    return ok("ssh here", said.partition(",")[0])


def _rsync() -> Finding:
    said = first_line(["rsync", "--version"])
    if not said:
        wanted = "rsync; without it results come by a tar stream"
        return warn(
            "rsync here", "not there", wanted, "install it: apt-get install rsync"
        )
    return ok("rsync here", rsync_version(said))


def _agent() -> Finding:
    found = agent()
    if not found.is_there:
        said = os.environ.get("SSH_AUTH_SOCK")
        text = f"none answers at {said}" if said else "none (SSH_AUTH_SOCK is not set)"
        return ok("ssh agent", f"{text}; keys without a passphrase need none")
    many = len(found.keys)
    return ok("ssh agent", f"holds {many or 'no'} key{'' if many == 1 else 's'}")


def _sockets() -> Finding:
    """Say where the connections that commands share listen."""
    what = "sockets"
    try:
        folder = sockets.folder()
    except PipelineError as error:
        return failed(what, error, "a private folder for shared connections")
    if folder:
        return ok(what, f"{folder}, for connections that commands share")
    wanted = "a folder that takes sockets; else each command logs in anew"
    todo = "set XDG_RUNTIME_DIR to a short path of a folder of yours"
    return warn(what, "no folder here takes them", wanted, todo)
