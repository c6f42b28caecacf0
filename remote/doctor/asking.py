"""Ask a box, or this machine, all of the probe's questions over one session.

A second session is opened beside it: as when a run is watched, and rsync comes. Over an
open connection that makes four round trips: two to begin the session, and two for our
word and for the second session, at the same time. The answers count up to where they
stopped, whatever stopped them.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from pipeline.clock import SystemClock
from pipeline.errors import HostError, PipelineError
from pipeline.frozen import dataclass
from pipeline.schema import Env
from remote.doctor import probe
from remote.links import command
from remote.links.flow import BEGIN, MOST_CHATTER, Flow, gather
from remote.links.link import Completed, broken, late
from remote.links.openssh import FAILED, OpenSsh

PATIENCE_S = 60.0
BESIDE_S = 20.0  # for the second session, which meets an open connection
MOST_SAID = 1 << 20  # a box that says more than this says nothing more
MOST_LINES = 2000
_SECONDS = re.compile(r"(\d{1,12})(\.\d{9})?\D*")
_PING, _NOW, _END = b"ping=1\n", b"\nnow=", b"\nend=1\n"

_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What a machine answered.

    facts: all values of each key. chatter: what its login shell printed before. error:
    why nothing, or not all of it, came. skew_s: how far its clock is ahead of ours.
    """

    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    chatter: str = ""
    error: PipelineError | None = None
    round_trip_s: float | None = None
    skew_s: float | None = None
    beside: Completed | None = None

    def one(self, key: str) -> str:
        """Give the value of a key, or nothing."""
        return next(iter(self.facts.get(key, ())), "").strip()

    def all(self, key: str) -> tuple[str, ...]:
        """Give every value of a key."""
        return self.facts.get(key, ())

    @property
    def is_whole(self) -> bool:
        """Whether every question was answered."""
        return "end" in self.facts


def ask_here(python: str, env: Env = probe.ANY) -> Answers:
    """Ask this machine."""
    argv = probe.argv(python, env)
    return _Dialogue(command.Process(argv, cwd=Path.home())).hold()


def ask(box: OpenSsh, python: str, env: Env = probe.ANY) -> Answers:
    """Ask a box, over the connection that is shared with every other command."""
    line = probe.line(python, env)
    process = command.Process([*box.ssh, "--", box.address.host, line])
    return _Dialogue(process, box).hold()


class _Dialogue:
    """One session with the probe."""

    def __init__(self, flow: Flow, box: OpenSsh | None = None) -> None:
        self._flow = flow
        self._box = box
        self._said = bytearray()
        self._asked_at = self._heard_at = 0.0
        self._wall_s = 0.0
        self._beside: Completed | None = None
        self._second: Flow | None = None

    def hold(self) -> Answers:
        """Hear all that there is to hear, and say what it was."""
        deadline = _CLOCK.monotonic() + PATIENCE_S
        is_over = False
        try:
            self._flow.send(probe.script())
            while not is_over and (left := deadline - _CLOCK.monotonic()) > 0:
                is_over = self._hear(self._flow.read(left))
        finally:
            self._flow.end()
            if self._second is not None:
                self._second.end()
        return self._answers(is_late=not is_over)

    def _hear(self, chunk: bytes | None) -> bool:
        """Take what was said, and answer; tell whether it was the last."""
        if not chunk or len(self._said) > MOST_SAID:
            return chunk == b"" or len(self._said) > MOST_SAID
        self._said += chunk
        if not self._asked_at and _PING in self._said:
            # First: to start a program takes time, which would look like distance.
            self._second = self._opened()
            self._asked_at = _CLOCK.monotonic()
            self._flow.send(b"pong\n")
        if not self._heard_at and self._asked_at and _NOW in self._said:
            self._heard_at = _CLOCK.monotonic()
            self._wall_s = _CLOCK.now().timestamp()
        if not self._said.endswith(_END):
            return False
        # The probe is still there, waiting for the end of its stdin.
        if self._second is not None:
            with contextlib.suppress(TimeoutError, PipelineError):
                self._beside = gather(self._second, b"", BESIDE_S)
        return True

    def _opened(self) -> Flow | None:
        if self._box is None:
            return None
        return command.Process([*self._box.ssh, "--", self._box.address.host, "true"])

    def _answers(self, *, is_late: bool) -> Answers:
        chatter, begun, rest = bytes(self._said).partition(BEGIN)
        if not begun:
            return Answers(error=self._silence(chatter, is_late=is_late))
        facts = _read(rest)
        return Answers(
            facts=facts,
            chatter=_text(chatter[:MOST_CHATTER]),
            error=self._breach(is_late=is_late) if "end" not in facts else None,
            round_trip_s=self._heard_at - self._asked_at if self._heard_at else None,
            skew_s=self._skew(facts),
            beside=self._beside,
        )

    def _skew(self, facts: Mapping[str, tuple[str, ...]]) -> float | None:
        """Compare its clock with ours at the midpoint of the round trip."""
        said = next(iter(facts.get("now", ())), "")
        parted = _SECONDS.fullmatch(said)
        if not (self._heard_at and parted):
            return None
        # A `date` that knows no fractions cuts them off: half a second is as good.
        box_s = float(parted[1] + parted[2]) if parted[2] else int(parted[1]) + 0.5
        midpoint_s = self._wall_s - (self._heard_at - self._asked_at) / 2
        return box_s - midpoint_s

    def _silence(self, chatter: bytes, *, is_late: bool) -> PipelineError:
        """Say why the probe did not even begin."""
        lines = _text(chatter[:MOST_CHATTER] + self._flow.err).split("\n")
        told = next(filter(None, map(str.strip, lines)), "it said nothing")[:120]
        if self._box is None:
            return HostError("sh does not run on this machine", hint=told)
        if is_late:
            return late(self._box.name, PATIENCE_S)
        if self._flow.code == FAILED:
            said = self._box.judge(FAILED, self._flow.err)
            return said or broken(self._box.name)
        message = f"host {self._box.name!r}: its login shell runs no command: {told}"
        hint = "the account there needs a shell like bash, and sh on its PATH"
        return HostError(message, hint=hint)

    def _breach(self, *, is_late: bool) -> PipelineError:
        """Say why not all of the questions were answered."""
        name = self._box.name if self._box else "local"
        if is_late:
            return late(name, PATIENCE_S)
        if self._flow.code == FAILED:
            return broken(name)
        said = _text(self._flow.err).strip()[-500:] or f"code {self._flow.code}"
        return HostError(f"host {name!r}: its sh gave up: {said}")


def _read(said: bytes) -> dict[str, tuple[str, ...]]:
    """Read `key=value` lines; a torn last one is left out."""
    found: dict[str, list[str]] = {}
    for line in _text(said.rpartition(b"\n")[0]).splitlines()[:MOST_LINES]:
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in found.items()}


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")
