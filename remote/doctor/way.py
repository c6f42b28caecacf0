"""Judge the way to a box as ssh itself reads it: its name, keys, agent and host key."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import PipelineError
from remote.doctor import laptop
from remote.doctor.finding import Finding, fail, ok, warn
from remote.links import hostkeys
from remote.links.openssh import OpenSsh
from remote.links.way import Settings

_OUR_AGENT = ("", "SSH_AUTH_SOCK")
_SHOWN = 3


def name(box: OpenSsh, settings: Settings) -> Finding:
    """Say whom ssh will ask, and through whom."""
    said = {key: next(iter(values), "") for key, values in settings.items()}
    found = f"{said.get('user')}@{said.get('hostname')} port {said.get('port')}"
    for key, word in (("proxyjump", "through"), ("proxycommand", "by the command")):
        if said.get(key, "none") != "none":
            found += f", {word} {said[key]}"
    if box.config_flags:
        found += f" (as {box.config_flags[-1]} says)"
    return ok("address", found)


def keys(box: OpenSsh, settings: Settings) -> Iterator[Finding]:
    """Say whether there is a key that can be used with nobody at the keyboard."""
    socket = next(iter(settings.get("identityagent", ())), "")
    agent = laptop.Agent(is_there=False)
    if socket != "none":
        given = "" if socket in _OUR_AGENT else str(Path(socket).expanduser())
        agent = laptop.agent(given)
    files = [Path(path).expanduser() for path in settings.get("identityfile", ())]
    there = [path for path in files if path.is_file()]
    usable = [path for path in there if _is_open(path)]
    locked = [path for path in there if path not in usable and not _held(path, agent)]
    yield from map(_locked, locked)
    only_files = settings.get("identitiesonly", ("no",))[0] == "yes"
    held = [path for path in there if _held(path, agent)]
    if usable or held:
        names = ", ".join(str(path) for path in (usable or held)[:_SHOWN])
        yield ok("keys", names + _agents(agent))
    elif agent.keys and not only_files:
        yield ok("keys", f"no file{_agents(agent)}")
    elif not locked:
        yield _none(box, files)


def _agents(agent: laptop.Agent) -> str:
    many = len(agent.keys)
    return f", and {many} in the agent" if many else ""


def _none(box: OpenSsh, files: Sequence[Path]) -> Finding:
    wanted = "a key that the box takes, without a passphrase or in the agent"
    named = (
        f"none of {', '.join(map(str, files[:_SHOWN]))} is there" if files else "none"
    )
    todo = (
        f"name yours: IdentityFile PATH, in ~/.ssh/config for {box.address.host}"
        "\nor make one, and put its .pub on the box: ssh-keygen -t ed25519"
    )
    return warn("keys", named, wanted, todo)


def _is_open(path: Path) -> bool:
    """Tell whether a key needs no passphrase."""
    code, _ = laptop.ask(["ssh-keygen", "-y", "-P", "", "-f", str(path)])
    return code == 0


def _held(path: Path, agent: laptop.Agent) -> bool:
    """Tell whether the agent holds the key of this file."""
    if not agent.keys:
        return False
    _, said = laptop.ask(["ssh-keygen", "-lf", str(path)])
    return any(word in agent.keys for word in said.split())


def _locked(path: Path) -> Finding:
    """Say what to do about a key that cannot be read; the login may do without it."""
    if path.stat().st_mode & 0o077:
        found = f"{path} can be read by others, so ssh passes it over"
        return warn(
            "keys", found, "a private file", f"chmod 600 {shlex.quote(str(path))}"
        )
    found = f"{path} is locked by a passphrase, and the agent does not hold it"
    if path.suffix == ".pub":
        found = f"{path} is public, and the agent does not hold its other half"
    wanted = "in the agent: nobody is asked for a passphrase"
    private = shlex.quote(str(path).removesuffix(".pub"))
    return warn("keys", found, wanted, f"ssh-add {private}")


def host_key(settings: Settings) -> Finding:
    """Say which key the host is known by, once we were let in."""
    known = list(hostkeys.read_keys(hostkeys.entries_of(settings)))
    shown = ", ".join(map(str, known[:_SHOWN])) or "vouched for by others"
    return ok("host key", f"known: {shown}")


def barred(box: OpenSsh, error: PipelineError) -> Finding:
    """Say why nobody can log in, and the one thing to type next."""
    is_key = "host key" in error.message
    message = error.message.removeprefix(f"host {box.name!r}: ")
    wanted = "the key that the box itself shows" if is_key else "it answers unasked"
    todo = error.hint or f"try: {box.login} true"
    return fail("host key" if is_key else "login", message, wanted, todo)
