"""What all links share below the contract: a started command as a flow of bytes.

A link starts a command its own way (a process, a channel) and gives a `Flow`; here it
is begun by a small POSIX shell whatever the login shell is (`Framed`), and read to its
end (`gather`) or as it comes (`Opened`).
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from pipeline.clock import SystemClock
from pipeline.errors import HostError, PipelineError
from remote.links.link import Completed, Source, broken, late

Judge = Callable[[int, bytes], PipelineError | None]

CHUNK = 1 << 16
AT_ONCE = 1 << 14  # every pipe takes this much before anybody reads
CLOSE_S = 1.0  # how long a closed stream's command may take to notice
PATIENCE_S = 0.2  # how soon a source that failed is noticed
BEGIN_S = 60.0  # a login that takes longer never ends: not even a busy box's

# Told by the frame just before the command starts: what comes earlier is chatter of the
# login shell, and a connection that broke earlier may not have run the command at all.
BEGIN = b"pipeline: begin\n"
MOST_CHATTER = 1 << 16
# What a box may say at most, so that one which lies does not fill our memory.
MOST_OUT = 1 << 26
MOST_ERR = 1 << 24  # the last of it: the reason stands at its end
# A shell of ours stays in between, so that a killed command has a code (128 + signal)
# and never looks like a broken connection. `exec` keeps the shell's own `echo`, `test`
# and `kill` from standing in for the programs of those names.
FRAME = f'echo "{BEGIN.decode().strip()}"; (exec "$@"); exit $?'
PLAIN = re.compile(r"[A-Za-z0-9_+:,./-]+")
SILENCE = re.compile(rb"(?!)")  # no noise at all

_CLOCK = SystemClock()


class Flow(Protocol):
    """A command that was started: bytes in, bytes out, and an end."""

    @property
    def code(self) -> int:
        """How it ended; only after `read` gave its last."""
        ...

    @property
    def err(self) -> bytes:
        """What it said on stderr so far."""
        ...

    def send(self, data: bytes) -> bool:
        """Write all of `data` to its stdin; tell whether it still listens."""
        ...

    def send_end(self) -> None:
        """Close its stdin."""
        ...

    def read(self, timeout_s: float) -> bytes | None:
        """Give some bytes, b"" once it ended, or None when nothing came in time."""
        ...

    def end(self) -> None:
        """End it, if it has not ended, and let go of everything; idempotent."""
        ...


def framed(argv: Sequence[str]) -> list[str]:
    """Put `argv` behind the shell that says when it begins and how it ended."""
    return ["sh", "-c", FRAME, "sh", *argv]


def spoken(argv: Sequence[str]) -> str:
    r"""Write `argv` as one line that every login shell reads alike.

    `shlex.join` will not do: inside single quotes fish takes `\'` and `\\` as one
    character. Outside of quotes sh, zsh, fish and csh agree on both.
    """
    return " ".join(_quoted(word) for word in argv)


def _quoted(word: str) -> str:
    if PLAIN.fullmatch(word):
        return word
    parts = filter(None, re.split(r"(['\\])", word))
    quoted = (f"\\{part}" if part in {"'", "\\"} else f"'{part}'" for part in parts)
    return "".join(quoted) or "''"


class Framed:
    """A flow whose frame is taken off: what is read is the command's own."""

    def __init__(
        self,
        flow: Flow,
        *,
        name: str,
        judge: Judge | None = None,
        noise: re.Pattern[bytes] = SILENCE,
        begin_s: float = BEGIN_S,
    ) -> None:
        """Read `flow`; `judge` tells by code and stderr that the link failed.

        noise: what the link itself says on stderr, before the command's own. begin_s:
        how long the command may take to begin.
        """
        self.send = flow.send
        self.send_end = flow.send_end
        self.end = flow.end
        self._flow = flow
        self._name = name
        self._judge = judge
        self._noise = noise
        self._early = b""
        self._has_begun = False
        self._begin_s = begin_s
        self._begin_by = _CLOCK.monotonic() + begin_s

    @property
    def code(self) -> int:
        """How it ended."""
        return self._flow.code

    @property
    def err(self) -> bytes:
        """What it said on stderr so far."""
        return self._noise.sub(b"", self._flow.err)

    def read(self, timeout_s: float) -> bytes | None:
        """Give some bytes of the command itself."""
        deadline = _CLOCK.monotonic() + timeout_s
        while True:
            until = deadline if self._has_begun else min(deadline, self._begin_by)
            chunk = self._flow.read(max(until - _CLOCK.monotonic(), 0.0))
            if chunk == b"":
                self._check_end()
            if not self._has_begun and _CLOCK.monotonic() >= self._begin_by:
                raise late(self._name, self._begin_s)
            if self._has_begun or chunk is None:
                return chunk
            if rest := self._begin(chunk):
                return rest

    def _begin(self, chunk: bytes) -> bytes:
        self._early += chunk
        chatter, token, rest = self._early.partition(BEGIN)
        if chatter and (token or len(chatter) > MOST_CHATTER):
            raise self._chatty(chatter)
        self._has_begun = bool(token)
        return rest

    def _check_end(self) -> None:
        trouble = self._judge(self.code, self.err) if self._judge else None
        if trouble is not None:
            # What stderr says is the command's own word once it has begun.
            raise broken(self._name) if self._has_begun else trouble
        if not self._has_begun:
            raise self._mute()

    def _chatty(self, chatter: bytes) -> HostError:
        message = f"host {self._name!r}: its login shell prints {_shown(chatter)}"
        hint = (
            "git and rsync break on that: let ~/.bashrc there (or ~/.zshenv,"
            " config.fish) print only in interactive shells"
        )
        return HostError(message, hint=hint)

    def _mute(self) -> HostError:
        told = _shown(self._early + self.err)
        message = f"host {self._name!r}: its login shell runs no command: {told}"
        hint = (
            "the account there needs a shell like bash, and sh on its PATH; a"
            " ForceCommand\nin its sshd, or a command= in authorized_keys, must be gone"
        )
        return HostError(message, hint=hint)


def _shown(said: bytes) -> str:
    lines = (line.strip() for line in said.decode("utf-8", "replace").split("\n"))
    return repr(next(filter(None, lines), "")[:80])


class _Feeder:
    """Sends a source to a flow: at once when it is small, else beside the reader."""

    def __init__(self, flow: Flow, source: Source, *, keeps_open: bool) -> None:
        self.error: BaseException | None = None
        self._flow = flow
        self._keeps_open = keeps_open
        self._thread = threading.Thread(target=self._run, args=(source,), daemon=True)
        if isinstance(source, bytes) and len(source) <= AT_ONCE:
            self._feed(source)
        else:
            self._thread.start()

    @property
    def is_busy(self) -> bool:
        return self._thread.is_alive()

    def _run(self, source: Source) -> None:
        try:
            self._feed(source)
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            self.error = error

    def _feed(self, source: Source) -> None:
        listens = all(self._flow.send(chunk) for chunk in _chunks(source))
        if listens and not self._keeps_open:
            self._flow.send_end()


def _chunks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        return (source[at : at + CHUNK] for at in range(0, len(source), CHUNK))
    if hasattr(source, "read"):
        return iter(lambda: source.read(CHUNK), b"")
    return iter(source)


def gather(flow: Flow, stdin: Source, timeout_s: float) -> Completed:
    """Feed a flow and read it to its end; raise TimeoutError if that takes too long.

    What `stdin` raises is raised here, and the command is ended. Raise HostError where
    it says more than any of ours would.
    """
    deadline = _CLOCK.monotonic() + timeout_s
    out = bytearray()
    try:
        feeder = _Feeder(flow, stdin, keeps_open=False)
        while (left := deadline - _CLOCK.monotonic()) > 0:
            chunk = flow.read(min(left, PATIENCE_S) if feeder.is_busy else left)
            if feeder.error is not None:
                raise feeder.error
            if chunk == b"":
                return Completed(flow.code, bytes(out), flow.err)
            out += chunk or b""
            if len(out) > MOST_OUT:
                message = f"the answer has more than {MOST_OUT:,} bytes"
                raise HostError(message, hint="no command of ours says so much")
        raise TimeoutError
    finally:
        flow.end()


class Opened:
    """A Stream over a flow."""

    def __init__(self, flow: Flow, stdin: bytes) -> None:
        """Send `stdin`, and leave it open."""
        self._flow = flow
        self._feeder = _Feeder(flow, stdin, keeps_open=True)
        self._is_closed = False

    @property
    def code(self) -> int:
        """How it ended."""
        return self._flow.code

    @property
    def err(self) -> bytes:
        """What it said on stderr so far."""
        return self._flow.err

    def read(self, timeout_s: float) -> bytes | None:
        """Give some bytes, b"" at the end, or None when nothing came in time."""
        return self._flow.read(timeout_s)

    def close(self) -> None:
        """Close its stdin, give it a moment to notice, and let go."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if not self._feeder.is_busy:
                self._flow.send_end()
                self._drain()
        finally:
            self._flow.end()

    def _drain(self) -> None:
        deadline = _CLOCK.monotonic() + CLOSE_S
        with contextlib.suppress(PipelineError):
            while (left := deadline - _CLOCK.monotonic()) > 0:
                if self._flow.read(left) == b"":
                    return
