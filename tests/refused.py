"""What tests of refusals share: rows that stand in tests/refusals, and small texts.

A row is a name, files, what is typed behind `check`, and the whole of what is said. It
is written as a person would see it, so that each mark stands below what it marks:

    === name
    ~~~ pipeline.yaml
    ...
    ~~~ typed
    --set a.n=1
    ~~~ said
    ...

`python -m tests.refused` writes what is said now into all of them, for `git diff`.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import cli
from pipeline.errors import SpecError
from pipeline.reading import spec

ONE = "name: x\nstages: {a: {sh: x}}\n"
FOLDER = Path(__file__).parent / "refusals"

# Nine lines that come to 400 million words when written out.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@dataclass(frozen=True, slots=True)
class Row:
    """Something that cannot be meant, and what is said of it."""

    name: str
    parts: dict[str, str]

    @property
    def said(self) -> str:
        """The whole message."""
        return self.parts["said"]

    @property
    def typed(self) -> list[str]:
        """What is typed behind `check`, an option and its value to a line."""
        lines = self.parts.get("typed", "").splitlines()
        return [word for line in lines for word in line.split(" ", 1)]

    @property
    def files(self) -> dict[str, str]:
        """The files of the repository."""
        return {k: v for k, v in self.parts.items() if k not in {"typed", "said"}}


def rows(path: Path) -> Iterator[Row]:
    """Read the rows of one file."""
    for text in path.read_text().split("=== ")[1:]:
        name, *parts = text.split("~~~ ")
        halves = (part.partition("\n") for part in parts)
        yield Row(name.strip(), {title: body for title, _, body in halves})


def all_rows() -> list[object]:
    """Give every row of every file, for `parametrize`."""
    return [
        pytest.param(row, id=f"{path.stem}-{row.name}")
        for path in sorted(FOLDER.glob("*.txt"))
        for row in rows(path)
    ]


def checked(row: Row, folder: Path) -> tuple[int, str]:
    """Check a row in an empty folder: the exit code, and what is said."""
    for name, text in row.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / ".git").mkdir(exist_ok=True)
    said = io.StringIO()
    with _inside(folder), contextlib.redirect_stderr(said):
        code = cli.main(["check", *row.typed])
    return code, said.getvalue()


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def said(text: bytes | str, *overrides: str) -> str:
    """Give the whole message with which `text` is refused."""
    with pytest.raises(SpecError) as caught:
        spec.parse(text, overrides=overrides)
    return str(caught.value)


def _written(row: Row, told: str) -> str:
    parts = {**row.parts, "said": f"{told.rstrip()}\n\n"}
    body = "".join(f"~~~ {title}\n{text}" for title, text in parts.items())
    return f"=== {row.name}\n{body}"


def _write_anew() -> None:
    for path in sorted(FOLDER.glob("*.txt")):
        texts = []
        for row in rows(path):
            with tempfile.TemporaryDirectory() as folder:
                code, told = checked(row, Path(folder))
            texts.append(_written(row, told if code == SpecError.exit_code else "?"))
        path.write_text("".join(texts))


if __name__ == "__main__":
    os.environ["HOME"] = tempfile.gettempdir()
    _write_anew()
