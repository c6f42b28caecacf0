"""Print the logs of a run, from its folder here, which a session keeps up to date."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

from pipeline import codec
from pipeline.clock import SystemClock
from pipeline.errors import DONE, PipelineError, SpecError
from pipeline.follow import growing_files
from pipeline.views.tame import tame, tame_text
from remote.watching.session import Session

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far

_PATIENCE_S = 20.0
_SPAN = 4000
_LONG_LINE = 1 << 20


def catch_up(far: Far, record: RunRecord, paths: LaptopPaths, *, err: TextIO) -> None:
    """Bring the mirror up to what the box has now; what fails is only said."""
    if record.host is None:
        return
    clock = SystemClock()
    until = clock.monotonic() + _PATIENCE_S
    try:
        with Session(far, record, paths, clock) as session:
            while clock.monotonic() < until and not session.is_caught_up:
                session.wake()
                clock.sleep(0.05)
            if session.is_caught_up:
                return
            said = session.sight().note or "the host does not answer"
            print(f"note: {tame(said)}", file=err)
    except PipelineError as error:
        print(f"note: {tame_text(str(error))}", file=err)
    print("  below is what was seen before", file=err)


def bring_home(far: Far, record: RunRecord, paths: LaptopPaths, *, err: TextIO) -> None:
    """Bring all that the box has of a run now: story, logs, files and seals.

    However much that is, it is waited for; what does not come is said.
    """
    clock = SystemClock()
    with Session(far, record, paths, clock) as session:
        until = clock.monotonic() + _PATIENCE_S
        while not (session.is_home or session.is_over):
            session.wake()
            if not session.is_caught_up and clock.monotonic() > until:
                break
            clock.sleep(0.05)
        said = [*session.notes()]
        if not session.is_caught_up:
            said = said or ["the host does not answer"]
    for note in said:
        print(f"note: {tame(note)}", file=err)
    if said:
        print(f"  bring it with: pipeline attach {record.run}", file=err)


class Paper(Protocol):
    """Where logs are printed on."""

    def write(self, stage: str, block: bytes) -> None:
        """Print what a stage printed next; a line may be in two blocks."""
        ...

    def flush(self) -> None:
        """Let all of it out."""
        ...


class Headed:
    """Logs for people: as they are, with the stage's name above where it changes."""

    def __init__(self, out: BinaryIO, *, is_headed: bool) -> None:
        """Print on `out`."""
        self._out = out
        self._is_headed = is_headed
        self._last = ""

    def write(self, stage: str, block: bytes) -> None:
        """Print a block, below its heading."""
        if self._is_headed and self._last != stage:
            self._out.write(f"==> {stage} <==\n".encode())
            self._last = stage
        self._out.write(block)

    def flush(self) -> None:
        """Let all of it out."""
        self._out.flush()


class Tamed(Headed):
    """Logs for a terminal, which takes no orders of a box: whole lines, tamed."""

    def __init__(self, out: BinaryIO, *, is_headed: bool) -> None:
        """Print on `out`."""
        super().__init__(out, is_headed=is_headed)
        self._rest: dict[str, bytes] = {}

    def write(self, stage: str, block: bytes) -> None:
        """Print the whole lines; a torn one waits for its other part, but not long."""
        text = self._rest.pop(stage, b"") + block
        whole, newline, rest = text.rpartition(b"\n")
        if len(rest) > _LONG_LINE:
            whole, newline, rest = text, b"\n", b""
        if rest:
            self._rest[stage] = rest
        if newline:
            lines = whole.decode("utf-8", "replace").split("\n")
            told = "".join(f"{_tame_long(line)}\n" for line in lines)
            super().write(stage, told.encode("utf-8", "replace"))

    def close(self) -> None:
        """Print what never got its newline."""
        for stage in list(self._rest):
            self.write(stage, b"\n")
        self.flush()


def _tame_long(line: str) -> str:
    """Tame a line of any length, of which `tame` alone shows what fits a screen."""
    spans = range(0, max(len(line), 1), _SPAN)
    return "".join(tame(line[at : at + _SPAN]) for at in spans)


class Lined:
    """Logs for scripts: one JSON object to a line of a log."""

    def __init__(self, out: BinaryIO) -> None:
        """Print on `out`."""
        self._out = out
        self._rest: dict[str, bytes] = {}

    def write(self, stage: str, block: bytes) -> None:
        """Print the whole lines; a torn one waits for its other part."""
        *lines, rest = (self._rest.pop(stage, b"") + block).split(b"\n")
        if rest:
            self._rest[stage] = rest
        for line in lines:
            text = line.decode("utf-8", "replace")
            self._out.write(f"{codec.dumps({'stage': stage, 'line': text})}\n".encode())

    def flush(self) -> None:
        """Let the whole lines out."""
        self._out.flush()

    def close(self) -> None:
        """Print what never got its newline."""
        for stage in list(self._rest):
            self.write(stage, b"\n")
        self.flush()


class _Tail:
    """One log file, and how much of it was printed."""

    def __init__(self, path: Path, stage: str) -> None:
        self._path = path
        self._stage = stage
        self._at = 0

    def print_more(self, paper: Paper) -> None:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._at)
            while block := file.read(1 << 20):
                paper.write(self._stage, block)
                self._at += len(block)
        paper.flush()


def print_logs(
    far: Far | None,
    record: RunRecord,
    paths: LaptopPaths,
    *,
    stage: str | None,
    paper: Paper,
) -> int:
    """Print the logs of all stages or of one; with `far`, until the run has ended.

    The exit code says whether printing went well; how the run ended is `attach`'s.
    """
    printer = _Printer(record, paths, stage)
    if far is None:
        printer.print_more(paper)
        printer.check()
        return DONE
    clock = SystemClock()
    with Session(far, record, paths, clock) as session:
        while True:
            is_dead = session.sight().knowing == "dead"
            is_over = session.is_over or session.is_past or is_dead
            session.wake()
            printer.print_more(paper)
            if is_over:
                return DONE
            session.rest()


class _Printer:
    """Prints the logs of a run as they are found."""

    def __init__(
        self, record: RunRecord, paths: LaptopPaths, stage: str | None
    ) -> None:
        self._root = paths.mirror(record.run).root
        self._stage = stage
        self._tails: dict[str, _Tail] = {}

    def print_more(self, paper: Paper) -> None:
        for name in growing_files(self._root):
            stage, slash, _ = name.partition("/")
            if slash and self._stage in (None, stage) and stage not in self._tails:
                self._tails[stage] = _Tail(self._root / name, stage)
        for tail in self._tails.values():
            tail.print_more(paper)

    def check(self) -> None:
        if self._stage and not self._tails:
            message = f"stage {self._stage!r} has printed nothing that is known here"
            raise SpecError(message, hint="see the stages with: pipeline status")
