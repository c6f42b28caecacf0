"""A run's folder made by hand, and the report drawn of it: no process is run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path

from pipeline import draft, eventlines, events, gate, progress
from pipeline.artifact import Artifact, Manifest
from pipeline.events import Event, Happening
from pipeline.layout import ResultPaths
from pipeline.report import final
from pipeline.schema import Pipeline, Resolved, Stage

RUN = "20261120-1710-a3f9"
TALL = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\x20\0\0\x02\x58\x08\x02\0\0\0"
PNG = TALL + b"\0" * 40 + b"\0\0\0\0IEND\xaeB`\x82"


class Reported:
    """One run; `told` grows until `write` ends it."""

    def __init__(self, folder: Path, *stages: Stage) -> None:
        """Begin a run of these stages, at ten past five."""
        self.results = ResultPaths(folder)
        folder.mkdir(exist_ok=True)
        pipeline = Pipeline(name="dogs", stages=stages, params={"seed": 3})
        self.plan = Resolved(
            run=RUN,
            project="dogs-1",
            host="local",
            snapshot="c0ffee" * 6 + "c0ff",
            branch=f"run/{RUN}",
            pipeline=pipeline,
        )
        shapes = [events.StageShape(name=s.name, needs=s.needs) for s in stages]
        begun = events.RunStarted(
            run=RUN,
            name="dogs",
            host="local",
            snapshot=self.plan.snapshot,
            stages=tuple(shapes),
        )
        self.told: list[Event] = []
        self.tell(begun)

    def tell(self, *happened: Happening) -> None:
        """Let things happen, a second after each other."""
        for what in happened:
            minutes, seconds = divmod(len(self.told), 60)
            hours, minutes = divmod(10 + minutes, 60)
            at = f"2026-11-20T{17 + hours:02d}:{minutes:02d}:{seconds:02d}.000000Z"
            self.told.append(Event(at, what))

    def seal(
        self,
        name: str,
        metrics: Mapping[str, float] | None = None,
        files: Mapping[str, bytes] | None = None,
        **said: object,
    ) -> None:
        """Have a stage start, leave files in its results, and be sealed."""
        numbers, left = metrics or {}, files or {}
        folder = self.results.stage(name)
        folder.mkdir(exist_ok=True)
        for path, data in left.items():
            (folder / path).write_bytes(data)
        listed = {path: artifact_of(data) for path, data in left.items()}
        made = {"model.pt": Artifact(size=1_400_000, sha256="ab" * 32)}
        manifest = Manifest(artifacts=made, results=listed)
        self.results.manifest(name).write_text(manifest.text())
        self.results.metrics(name).write_text(draft.metrics_text(numbers))
        judged = gate.judge(self.plan.pipeline.stage(name).gates, numbers)
        sealed = {
            "attempt": 1,
            "commit": "5ea1" * 10,
            "verdict": judged.verdict,
            "subject": f"{name} is done",
            "duration_s": 62.0,
            "metrics": numbers,
            "failures": judged.failures,
            **said,
        }
        self.tell(events.StageStarted(stage=name, attempt=1))
        self.tell(events.StageSealed(stage=name, **sealed))  # type: ignore[arg-type]

    def write(self, code: int = 0, reason: str = "all of it is sealed") -> str:
        """End the run and draw its report; give the text."""
        lines = "".join(f"{eventlines.encode(one)}\n" for one in self.told)
        self.results.events.write_text(lines)
        state = progress.fold(self.told)
        self.tell(events.RunEnded(exit_code=code, reason=reason))
        final.write(self.plan, self.results, state, self.told[-1])
        return self.results.report.read_text()

    @property
    def page(self) -> Page:
        """The page, read as a browser would."""
        return Page(self.results.report_page.read_text())


def artifact_of(data: bytes) -> Artifact:
    """Name some bytes."""
    return Artifact(size=len(data), sha256=hashlib.sha256(data).hexdigest())


class Page(HTMLParser):
    """What a browser makes of a page: its tags, their attributes, and its text."""

    def __init__(self, text: str) -> None:
        """Read it."""
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.cells: list[str] = []
        self.text = ""
        self._is_cell = False
        self.feed(text)

    def handle_starttag(
        self, tag: str, attrs: Iterable[tuple[str, str | None]]
    ) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag == "td":
            self.cells.append("")
        self._is_cell = self._is_cell or tag == "td"

    def handle_endtag(self, tag: str) -> None:
        """Leave a cell."""
        self._is_cell = self._is_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.text += data
        if self._is_cell:
            self.cells[-1] += data

    def of(self, name: str) -> list[str]:
        """Give the values of an attribute."""
        return [value for _tag, one, value in self.attributes if one == name]
