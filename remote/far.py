"""The box's side, as the laptop calls it: the verbs of runner.pyz over a link."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import pyz, wire
from pipeline.errors import HostError
from pipeline.layout import BOX_HOME
from remote.links.link import Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.memory import RunRecord
    from pipeline.schema import Host
    from pipeline.wire import Answer, Beginning, Carrying, Clearing, Following, Planning
    from remote.links.link import Link, Stream

_PATIENCE_S = 60.0
_SHIP_PATIENCE_S = 3600.0  # a first shipment over a slow line takes its time
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


class Far:
    """One project on one host."""

    def __init__(self, link: Link, project: str, host: Host | None) -> None:
        """Speak to the project's folder through `link`."""
        self.link = link
        self.folder = f"{BOX_HOME}/{project}"
        python = sys.executable if host is None else host.python or "python3"
        # Commands start in the far home, which is what `~` means; a file lying right
        # there needs a folder before its name, or PATH would be searched for it.
        self._python = f"./{python[2:]}" if python.startswith("~/") else python
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

        return self._ask("begin", stdin=request, timeout_s=_SHIP_PATIENCE_S)

    def plan(self, asked: Planning) -> Answer:
        """Say what a run would do; nothing is made."""
        return self._ask("plan", stdin=lambda: [wire.encode_request(asked)])

    def resume(self, run: str) -> Answer:
        """Launch a runner for a run that is there; `lives` says whether one did."""
        return self._ask("resume", run)

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
        timeout_s: float = _PATIENCE_S,
    ) -> Answer:
        argv = self._argv(verb, *names)
        done = self.link.call(argv, stdin=stdin(), timeout_s=timeout_s)
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
            raise self._refused(done)

    def _refused(self, done: Completed) -> HostError:
        said = done.err.decode("utf-8", "replace").strip() or "(it said nothing)"
        if done.code == _NOT_FOUND:
            message = f"host {self.link.name!r} has no {self._python!r}"
            hint = f"name another one in pipeline.yaml: hosts.{self.link.name}.python"
            return HostError(message, hint=f"{hint}\n{said}")
        message = f"host {self.link.name!r}: the command ended in {done.code}"
        return HostError(message, hint=said[-2000:])
