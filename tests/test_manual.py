"""The manual: the overview of all verbs, and the page of each."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline import arguments, manual
from pipeline.declared import actions

if TYPE_CHECKING:
    from tests.laptop import Laptop

VERBS = arguments.declare()
NAMES = sorted(VERBS.lines)


def test_every_verb_has_its_place_and_its_line_in_80_columns() -> None:
    """Each verb stands once under a purpose; the overview is never wider."""
    page = manual.overview(VERBS.lines)

    grouped = [name for names in manual.PURPOSES.values() for name in names]
    assert sorted(grouped) == NAMES
    for name in NAMES:
        assert len(re.findall(rf"^  {name} ", page, re.MULTILINE)) == 1
    assert max(map(len, page.splitlines())) <= 80


@pytest.mark.parametrize("name", NAMES)
def test_a_page_tells_all_that_may_be_said(name: str) -> None:
    """A paragraph, every option with its meaning, and examples that begin with it."""
    verb = VERBS.parsers[name]
    page = manual.page(verb)

    assert page.startswith(f"usage: pipeline {name}")
    assert manual.prose(name), "the docstring of its file is its manual"
    for action in actions(verb):
        assert action.help, action
        for flag in action.option_strings:
            assert flag in page
    assert max(map(len, page.splitlines())) <= manual.WIDEST


@pytest.mark.parametrize("name", NAMES)
def test_what_a_line_promises_the_page_promises(name: str) -> None:
    """No full stop, no capital: they stand in a column."""
    line = VERBS.lines[name]

    assert len(line) <= 66, "with its name before it, in 80 columns"
    assert line[0].islower()
    assert not line.endswith(".")
    assert manual.prose(name).partition("\n")[0].endswith(".")


@pytest.mark.parametrize("columns", ["0", "1", "20", "40", "60", "500", "x", ""])
def test_a_page_fits_where_it_is_read(laptop: Laptop, columns: str) -> None:
    """Down to 40 columns, but for an example or a flag that is longer."""
    said = laptop.pipeline("run", "--help", env={"COLUMNS": columns})

    prose = [line for line in said.splitlines() if not line.startswith("  ")]
    widest = max(int(columns), 40) if columns.isdecimal() and int(columns) else 80
    assert max(map(len, prose)) <= min(widest, manual.WIDEST)


def test_there_are_three_ways_to_a_page(laptop: Laptop) -> None:
    """And none of them needs a pipeline.yaml."""
    page = laptop.pipeline("logs", "--help")

    assert page == laptop.pipeline("help", "logs") == laptop.pipeline("logs", "-h")
    assert laptop.pipeline("--help") == laptop.pipeline("help")


def test_a_pipe_gets_no_colours(laptop: Laptop) -> None:
    """Nor does whoever asked for none."""
    assert "\x1b" not in laptop.pipeline("--help")
    assert "\x1b" not in in_terminal(laptop, "--help", env={"NO_COLOR": "1"})
    assert "\x1b[1mwatch\x1b[0m" in in_terminal(laptop, "--help", env={"NO_COLOR": ""})


def in_terminal(laptop: Laptop, *args: str, env: dict[str, str]) -> str:
    """Run the command where it believes to speak to a person."""
    code = (
        "import os, pty, sys; "
        "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, sys.executable, "-m", "pipeline", *args],
        cwd=laptop.repo,
        env={**laptop.env, "TERM": "xterm-256color", **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_a_verb_that_was_not_said_costs_nothing() -> None:
    """Only one verb is declared in full, yet all have their lines."""
    verbs = arguments.declare("graph")

    assert list(verbs.parsers) == ["graph"]
    assert verbs.lines == VERBS.lines
