"""Judge what else lives on a box: systemd, runs of ours, and how many sessions fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pipeline.layout import is_safe_name
from remote.doctor.asking import Answers
from remote.doctor.finding import Finding, fail, ok, warn

# Watching holds one session; rsync, git and a verb beside it take one each.
WANTED_SESSIONS = 4
_SHOWN = 4
_DEPTH = 4  # project, runs, run, lock
_REFUSED = b"Session open refused"


def judge(answers: Answers) -> Iterator[Finding]:
    """Say what lives there."""
    yield _systemd(answers)
    yield ok("tmux", "not needed: a run holds on to no terminal")
    yield _runs(answers)


def _systemd(answers: Answers) -> Finding:
    if not answers.one("systemd"):
        found = "none; after a reboot, runs wait for: pipeline resume"
        return ok("systemd", found)
    user = answers.one("user")
    lingers = bool(answers.one("linger"))
    if answers.one("kill.users") == "b true" and not lingers:
        return fail(
            "systemd",
            "KillUserProcesses=yes, and no linger: it kills a run at each logout",
            "linger",
            f"on the box: loginctl enable-linger {user}",
        )
    if lingers:
        return ok("systemd", "with linger: runs go on by themselves after a reboot")
    found = "no linger: after a reboot, runs wait for: pipeline resume"
    return ok("systemd", f"{found} (or, on the box: loginctl enable-linger {user})")


def _runs(answers: Answers) -> Finding:
    """Name the runs whose runner lives, of whatever project."""
    paths = [PurePosixPath(path) for path in answers.all("runner")]
    names = [
        f"{path.parts[-2]} ({path.parts[-4]})"
        for path in paths
        if len(path.parts) > _DEPTH and is_safe_name(path.parts[-2])
    ]
    if not names and "locks" not in answers.facts:
        return ok("other runs", "not known: its system tells of no locks")
    if not names:
        return ok("other runs", "none at work")
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ok("other runs", f"at work: {', '.join(names[:_SHOWN])}{more}")


def sessions(answers: Answers) -> Finding:
    """Say whether a connection takes the sessions that watching a run needs."""
    said = answers.one("max.sessions")
    most = int(said) if said.isdecimal() else None
    is_refused = answers.beside is not None and _REFUSED in answers.beside.err
    if is_refused or (most is not None and most < WANTED_SESSIONS):
        many = "a single session" if is_refused else "few sessions"
        return warn(
            "sessions",
            f"one connection takes {many} (MaxSessions {said or '?'})",
            f"{WANTED_SESSIONS}; with fewer, commands log in anew, which is slow",
            "on the box, in /etc/ssh/sshd_config: MaxSessions 10, then restart sshd",
        )
    limit = f" (MaxSessions {said})" if said else ""
    return ok("sessions", f"several on one connection{limit}")
