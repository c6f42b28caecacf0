"""The box's side, as the laptop calls it: the verbs of runner.pyz over a link."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import pyz, wire
from pipeline.errors import HostError
from pipeline.layout import BOX_HOME
from pipeline.wire import Resuming, encode_request
from remote.links import soon
from remote.links.link import Completed
from remote.secrets import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from pipeline.data.tending import Tending
    from pipeline.memory import RunRecord
    from pipeline.schema import Host
    from pipeline.wire import (
        Answer,
        Asking,
        Beginning,
        Carrying,
        Clearing,
        Following,
        Planning,
    )
    from remote.links.link import Link, Stream

_PATIENCE_S = 60.0
_SHIP_PATIENCE_S = 3600.0  # a first shipment over a slow line takes its time
_DATA_PATIENCE_S = 14 * 86400.0  # some 100 GB over a home's line
_NOT_FOUND = 127
_CANNOT_OPEN = 2  # Python's own code for a script that is not there
# Nothing of a user's in it: folder, name and size come as arguments. Two first runs at
# once each write a draft of their own: `$$` is the shell's pid. A line that broke looks
# to `cat` like the end of the file, so what came is counted before it gets its name.
# An empty file under that name would be a program that does nothing, and says so by 0:
# it must be on the disk before, whatever happens to the power.
UPLOAD = (
    'umask 077; mkdir -p "$1" && chmod 700 "$1" && draft="$1/.$2.$$.draft" || exit 1; '
    'cat >"$draft" && test $(wc -c <"$draft") -eq "$3" && '
    '{ sync "$draft" 2>/dev/null || sync; } && mv "$draft" "$1/$2" && '
    'exit 0; rm -f "$draft"; echo "runner.pyz did not arrive whole" >&2; exit 1'
)


def from_home(program: str) -> str:
    """Give a program's name as a command is told it: commands start in the far home.

    That is what `~` means; a file lying right there needs a folder before its name, or
    PATH would be searched for it.
    """
    return f"./{program[2:]}" if program.startswith("~/") else program


class Far:
    """One project on one host."""

    def __init__(self, link: Link, project: str, host: Host | None) -> None:
        """Speak to the project's folder through `link`."""
        self.link = link
        self.folder = f"{BOX_HOME}/{project}"
        python = sys.executable if host is None else host.python or "python3"
        self._python = from_home(python)
        self._texts = pyz.sources()
        self._name = pyz.name_of(self._texts)

    def _argv(self, verb: str, *names: str) -> list[str]:
        pyz_path = f"{self.folder}/runner/{self._name}"
        return [self._python, "-I", "-S", pyz_path, verb, *names]

    def begin(self, asked: Beginning, pack: Callable[[], Iterable[bytes]]) -> Answer:
        """Make and launch a run; safe to do twice.

        pack: gives the objects to send along; called again when it must be sent again.
        """

        def request() -> Iterator[bytes]:
            yield wire.encode_request(asked)
            yield from pack()

        return self._ask("begin", stdin=request, is_large=True)

    def plan(self, asked: Planning) -> Answer:
        """Say what a run would do; nothing is made."""
        return self._ask("plan", stdin=lambda: [wire.encode_request(asked)])

    def resume(
        self, run: str, *, secrets: Callable[[], Collection[str]] = tuple
    ) -> Answer:
        """Launch a runner for a run that is there; `lives` says whether one did.

        secrets: gives the names that were said here; the box may ask for their values.
        """
        answer = self._ask("resume", run)
        if answer.need == "secrets":
            # Only now: a run that lives, or is done, needs none.
            asked = Resuming(secrets=values_of(answer.secrets, ours=secrets()))
            answer = self._ask("resume", run, stdin=lambda: [encode_request(asked)])
        return answer

    def stop(self, run: str) -> Answer:
        """Leave the wish to stop; `lives` says whether there is a runner to read it."""
        return self._ask("stop", run)

    def follow(self, run: str, asked: Following) -> Stream:
        """Open the one stream."""
        return self.link.stream(
            self._argv("follow", run), stdin=wire.encode_request(asked)
        )

    def carry(self, run: str, asked: Carrying) -> Stream:
        """Open a tar stream of files."""
        return self.link.stream(
            self._argv("carry", run), stdin=wire.encode_request(asked)
        )

    def verify(self, run: str) -> Stream:
        """Open the lines that say what of a run is not what was sealed."""
        return self.link.stream(self._argv("verify", run))

    def clear(self, asked: Clearing) -> Stream:
        """Open the lines that say what can go, and what went."""
        return self.link.stream(self._argv("gc"), stdin=wire.encode_request(asked))

    def runs(self, asked: Asking) -> Stream:
        """Open the lines that say which runs lie there."""
        return self.link.stream(self._argv("runs"), stdin=wire.encode_request(asked))

    def data(self, asked: Tending) -> Stream:
        """Open what a box says of its homes of data sets, or gives of one."""
        return self.link.stream(self._argv("data"), stdin=wire.encode_request(asked))

    def take(self, asked: Tending, data: Iterable[bytes]) -> bytes:
        """Send a data set there; give the lines that say what came of it."""

        def request() -> Iterator[bytes]:
            yield wire.encode_request(asked)
            yield from data

        argv = self._argv("data")
        done = self.link.call(argv, stdin=request(), timeout_s=_DATA_PATIENCE_S)
        if done.code:
            raise self.refusal(done.err) or self._refused(done)
        return done.out

    def visit(self, run: str, stage: str = "") -> Answer:
        """Ask whether a person may work in a run's worktree, or on one stage of it."""
        return self._ask("visit", run, *([stage] if stage else []))

    def attended(self, verb: str, run: str, *words: str) -> list[str]:
        """Give the command of a verb that speaks to a person; `visit` comes before."""
        return self._argv(verb, run, *words)

    def run_folder(self, record: RunRecord) -> str:
        """Give the folder of the worktree where the run's pipeline.yaml lies."""
        base = f"{self.folder}/runs/{record.run}/tree"
        return base if record.prefix == "." else f"{base}/{record.prefix}"

    def _ask(
        self,
        verb: str,
        *names: str,
        stdin: Callable[[], Iterable[bytes]] = lambda: (),
        is_large: bool = False,
    ) -> Answer:
        argv = self._argv(verb, *names)
        timeout_s = _SHIP_PATIENCE_S if is_large else _PATIENCE_S
        if is_large:
            done = self.link.call(argv, stdin=stdin(), timeout_s=timeout_s)
        else:
            done = soon.call(self.link, argv, stdin=stdin, timeout_s=timeout_s)
        if self._lacks_runner(done):
            self.upload()
            done = self.link.call(argv, stdin=stdin(), timeout_s=timeout_s)
        answer = wire.find_answer(done.out)
        if answer is None:
            raise self._refused(done)
        if refusal := self.refusal(done.out):
            raise refusal
        return answer

    def refusal(self, said: bytes) -> HostError | None:
        """Find why the box refused, in what it said; a stream's is on its stderr."""
        answer = wire.find_answer(said)
        if answer is None or not answer.error:
            return None
        message = f"host {self.link.name!r}: {answer.error}"
        return HostError(message, hint=answer.hint)

    def lacks_runner(self, code: int, err: bytes) -> bool:
        """Tell whether a command ended because the box has no runner.pyz yet."""
        return code == _CANNOT_OPEN and self._name.encode() in err

    def _lacks_runner(self, done: Completed) -> bool:
        return self.lacks_runner(done.code, done.err)

    def upload(self) -> None:
        """Put runner.pyz on the box, whole or not at all."""
        data = pyz.build(self._texts)
        into = (f"{self.folder}/runner", self._name, str(len(data)))
        argv = ["sh", "-c", UPLOAD, "sh", *into]
        done = self.link.call(argv, stdin=data, timeout_s=_SHIP_PATIENCE_S)
        if done.code:
            refusal = self._refused(done)
            if done.code != _NOT_FOUND:
                refusal.message = f"host {self.link.name!r} takes no files of ours"
            raise refusal

    def _refused(self, done: Completed) -> HostError:
        said = done.err.decode("utf-8", "replace").strip() or "(it said nothing)"
        if done.code == _NOT_FOUND:
            message = f"host {self.link.name!r} has no {self._python!r}"
            hint = f"name another one in pipeline.yaml: hosts.{self.link.name}.python"
            return HostError(message, hint=f"{hint}\n{said}")
        message = f"host {self.link.name!r}: the command ended in {done.code}"
        todo = f"see what it lacks: pipeline doctor --host {self.link.name}"
        return HostError(message, hint=f"{said[-2000:]}\n{todo}")
