"""The cells of the table: which fault, in which phase, and how the command ends."""

from __future__ import annotations

from dataclasses import dataclass

SHIP, ENVIRONMENT, LAUNCH = "ship", "environment", "launch"
RUNNING, SEAL, MIRROR, FETCH = "running", "seal", "mirror", "fetch"
PULL = "pull"
PHASES = (SHIP, LAUNCH, ENVIRONMENT, RUNNING, SEAL, MIRROR, FETCH, PULL)
WATCHED = (ENVIRONMENT, RUNNING, SEAL, MIRROR, FETCH)
ASKED = (SHIP, LAUNCH, PULL)

DONE, FAILED, TRANSPORT, HOST, STOPPED, KILLED = 0, 4, 5, 6, 130, -9

# What a command may end in, and what it then says: the last word is the exit code's.
End = dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """A fault in a phase, and how the command that meets it may end."""

    fault: str
    phase: str
    end: End

    @property
    def name(self) -> str:
        """What it is called."""
        return f"{self.phase}-{self.fault}".replace(" ", "-")


_GOES_ON: End = {DONE: ()}
_LOST: End = {DONE: ("the link is lost; the run itself is not affected",)}
_CAME_BACK: End = {DONE: (*_LOST[DONE], "the link is back")}
_BROKE: End = {TRANSPORT: ("host 'gpu'",)}
_MAY_HAVE_BEGUN: End = {TRANSPORT: ("host 'gpu'", "has begun it goes on", "attach")}
_DIED: End = {HOST: ("no runner lives, and no end was told", "pipeline resume")}
_WAS_STOPPED: End = {STOPPED: ("stopped by SIGTERM", "pipeline resume")}
_NEVER_SAID: End = {KILLED: ()}
_FULL: End = {HOST: ("No space left",)}
_FULL_HERE: End = {HOST: ("this machine: No space left", "not affected")}
_NOT_AT_HOME: End = {DONE: ("not at home", "pipeline attach")}
_STRANGER: End = {HOST: ("its host key is not the one known here",)}
_SHUT_OUT: End = {HOST: ("Permission denied",)}
_LOCKED: End = {HOST: ("Read-only file system",)}
_OLD: End = {HOST: ("3.10 or newer is needed",)}


def _over(watched: End, asked: End) -> dict[str, End]:
    return {phase: watched if phase in WATCHED else asked for phase in PHASES}


def _broken(watched: End) -> dict[str, End]:
    """Say how it ends where the link breaks: who asked for something is told so."""
    return {**_over(watched, _MAY_HAVE_BEGUN), PULL: {**_GOES_ON, **_BROKE}}


_LINK = {**_broken(_LOST), RUNNING: _CAME_BACK}
# What the box says arrives all the same, so that the answer may come in time, and the
# rest of a seal, too. While an environment is built it says something each second:
# nothing is lost for who listens.
_DEAF = {
    **_LINK,
    LAUNCH: {**_GOES_ON, **_MAY_HAVE_BEGUN},
    ENVIRONMENT: _GOES_ON,
    FETCH: _GOES_ON,
}
TABLE: dict[str, dict[str, End]] = {
    "cut": _LINK,
    "cut inwards": _DEAF,
    "cut outwards": _LINK,
    "30% loss": _over(_GOES_ON, {**_GOES_ON, **_BROKE}),
    "300 ms": _over(_GOES_ON, _GOES_ON),
    "sshd killed": _LINK,
    "box frozen": _LINK,
    "power cut": _broken(_DIED),
    "reboot": _broken(_WAS_STOPPED),
    "new address": _broken(_WAS_STOPPED),
    "host key changed": {**_broken(_STRANGER), PULL: _STRANGER},
    "key refused": {**_broken(_SHUT_OUT), PULL: _SHUT_OUT},
    "box disk full": {
        SHIP: _FULL,
        ENVIRONMENT: _FULL,
        RUNNING: {FAILED: ("the disk is full", "pipeline resume")},
        SEAL: {HOST: ("no room on the disk", "pipeline resume")},
        MIRROR: {FAILED: ("the disk is full", "pipeline resume")},
        PULL: _GOES_ON,
    },
    "read-only home": {
        SHIP: _LOCKED,
        ENVIRONMENT: {HOST: ("pipeline resume",)},
        RUNNING: _LOCKED,
        SEAL: _LOCKED,
        PULL: _GOES_ON,
    },
    "laptop disk full": {
        SHIP: _FULL_HERE,
        RUNNING: _FULL_HERE,
        MIRROR: {**_NOT_AT_HOME, **_FULL_HERE},
        FETCH: {**_NOT_AT_HOME, **_FULL_HERE},
        PULL: {HOST: ("this machine", "no room")},
    },
    "laptop killed": _over(_NEVER_SAID, _NEVER_SAID),
    "laptop power cut": _over(_NEVER_SAID, _NEVER_SAID),
    "laptop asleep": _over(_GOES_ON, {**_GOES_ON, **_BROKE}),
    "rsync killed": {MIRROR: _GOES_ON, PULL: {HOST: ("rsync",)}},
    "git missing": {
        SHIP: {HOST: ("git",)},
        SEAL: {**_NOT_AT_HOME, HOST: ("git",)},
        FETCH: {**_NOT_AT_HOME, HOST: ("git",)},
    },
    "python too old": {SHIP: _OLD, RUNNING: _OLD},
    "clock an hour ahead": {RUNNING: _GOES_ON, MIRROR: _GOES_ON, PULL: _GOES_ON},
    "clock an hour behind": {RUNNING: _GOES_ON, MIRROR: _GOES_ON, PULL: _GOES_ON},
}


def all_cells() -> list[Cell]:
    """Give every cell, fault by fault."""
    return [
        Cell(fault=fault, phase=phase, end=ends[phase])
        for fault, ends in TABLE.items()
        for phase in PHASES
        if phase in ends
    ]


# Of each kind of fault one, and of each phase at least one.
_SAMPLE = {
    "cut": RUNNING,
    "cut inwards": FETCH,
    "cut outwards": SEAL,
    "sshd killed": LAUNCH,
    "box frozen": PULL,
    "power cut": SHIP,
    "new address": ENVIRONMENT,
    "key refused": RUNNING,
    "box disk full": RUNNING,
    "laptop disk full": MIRROR,
    "laptop power cut": MIRROR,
    "rsync killed": PULL,
    "python too old": RUNNING,
}


def sample() -> list[Cell]:
    """Give the cells that the suite runs."""
    return [cell for cell in all_cells() if _SAMPLE.get(cell.fault) == cell.phase]
