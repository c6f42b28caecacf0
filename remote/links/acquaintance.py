"""First contact: show a person the host key that is not known, and remember their yes.

Nothing is asked of a box whose connection is open, or whose name is in known_hosts;
what such a box then shows is for ssh to judge, and a key that changed is never taken
here. The key itself is had the way the login will go (jump hosts, ports, aliases), by
an ssh that may write into a file of its own only and logs in to nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

from pipeline import consent
from pipeline.errors import HostError, PipelineError
from pipeline.frozen import dataclass
from remote.links import command, hostkeys, sockets
from remote.links.hostkeys import HostKey, entries_of, home_path
from remote.links.link import late
from remote.links.openssh import CONNECT_S, OPTIONS, OpenSsh
from remote.links.patience import patiently
from remote.links.way import MOST_HOPS, Hop, Settings, way_to

FETCH_S = 3.0 * CONNECT_S
NOWHERE = ("/dev/null", "none")

FETCH = {
    **OPTIONS,
    "StrictHostKeyChecking": "accept-new",
    "GlobalKnownHostsFile": "/dev/null",
    "PreferredAuthentications": "none",
    "ControlMaster": "no",
    "ControlPath": "none",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """A machine whose host key is not known here.

    lines: what ssh would remember, as it writes it. file: where it looks that up.
    """

    title: str
    where: str
    lines: tuple[str, ...]
    file: str

    @property
    def keys(self) -> list[HostKey]:
        """Its keys."""
        return list(hostkeys.read_keys(self.lines))

    @property
    def shown(self) -> str:
        """Say in a line where it is and what it showed."""
        return f"{self.where} has {', '.join(map(str, self.keys))}"

    @property
    def compare(self) -> str:
        """Say what shows the same fingerprint to whoever is at the machine itself."""
        kind = next((key.name.lower() for key in self.keys), "*")
        file = f"/etc/ssh/ssh_host_{kind}_key.pub"
        return f"compare, on its own console: ssh-keygen -lf {file}"


def meet(box: OpenSsh) -> None:
    """See to it that ssh knows the keys on the way to `box`, or raise HostError.

    On a terminal a person is asked; else what they accepted beforehand counts.
    """
    if _is_met(box):
        return
    for _ in range(MOST_HOPS):
        stranger = find_stranger(box)
        if stranger is None:
            return
        _check_memory(stranger)
        if not _is_accepted(stranger):
            _ask(stranger, box.name)
        remember(stranger)


def _is_met(box: OpenSsh) -> bool:
    """Tell whether a connection leads where the configuration says, as of now.

    A box that got another address may still have one to the old; that says nothing.
    """
    if not box.is_connected or (place := sockets.folder()) is None:
        return False
    settings = box.settings_of(["-o", "ControlPath=/-%C", *box.words])
    whom = _first(settings, "controlpath").removeprefix("/")
    names = (path.name for path in sockets.masters(place, box.digest))
    return any(name.endswith(whom) for name in names)


def find_stranger(box: OpenSsh) -> Stranger | None:
    """Find the first machine on the way to `box` that is not known; the nearest first.

    Raise what the connection would, where the key of a stranger could not be had.
    """
    last, *jumps = way_to(box.name, box.words, box.settings_of)
    for hop in reversed(jumps):
        if not _is_known(hop.settings):
            return _fetched(box, hop, f"jump host {hop.words[-1]!r}")
    if not _is_known(last.settings):
        return _fetched(box, last, f"host {box.name!r}")
    return None


def _first(settings: Settings, key: str) -> str:
    return next(iter(settings.get(key, ())), "")


def _is_known(settings: Settings) -> bool:
    """Tell whether ssh has a word of its own about this name, be it a refusal."""
    asks_others = _first(settings, "knownhostscommand") not in ("", "none")
    asks_names = _first(settings, "verifyhostkeydns") in ("true", "yes")
    return asks_others or asks_names or bool(entries_of(settings))


def _fetched(box: OpenSsh, hop: Hop, title: str) -> Stranger:
    """Have a machine show its key, and log in to nothing."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        file = Path(folder) / "known_hosts"
        # To ssh, spaces part one name from the next, and % begins a word of its own.
        quoted = '"{}"'.format(str(file).replace("%", "%%"))
        options = {**FETCH, "UserKnownHostsFile": quoted}
        spelled = (word for k, v in options.items() for word in ("-o", f"{k}={v}"))
        argv = ["ssh", *box.config_flags, "-aTx", *spelled, *hop.words, "true"]

        def attempt(left_s: float) -> tuple[str, ...]:
            said = command.run(argv, timeout_s=left_s)
            if not file.exists():
                raise box.trouble(said.err)
            return tuple(file.read_text(errors="replace").splitlines())

        try:
            lines = patiently(attempt, timeout_s=FETCH_S)
        except TimeoutError as error:
            raise late(box.name, FETCH_S) from error
    return Stranger(
        title=title,
        where=f"{_first(hop.settings, 'hostname')} port {_first(hop.settings, 'port')}",
        lines=lines,
        file=next(iter(_first(hop.settings, "userknownhostsfile").split()), ""),
    )


def _check_memory(stranger: Stranger) -> None:
    """Refuse where nothing that is accepted would be remembered."""
    if stranger.file not in NOWHERE and stranger.file:
        return
    message = f"{stranger.title}: its host key is not known here, and none is kept"
    hint = (
        f"{stranger.shown}\nyour ssh configuration says UserKnownHostsFile"
        f" {stranger.file or 'none'}: name a file there"
    )
    raise HostError(message, hint=hint)


def _is_accepted(stranger: Stranger) -> bool:
    """Tell whether a person said beforehand that it is this key; refuse another."""
    accepted = consent.accepted()
    if not accepted:
        return False
    if any(key.fingerprint in accepted for key in stranger.keys):
        return True
    message = f"{stranger.title}: its host key is not the one that was accepted"
    hint = f"{stranger.shown}\naccepted: {' '.join(accepted)}"
    if not stranger.title.startswith("host "):
        hint += "\nits own is needed too: --accept-host-key may be given again"
    raise HostError(message, hint=f"{hint}\nnothing was remembered, nothing was sent")


def _ask(stranger: Stranger, name: str) -> None:
    """Ask the person at the terminal; raise HostError unless they accept it."""
    if not _has_person():
        raise unknown(stranger, name)
    sys.stderr.write(
        f"{stranger.title}: its host key is not known here\n"
        f"  {stranger.shown}\n"
        f"  {stranger.compare}\n"
        "accept it? yes, or the fingerprint itself: "
    )
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        sys.stderr.write("\n")  # ^D leaves the question's own line unfinished
    answer = line.strip()
    if answer != "yes" and answer not in {key.fingerprint for key in stranger.keys}:
        message = f"{stranger.title}: its host key was not accepted"
        hint = "nothing was remembered, nothing was sent; it is asked again by:"
        raise HostError(message, hint=f"{hint} pipeline doctor --host {name}")


def unknown(stranger: Stranger, name: str) -> PipelineError:
    """Say that nobody is there to accept a key, and how to do it."""
    fingerprint = next((key.fingerprint for key in stranger.keys), "")
    command_line = f"pipeline doctor --host {name} --accept-host-key {fingerprint}"
    hint = f"{stranger.shown}\n{stranger.compare}\nthen accept it: {command_line}"
    return HostError(f"{stranger.title}: its host key is not known here", hint=hint)


def _has_person() -> bool:
    """Tell whether somebody sees the question and can answer it."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    # To whoever is in the background, the terminal is not theirs to read.
    with contextlib.suppress(OSError):
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    return True


def remember(stranger: Stranger) -> None:
    """Write the key where ssh looks for it, below whatever is there."""
    file = home_path(stranger.file)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b") as known:
        is_torn = known.seek(0, os.SEEK_END) and _last_byte(file) != b"\n"
        text = "".join(f"{line}\n" for line in stranger.lines)
        known.write((b"\n" if is_torn else b"") + text.encode())


def _last_byte(file: Path) -> bytes:
    with file.open("rb") as known:
        known.seek(-1, os.SEEK_END)
        return known.read(1)
