"""Publish a run's branch: what a `git push` says, and the box's own way to do it.

Nothing is ever forced, and nothing ever asks. A push that was refused is told and left
alone; one that met trouble on its way is tried again, a few times.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from pipeline import codec, events, files, supervise
from pipeline.frozen import dataclass
from pipeline.git import ARMOUR, clean_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.clock import Clock
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved

PAUSES_S = (2.0, 10.0)
PUSH_S = 600.0
AWAITED_S = 10.0  # of the run's end, which says how it went if that is known by then
RECORD = "published.json"
SSH = "ssh -oBatchMode=yes -oConnectTimeout=15 -oServerAliveInterval=15"
QUIET = {"GIT_ASKPASS": "true", "GCM_INTERACTIVE": "never", "SSH_ASKPASS": "true"}
_MOST_SAID = 64_000

# What makes asking again useless, and what to do; all else may be the network.
_FINAL = (
    ("Permission denied", "its key or its rights do not do"),
    ("Authentication failed", "its key or its rights do not do"),
    ("could not read Username", "it wants a password, and nobody is asked"),
    ("could not read Password", "it wants a password, and nobody is asked"),
    ("terminal prompts disabled", "it wants a password, and nobody is asked"),
    ("Host key verification failed", "its host key is not known there"),
    ("does not appear to be a git repository", "no repository is there"),
    ("epository not found", "no repository is there, or none that may be seen"),
    ("No such remote", "no remote has this name"),
    ("' blocked", "git goes to no such place"),
    ("' not allowed", "git goes to no such place"),
    ("shallow update not allowed", "it takes nothing from a shallow clone"),
    ("src refspec", "the branch is not there"),
)
_PASSING = ("cannot lock ref", "failed to update ref", "unpacker error")
_LARGE_FILES = ("GH008", "LFS object", "lfs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a push went. may_again: it may go better later. said: why it did not go."""

    is_done: bool
    may_again: bool = False
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What is remembered of the last push of a run's branch."""

    to: str
    commit: str
    is_done: bool
    said: str
    at: str


def order(to: str, branch: str) -> list[str]:
    """Give the words of a push of one branch to a remote or a URL."""
    ref = f"refs/heads/{branch}"
    return ["push", "--porcelain", "--no-verify", "--", to, f"{ref}:{ref}"]


def judge(code: int, told: str) -> Outcome:
    """Say how a push went, by its code and all it printed."""
    if not code:
        return Outcome(is_done=True)
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    hint = "; its large files first: git lfs push" if _names_large(told) else ""
    refused = next((line for line in lines if line.startswith("!\t")), "")
    if refused:
        reason = refused.rpartition("\t")[2]
        remote = [
            x.removeprefix("remote:").strip() for x in lines if x[:7] == "remote:"
        ]
        why = next((line for line in remote if line), "")
        said = f"{reason}: {why}" if why else reason
        passing = any(sign in reason for sign in _PASSING)
        return Outcome(is_done=False, may_again=passing, said=said[:300] + hint)
    for sign, meaning in _FINAL:
        if sign in told:
            line = next(line for line in lines if sign in line)
            return Outcome(is_done=False, said=f"{meaning} ({line[:200]}){hint}")
    last = lines[-1] if lines else f"git push ended in {code}"
    # What ssh itself said says more than that git "could not read from remote".
    ssh = next((line for line in lines if line.startswith("ssh: ")), last)
    fatal = next((x for x in lines if x.startswith("fatal: ") and ssh is last), ssh)
    return Outcome(is_done=False, may_again=True, said=fatal[:300])


def _names_large(told: str) -> bool:
    return any(sign in told for sign in _LARGE_FILES)


def tried(
    push: Callable[[], Outcome],
    pause: Callable[[float], bool],
) -> Outcome:
    """Push, and again after a pause where that may help.

    pause: waits so many seconds, and tells whether to go on.
    """
    outcome = push()
    for seconds in PAUSES_S:
        if not outcome.may_again or not pause(seconds):
            break
        outcome = push()
    return outcome


def late() -> Outcome:
    """Say that nothing was heard of a push."""
    return Outcome(is_done=False, said=f"no answer in {PUSH_S:g} s")


class BoxPush:
    """The push of one run's branch from its box, beside the end of the run."""

    def __init__(self, plan: Resolved, paths: RunPaths, clock: Clock) -> None:
        """Prepare to push where the plan says so."""
        self._plan = plan
        self._paths = paths
        self._clock = clock
        self._outcome = Outcome(is_done=False, may_again=True, said="still trying")
        self._commit = ""
        self._thread: threading.Thread | None = None

    @property
    def is_wanted(self) -> bool:
        """Tell whether the box is to publish; uncommitted work asks twice."""
        rules = self._plan.pipeline.git
        may = rules.push_dirty or not self._plan.is_dirty
        return bool(rules.push and self._plan.push_url and may)

    def begin(self, commit: str) -> None:
        """Start pushing, if that is wanted and there is anything."""
        if not self.is_wanted or not commit:
            return
        self._commit = commit
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def news(self) -> events.BranchPushed | None:
        """Give how it went; it is waited for a moment, and no longer."""
        if self._thread is None:
            return None
        self._thread.join(AWAITED_S)
        return events.BranchPushed(
            to=self._plan.push_url,
            commit=self._commit,
            is_done=self._outcome.is_done,
            said=self._outcome.said,
        )

    def finish(self) -> None:
        """Wait for the end of it, when nothing else is waited for."""
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        self._outcome = tried(self._push, self._pause)
        told = Published(
            to=self._plan.push_url,
            commit=self._commit,
            is_done=self._outcome.is_done,
            said=self._outcome.said,
            at=self._clock.now().isoformat(timespec="seconds"),
        )
        with contextlib.suppress(OSError):  # a full disk: the event may have said it
            files.replace_text(self._paths.results / RECORD, codec.dumps(told) + "\n")

    def _pause(self, seconds: float) -> bool:
        self._clock.sleep(seconds)
        return True

    def _push(self) -> Outcome:
        until = self._clock.monotonic() + PUSH_S
        said = bytearray()

        def hear(block: bytes) -> None:
            said.extend(block[: _MOST_SAID - len(said)])

        try:
            code = supervise.run_told(
                self._argv(),
                cwd=self._paths.box.code,
                environment=self._environment(),
                hear=hear,
                is_stopping=lambda: self._clock.monotonic() > until,
            )
        except OSError as error:
            return Outcome(is_done=False, said=str(error))
        if self._clock.monotonic() > until:
            return late()
        return judge(code, said.decode("utf-8", "replace"))

    def _argv(self) -> list[str]:
        folder = str(self._paths.box.code)
        words = order(self._plan.push_url, self._plan.branch)
        return ["git", *ARMOUR, "--git-dir", folder, *words]

    def _environment(self) -> dict[str, str]:
        """The box's own keys and settings of git; nobody is there to be asked."""
        own = {"GIT_SSH_COMMAND": os.environ.get("GIT_SSH_COMMAND", SSH)}
        return clean_environment({**QUIET, **own})
