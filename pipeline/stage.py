"""What a stage sees of the world: the whole plug-in contract.

A stage is a module with a frozen dataclass `Params` and `run(params, ctx)`. Through
`ctx` it finds its inputs, writes drafts of its outputs, and says how far it is. What
it writes becomes visible only when the whole stage has been verified.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import threading
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pipeline.errors import SpecError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Report = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """The folders, numbers and voice of one attempt.

    inputs: from a reference as written in pipeline.yaml to the file itself.
    outputs: the names the stage promised to make.
    """

    stage: str
    inputs: Mapping[str, Path]
    outputs: frozenset[str]
    out: Path
    results: Path
    checkpoint_dir: Path
    seed: int = 0
    device: str = "cpu"
    tell: Callable[[Report], None] = lambda report: None  # noqa: ARG005
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("stage"))

    def input(self, ref: str) -> Path:
        """Give the file behind an input of this stage, as pipeline.yaml names it."""
        if ref not in self.inputs:
            known = ", ".join(sorted(self.inputs)) or "none"
            message = f"stage {self.stage!r} has no input {ref!r}; it has: {known}"
            raise SpecError(message, hint="add it to `inputs` of the stage")
        return self.inputs[ref]

    @contextlib.contextmanager
    def output(self, name: str) -> Iterator[Path]:
        """Give the place of a declared output, to be written inside the `with`.

        Whatever is written to it appears under its name only when the block ends well.
        """
        if not any(_covers(promised, name) for promised in self.outputs):
            known = ", ".join(sorted(self.outputs)) or "none"
            message = f"stage {self.stage!r} has no output {name!r}; it has: {known}"
            raise SpecError(message, hint="add it to `outputs` of the stage")
        with _draft(self.out, name) as path:
            yield path

    @contextlib.contextmanager
    def result(self, name: str) -> Iterator[Path]:
        """Give the place of a small file for people: a report, a table."""
        with _draft(self.results, name) as path:
            yield path

    @contextlib.contextmanager
    def figure(self, name: str) -> Iterator[Path]:
        """Give the place of a figure."""
        with _draft(self.results, name) as path:
            yield path

    def metric(self, **numbers: float) -> None:
        """Report named numbers; gates read them, the last value of a name counts."""
        self.tell({"metric": {name: _number(n, name) for name, n in numbers.items()}})

    def tick(self, done: float, total: float, /, **numbers: float) -> None:
        """Say that `done` of `total` is done, with numbers worth watching."""
        spoken = {name: _number(n, name) for name, n in numbers.items()}
        progress = [_number(done, "done"), _number(total, "total")]
        self.tell({"tick": progress, "numbers": spoken})


class Pipe:
    """The report pipe to the runner: one line of JSON per report, never torn.

    Lines are written whole by one thread at a time; a metric is also what the runner
    decides by, so a pipe that is gone is an error, not a silence.
    """

    def __init__(self, handle: int) -> None:
        """Speak through an open descriptor."""
        self._handle = handle
        self._turn = threading.Lock()

    def __call__(self, report: Report) -> None:
        """Send one report."""
        line = json.dumps(report, separators=(",", ":")).encode() + b"\n"
        with self._turn:
            while line:
                line = line[os.write(self._handle, line) :]


def _covers(promised: str, name: str) -> bool:
    """Tell whether an output named `promised` (a file, or `folder/`) holds `name`."""
    return name == promised or name.startswith(promised.rstrip("/") + "/")


@contextlib.contextmanager
def _draft(folder: Path, name: str) -> Iterator[Path]:
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        message = f"{name!r} does not name a file below the stage's folder"
        raise SpecError(message)
    target = folder / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    yield target


def _number(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"{name!r} should be a number, found {str(value)[:60]!r}"
        raise SpecError(message) from error
    if number.is_integer() and math.fabs(number) < 2**53:
        return int(number)
    return number
