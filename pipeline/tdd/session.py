"""Run tests in processes of their own, until each has an outcome.

A session goes in rounds. In each, some processes share the files of tests. One that
dies or hangs takes no more with it than the test it was at: what it left undone is for
the next round.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.errors import HostError
from pipeline.tdd import inside, outcome
from pipeline.tdd.claim import below
from pipeline.tdd.outcome import Outcome, Session
from pipeline.tdd.worker import Order, Worker

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.tdd.bench import Bench
    from pipeline.tdd.claim import Claim

_ASKS = (
    *("-p", "no:cacheprovider", "-p", "no:randomly", "--color=no"),
    *("--continue-on-collection-errors", "-q"),
)
_HAS_PYTEST = "import importlib.util as u; raise SystemExit(not u.find_spec('pytest'))"
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


def check(bench: Bench) -> None:
    """Refuse a Python that has no pytest."""
    argv = (bench.python, "-c", _HAS_PYTEST)
    log = bench.place / "check.log"
    order = Order(
        argv=argv,
        cwd=bench.place,
        environment=bench.environment,
        log=log,
        limit_s=60,
    )
    worker = Worker(order, bench.clock, lambda _: None)
    worker.run()
    if worker.code:
        message = f"{bench.python} has no pytest, which runs the tests"
        raise HostError(message, hint=f"{bench.python} -m pip install pytest")


def run(
    claim: Claim, bench: Bench, tree: Path, *, only: Collection[str] | None = None
) -> Session:
    """Run the tests of a claim in the copy at `tree`: all of them, or `only` some.

    Where pytest would not even look for tests, the session is `broken`.
    """
    rounds = _Rounds(claim, bench, tree, only)
    for number in itertools.count():
        before = len(rounds.known)
        said = rounds.round(number)
        if rounds.is_whole:
            return rounds.session()
        if len(rounds.known) == before:
            return Session(broken=rounds.removed or said)
    raise AssertionError


class _Rounds:
    """What is known so far, and what is left to do."""

    def __init__(
        self, claim: Claim, bench: Bench, tree: Path, only: Collection[str] | None
    ) -> None:
        self.known: dict[str, Outcome] = {}
        self._claim, self._bench, self._tree, self._only = claim, bench, tree, only
        self._script = bench.place / "inside.py"
        self._script.write_text(inspect.getsource(inside), encoding="utf-8")
        self._turn = threading.Lock()
        self._order: dict[str, None] = {}  # the tests, as pytest has them
        self._without: set[str] = set()  # files that end a process
        self._versions = ""
        self._outside: set[str] = set()
        self._has_looked = False

    @property
    def is_whole(self) -> bool:
        """Tell whether each test has its outcome."""
        return self._has_looked and all(test in self.known for test in self._order)

    @property
    def removed(self) -> str:
        """Say what the tests took away that they need themselves, if they did."""
        paths = self._claim.test_paths
        gone = [one for one in paths if not (self._tree / one).exists()]
        if not gone:
            return ""
        return f"a test removed {gone[0]} from the copy in which all of them run"

    def round(self, number: int) -> str:
        """Let some processes share what is left; give what the first one printed."""
        place = self._bench.place / f"{self._tree.name}.{number}"
        (place / "claims").mkdir(parents=True)
        tests = [one for one in self._claim.test_paths if one not in self._without]
        if not tests:
            self._has_looked = True
            return ""
        workers = [
            Worker(self._order_for(place, at, tests), self._bench.clock, self._hear)
            for at in range(self._useful(tests))
        ]
        _run_all(workers)
        for worker in workers:
            self._settle(worker)
        return self._clean(workers[0].printed)

    def _useful(self, tests: list[str]) -> int:
        """Say how many processes would find a file of their own."""
        known = (below(self._tree, one) for one in tests)
        files = [path for some in known for path in some if path.endswith(".py")]
        return max(1, min(self._bench.cores, len(files)))

    def _order_for(self, place: Path, at: int, tests: list[str]) -> Order:
        asked = place / f"{at}.json"
        log = place / f"{at}.log"
        temporary = place / f"tmp{at}"
        temporary.mkdir()
        words = self._asked(place, tests, base=place / f"t{at}", log=log)
        asked.write_text(json.dumps(words), encoding="utf-8")
        return Order(
            argv=(self._bench.python, str(self._script), str(asked)),
            cwd=self._tree,
            environment={**self._bench.environment, "TMPDIR": str(temporary)},
            log=log,
            limit_s=self._claim.limit_s,
        )

    def _asked(
        self, place: Path, tests: list[str], *, base: Path, log: Path
    ) -> dict[str, Any]:
        """Say what a process is to do."""
        claim, tree = self._claim, self._tree
        marks = ["-m", claim.marks] if claim.marks else []
        where = [f"--basetemp={base}", f"--rootdir={tree}"]
        # Where all of them fail, a line of each is said, and the rest takes its time.
        briefly = [] if self._only is None else ["--tb=line"]
        return {
            "argv": [*_ASKS, *briefly, *where, *marks, *tests],
            "path": _import_path(claim, tree),
            "log": str(log),
            "claims": str(place / "claims"),
            "tree": str(tree),
            "origin": str(claim.root),
            "sources": list(claim.sources),
            "tests": list(claim.tests),
            "without": sorted(self._without),
            "done": sorted(self.known),
            "only": None if self._only is None else sorted(self._only),
            "is_hasty": self._only is not None,
        }

    def _hear(self, said: dict[str, Any]) -> None:
        """Take in what a process told."""
        with self._turn:
            if "collected" in said:
                self._has_looked = True
                self._versions = said["versions"]
                self._order.update(dict.fromkeys(said["collected"]))
            elif "outside" in said:
                self._outside.update(said["outside"])
            elif "kind" in said:
                words = {name: self._clean(text) for name, text in said.items()}
                self._learn(Outcome(**words))

    def _learn(self, found: Outcome) -> None:
        if found.test not in self.known:
            self.known[found.test] = found
            done = len(self.known)
            self._bench.hear(done, max(done, len(self._order)))

    def _settle(self, worker: Worker) -> None:
        """Give what a process was at, when it ended too soon, what it has earned."""
        if not worker.at:
            return
        said = self._clean(worker.printed)
        self._learn(
            Outcome(test=worker.at, kind=outcome.ERROR, reason=worker.end, text=said)
        )
        if not worker.is_at_test:
            self._without.add(worker.at)

    def _clean(self, text: str) -> str:
        """Leave out what differs from copy to copy: folders and addresses."""
        pythons = (Path(self._bench.python), Path(self._bench.python).resolve())
        prefixes = (python.parent.parent for python in pythons)
        for place in (self._tree, self._bench.place, *prefixes, self._claim.root):
            for name in (str(place), os.path.realpath(place)):
                text = text.replace(f"{name.rstrip('/')}/", "") if name != "/" else text
        return _ADDRESS.sub("0x...", text)

    def session(self) -> Session:
        """Give all that is known: files that could not be imported come first."""
        files = sorted(test for test in self.known if test not in self._order)
        order = [*files, *(test for test in self._order)]
        return Session(
            outcomes={test: self.known[test] for test in order},
            versions=self._versions,
            outside=tuple(sorted(self._outside)),
        )


def _run_all(workers: list[Worker]) -> None:
    """Run processes side by side; where one cannot be, none is."""
    with ThreadPoolExecutor(max_workers=len(workers)) as pool:
        running = [pool.submit(worker.run) for worker in workers]
        try:
            for one in running:
                one.result()
        except BaseException:
            for worker in workers:
                worker.is_unwanted = True
            raise


def _import_path(claim: Claim, tree: Path) -> list[str]:
    """Give the folders that imports begin in: the root, and those of the target.

    An installed copy of the target is found behind them.
    """
    found = {str(tree): None}
    for source in claim.sources:
        folder = PurePosixPath(source).parent
        while (claim.root / folder / "__init__.py").is_file() and folder.name:
            folder = folder.parent
        if folder != PurePosixPath(source).parent or folder.name == "src":
            found[str(tree / folder)] = None
    return list(found)
