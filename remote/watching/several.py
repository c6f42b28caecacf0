"""Watch several runs at once, until all have ended or the user looks away.

Each has a session of its own; the runs of one host share one connection. What ends the
watch of one, a box that refuses, is told, and is no end for the others.
"""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from typing import TYPE_CHECKING

from pipeline import eventlines, events
from pipeline.clock import SystemClock, stamp
from pipeline.errors import DONE, INTERRUPTED, PipelineError
from pipeline.progress import RunState
from pipeline.views.sight import Sight
from pipeline.views.tame import tame, tame_lines, tame_text
from remote.watching.attach import PlainLines
from remote.watching.notices import Notices
from remote.watching.session import WAKE_S, Session, code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TextIO

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far

Pair = tuple["Far", "RunRecord"]
_FIRST_S = 5.0  # how long the others of a host wait for the first to be connected


class Watched:
    """One of the runs: its session, once it has begun, and its end."""

    def __init__(
        self,
        far: Far,
        record: RunRecord,
        before: Watched | None,
        out: TextIO | None = None,
    ) -> None:
        """Watch `record`; `before` is another one on the same host, to begin first.

        out: where a bell may ring, if that is a terminal.
        """
        self.record = record
        self._out = out
        self._notices: Notices | None = None
        self.code: int | None = None
        self.refusal: PipelineError | None = None
        self._far = far
        self._before = before
        self._clock = SystemClock()
        self._made_at = self._clock.monotonic()
        self._session: Session | None = None
        empty = RunState(run=record.run, name=record.name, host=record.host_name)
        now = stamp(self._clock.now())
        self.sight = Sight(state=empty, knowing="connecting", now=now)

    @property
    def is_connected(self) -> bool:
        """Tell whether its box answered, or will not."""
        return self.code is not None or self.sight.knowing != "connecting"

    def step(self, paths: LaptopPaths) -> list[events.Event]:
        """Look once; give the events that came."""
        if self.code is not None:
            return []
        try:
            news = self._look(paths)
        except PipelineError as error:
            self.refusal, self.code = error, error.exit_code
            news = []
        if self.code is not None:
            # The others may go on for days; a box that is gone is not tried meanwhile.
            self.let_go()
        return news

    def _look(self, paths: LaptopPaths) -> list[events.Event]:
        session = self._begun(paths)
        if session is None:
            return []
        is_over = session.is_over
        session.wake()
        sight, news = session.sight(), session.news()
        if self._notices is not None:
            self._notices.look(sight, is_writer=session.is_writer)
        # Before the first word of the box there is only what we know ourselves.
        self.sight = sight if sight.state.run else self.sight_of(sight)
        if is_over or session.is_past or sight.knowing == "dead":
            self.code = code_of(sight, self.record.run)
        return news

    def sight_of(self, sight: Sight) -> Sight:
        """Give what is known of the link, of a run that nothing was told of."""
        state = self.sight.state
        return Sight(state=state, knowing=sight.knowing, now=sight.now, note=sight.note)

    def _begun(self, paths: LaptopPaths) -> Session | None:
        """Begin when the host's connection is there: one login serves all its runs."""
        if self._session is None:
            waited_s = self._clock.monotonic() - self._made_at
            before = self._before
            if before and not before.is_connected and waited_s < _FIRST_S:
                return None
            session = Session(self._far, self.record, paths, self._clock)
            self._session = session.__enter__()
            self._notices = Notices(self.record, paths, self._out, self._clock)
        return self._session

    def notes(self) -> tuple[str, ...]:
        """Give what its session has to say."""
        return self._session.notes() if self._session else ()

    def missing(self) -> dict[str, str]:
        """Give what did not come home."""
        return self._session.missing() if self._session else {}

    def let_go(self) -> None:
        """Ask its session to end."""
        if self._session is not None:
            self._session.let_go()

    def close(self) -> None:
        """End its session."""
        if self._session is not None:
            self._session.__exit__()
        if self._notices is not None:
            self._notices.__exit__()


def attach_all(
    pairs: Sequence[Pair], paths: LaptopPaths, *, out: TextIO, as_json: bool
) -> int:
    """Watch until all have ended, or until ^C; give the code of the first to fail."""
    watched: list[Watched] = []
    firsts: dict[str, Watched] = {}
    for far, record in pairs:
        first = firsts.get(record.host_name)
        one = Watched(far, record, first, None if as_json else out)
        firsts.setdefault(record.host_name, one)
        watched.append(one)
    try:
        failed = _show(watched, paths, out, as_json=as_json)
    except KeyboardInterrupt:
        if not as_json:
            print("detached; the runs go on.", file=out)
            print("  come back with: pipeline attach --all", file=out)
        return INTERRUPTED
    finally:
        for one in watched:
            one.let_go()
        for one in watched:
            one.close()
    if not as_json:
        _tell_ends(watched, out, is_seen=_is_live(out))
    return failed


def _show(
    watched: Sequence[Watched], paths: LaptopPaths, out: TextIO, *, as_json: bool
) -> int:
    """Show all until there is nothing more to wait for."""
    if as_json:
        return _until_all_ended(watched, paths, _Lines(out, sys.stderr).show)
    if not _is_live(out):
        return _until_all_ended(watched, paths, _Tagged(watched, out).show)
    from pipeline.views.screen import Live  # rich is for terminals only

    with Live() as live:

        def show(one: Watched, _: list[events.Event]) -> None:
            if one is watched[-1]:
                live.show_all([each.sight for each in watched])

        return _until_all_ended(watched, paths, show)


def _until_all_ended(
    watched: Sequence[Watched],
    paths: LaptopPaths,
    show: Callable[[Watched, list[events.Event]], None],
) -> int:
    pause, failed = threading.Event(), DONE
    while True:
        for one in watched:
            was_open = one.code is None
            news = one.step(paths)
            show(one, news)
            if was_open and one.code is not None:
                failed = failed or one.code
        if all(one.code is not None for one in watched):
            return failed
        pause.wait(WAKE_S)


class _Lines:
    """All runs as lines of JSON: each event with the run it is of."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._knowing: dict[str, str] = {}
        self._refused: set[str] = set()

    def show(self, one: Watched, news: list[events.Event]) -> None:
        run, sight = one.record.run, one.sight
        for event in news:
            self._put({"run": run, **json.loads(eventlines.encode(event))})
        if sight.knowing != self._knowing.get(run, "connecting"):
            self._knowing[run] = sight.knowing
            link = {"at": sight.now, "kind": "link", "knowing": sight.knowing}
            self._put({"run": run, **link})
        if one.refusal is not None and run not in self._refused:
            self._refused.add(run)
            print(
                f"run {run}: {tame_text(str(one.refusal))}", file=self._err, flush=True
            )

    def _put(self, said: dict[str, object]) -> None:
        print(json.dumps(said, separators=(",", ":")), file=self._out, flush=True)


class _Tagged:
    """All runs as plain lines, each behind the name of its run."""

    def __init__(self, watched: Sequence[Watched], out: TextIO) -> None:
        tags = {one.record.run: one.record.run.rpartition("-")[2] for one in watched}
        is_clear = len(set(tags.values())) == len(tags)
        self._papers = {
            run: PlainLines(_Prefixed(out, tag if is_clear else run))
            for run, tag in tags.items()
        }
        for one in watched if is_clear else ():
            what = f"run {one.record.run} on {one.record.host_name}"
            print(f"{tags[one.record.run]} is {what}", file=out, flush=True)

    def show(self, one: Watched, news: list[events.Event]) -> None:
        self._papers[one.record.run].show(one.sight, news, one.notes())


class _Prefixed(io.StringIO):
    """A paper on which each line begins with a word."""

    def __init__(self, out: TextIO, word: str) -> None:
        super().__init__()
        self._out = out
        self._word = word
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._out.write(f"{self._word} {line}\n")
        return len(text)

    def flush(self) -> None:
        self._out.flush()


def _is_live(out: TextIO) -> bool:
    """Tell whether a picture can be drawn over and over."""
    return out.isatty() and os.environ.get("TERM") != "dumb"


def _tell_ends(watched: Sequence[Watched], out: TextIO, *, is_seen: bool) -> None:
    """Say how each ended, unless that stands in the picture, and what is not here."""
    for one in watched:
        if is_seen and not one.refusal and not one.missing():
            continue
        run, host = one.record.run, one.record.host_name
        word = tame(one.refusal.message) if one.refusal else one.sight.state.word
        print(f"{run}  {host}  {word}", file=out)
        for line in tame_lines(one.refusal.hint) if one.refusal else ():
            print(f"  {line}", file=out)
        for what, why in one.missing().items():
            print(f"  not at home: {tame(what)}: {tame(why)}", file=out)
