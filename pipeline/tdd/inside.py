"""The process that tests run in: pytest, with an eye on each of them.

Nobody imports this to use it: its text is put beside the copy and started as a program,
with another Python, which has pytest and may have no `pipeline`, or another one. What
becomes of a test is told at once, a line of JSON each, so that a test which kills its
process takes no other with it. Files of tests are claimed one at a time by whichever
process is free.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_TEXT = 12_000  # characters of what one test says


class Voice:
    """What was our stdout; whatever else is printed goes to a file instead."""

    def __init__(self, log: str) -> None:
        """Take stdout for ourselves."""
        self._pid = os.getpid()
        self._handle = os.dup(1)
        opened = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(opened, 1)
        os.dup2(opened, 2)
        os.close(opened)

    @property
    def is_ours(self) -> bool:
        """Tell whether this is still the process that was started, and no fork."""
        return os.getpid() == self._pid

    def __call__(self, **said: object) -> None:
        """Tell one thing."""
        line = json.dumps(said).encode() + b"\n"
        while self.is_ours and line:
            line = line[os.write(self._handle, line) :]


class Watching:
    """The plugin: settles what must not be left to chance, and tells each outcome."""

    def __init__(self, asked: dict[str, Any], tell: Voice) -> None:
        """Watch a session."""
        self._asked = asked
        self._tell = tell
        self._reports: dict[str, list[Any]] = {}
        self._where: dict[str, str] = {}
        self._is_steady = False

    def settle(self, config: Any) -> None:
        """Run all, here, in order, whatever the project's own options say."""
        option = config.option
        option.maxfail = 0
        for name, value in (("numprocesses", 0), ("dist", "no"), ("tx", [])):
            if hasattr(option, name):  # of pytest-xdist
                setattr(option, name, value)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out what ended a process before."""
        return True if self._path(collection_path) in self._asked["without"] else None

    def pytest_collectstart(self, collector: Any) -> None:
        """Tell which file is being imported, should it end us."""
        path = getattr(collector, "path", None)
        if path and path.is_file():
            self._tell(importing=collector.nodeid)
            if not self._is_steady and _speaks_of_hypothesis(path):
                self._is_steady = True
                steady(is_hasty=self._asked["is_hasty"])

    def pytest_collectreport(self, report: Any) -> None:
        """Tell what could not be collected."""
        if report.failed or report.skipped:
            self._tell(
                test=report.nodeid or ".",
                kind="error" if report.failed else "skipped",
                reason=_reason(report),
                text=self._text(report) if report.failed else "",
                where=self._where.pop(report.nodeid, ""),
            )

    def pytest_exception_interact(self, node: Any, call: Any) -> None:
        """Note where the target cut a test or an import short."""
        if call.excinfo is None:
            return
        place = os.path.realpath(self._asked["tree"])
        for entry in reversed(list(call.excinfo.traceback)):
            path = os.path.realpath(entry.path)
            inside = os.path.relpath(path, place)
            if inside in self._asked["sources"]:
                name = entry.frame.code.raw.co_name
                self._where[node.nodeid] = (
                    f"{inside}:{entry.lineno + 1}"
                    if name == "<module>"
                    else f"{inside}: {name}"
                )
                if name == "<module>" or node.nodeid.count("::"):
                    return

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run the tests of each file that we are the first to claim."""
        self._tell(
            collected=[item.nodeid for item in self._wanted(session.items)],
            versions=f"python {platform.python_version()}, pytest {_version()}",
        )
        items = self._claimed(self._wanted(session.items))
        item = next(items, None)
        while item is not None:
            following = next(items, None)
            hook = item.config.hook
            hook.pytest_runtest_protocol(item=item, nextitem=following)
            if not self._tell.is_ours:
                os._exit(0)  # a fork that came back out of a test
            item = following
        return True

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell which test begins, should it end us."""
        self._tell(begun=nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep each part of a test."""
        self._reports.setdefault(report.nodeid, []).append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell how it ended."""
        kind, said = _ending(self._reports.pop(nodeid, []))
        self._tell(
            test=nodeid,
            kind=kind,
            reason=_reason(said) if said else "",
            text=self._text(said) if said and said.failed else "",
            where=self._where.pop(nodeid, ""),
        )

    def pytest_sessionfinish(self) -> None:
        """Tell which code of the target came from elsewhere than the copy."""
        origin = self._asked["origin"]
        files = {os.path.realpath(os.path.join(origin, p)) for p in self._sources}  # noqa: PTH118 - as quick as can be
        loaded = (getattr(m, "__file__", None) for m in list(sys.modules.values()))
        found = {os.path.realpath(one) for one in loaded if isinstance(one, str)}
        self._tell(outside=sorted(files & found))

    def _text(self, report: Any) -> str:
        """Give all that was said; where tests are to fail, the reason will do."""
        return "" if self._asked["is_hasty"] else _said(report)

    @property
    def _sources(self) -> list[str]:
        found: list[str] = self._asked["sources"]
        return found

    def _path(self, path: Path) -> str:
        return os.path.relpath(path, self._asked["tree"])

    def _claimed(self, items: list[Any]) -> Iterator[Any]:
        """Give the tests that are ours to run, file by file."""
        files: dict[str, list[Any]] = {}
        left_out = set(self._asked["done"])
        for item in items:
            if item.nodeid not in left_out:
                files.setdefault(item.nodeid.partition("::")[0], []).append(item)
        for number, tests in enumerate(files.values()):
            place = os.path.join(self._asked["claims"], str(number))  # noqa: PTH118 - as quick
            with contextlib.suppress(FileExistsError):
                os.close(os.open(place, os.O_CREAT | os.O_EXCL))
                yield from tests

    def _wanted(self, items: list[Any]) -> list[Any]:
        """Give those that were asked for: a file may hold more."""
        only, names = self._asked["only"], self._asked["tests"]
        if only is not None:
            known = set(only)
            return [item for item in items if item.nodeid in known]
        if not any("::" in name for name in names):
            return items
        return [item for item in items if _is_of(item.nodeid, names)]


def _speaks_of_hypothesis(path: Path) -> bool:
    """Tell whether it is there to be settled; its import takes a while."""
    is_wanted = "hypothesis" in sys.modules or b"hypothesis" in path.read_bytes()
    return is_wanted and importlib.util.find_spec("hypothesis") is not None


def steady(*, is_hasty: bool) -> None:
    """Let hypothesis draw the same examples each time, in no hurry, and keep none.

    is_hasty: the first example that fails will do, however large it is.
    """
    hypothesis = importlib.import_module("hypothesis")
    settings, phases = hypothesis.settings, hypothesis.Phase
    wanted = (phases.explicit, phases.generate) if is_hasty else tuple(phases)
    known = tuple(settings.default.suppress_health_check)
    settings.register_profile(
        "tdd",
        parent=settings.default,
        derandomize=True,
        database=None,
        deadline=None,
        phases=wanted,
        suppress_health_check=(*known, hypothesis.HealthCheck.too_slow),
    )
    settings.load_profile("tdd")


def _is_of(test: str, names: list[str]) -> bool:
    """Tell whether a node id is one of these, or below one of them."""
    return any(
        test == name or test.startswith(tuple(name + mark for mark in "/:["))
        for name in names
    )


def _ending(reports: list[Any]) -> tuple[str, Any]:
    """Add up the parts of a test, and give the one that decides."""
    for report in reports:
        if report.failed:
            return ("failed" if report.when == "call" else "error"), report
    for report in reports:
        if report.skipped:
            return ("xfailed" if hasattr(report, "wasxfail") else "skipped"), report
    is_expected = any(hasattr(report, "wasxfail") for report in reports)
    return ("xpassed" if is_expected else "passed"), None


def _reason(report: Any) -> str:
    """Say in a line why a test failed or was left out."""
    if getattr(report, "wasxfail", ""):
        return str(report.wasxfail)
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else _last_line(report.longreprtext)
    return _cut(next((line for line in text.splitlines() if line.strip()), ""), 300)


def _last_line(text: str) -> str:
    lines = [line.removeprefix("E").strip() for line in text.splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _said(report: Any) -> str:
    """Give all that a failed test said, and what it printed."""
    parts = [report.longreprtext]
    for title, text in report.sections:
        if title.startswith("Captured") and text.strip():
            parts += [f"--- {title}", _cut(text, _MOST_TEXT // 3)]
    return _cut("\n".join(parts))


def _cut(text: str, most: int = _MOST_TEXT) -> str:
    """Leave out the middle of a long text."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n... {len(text) - most} characters ...\n{text[-half:]}"


def _version() -> str:
    return str(importlib.import_module("pytest").__version__)


def main() -> int:
    """Run the tests that a file of JSON asks for."""
    asked = json.loads(Path(sys.argv[1]).read_bytes())
    tell = Voice(asked["log"])
    sys.path[:1] = asked["path"]
    pytest: Any = importlib.import_module("pytest")
    watching = Watching(asked, tell)

    class First:
        """What comes before any other plugin."""

        @pytest.hookimpl(hookwrapper=True)  # type: ignore[untyped-decorator]  # not typed from here
        def pytest_cmdline_main(self, config: Any) -> Iterator[None]:
            """Settle the options."""
            watching.settle(config)
            yield

    return int(pytest.main(asked["argv"], plugins=[watching, First()]))


if __name__ == "__main__":
    sys.exit(main())
