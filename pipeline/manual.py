"""The manual: what `--help` prints, and the synopsis of each page in docs/.

A page is the docstring of the verb's file in `commands/`, between a synopsis and a list
of options that are made from `arguments`. Formatted here and not by argparse, whose
words differ from one Python to the next.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.declared import (
    actions,
    is_repeatable,
    is_rest,
    value_of,
)
from pipeline.views.ink import strong, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# In which order, and under which purpose, the overview names them.
PURPOSES = {
    "start": ("init", "check", "plan", "run", "resume"),
    "watch": ("attach", "status", "runs", "adopt", "logs"),
    "steer": ("stop",),
    "understand": ("graph", "explain", "debug", "shell"),
    "prove": ("tdd",),
    "keep": ("pull", "data", "pack", "verify", "gc"),
    "set up": ("doctor", "completion", "schema", "help"),
}
_WHAT = """\
Run a graph of stages here or on a box behind SSH, seal each finished stage as a git \
commit, and mirror its results home."""
_RUN = """\
RUN is any part of a run's name that no other run has; without it, or as latest, the \
run that was started last."""
_EXAMPLES = """\
Examples:
  pipeline run                   run pipeline.yaml on this machine, and watch
  pipeline run --host ec2        on a box; ^C detaches, and the run goes on
  pipeline attach                come back to it
  pipeline help run              all about one verb, as pipeline run --help
  pipeline --version             which one this is"""
_CODES = """\
Exit codes:
  0 done                          5 the network; one may ask again
  2 what was written is wrong     6 the host refused
  3 a gate failed                 7 a file is not what it was
  4 a stage failed               70 a bug of ours
  130 interrupted: a run that was detached from, or was stopped, is not done"""
WIDEST, _NARROWEST = 88, 40
_PLACES = {"*": "[{}]...", "?": "[{}]", "+": "{}..."}


def overview(lines: Mapping[str, str]) -> str:
    """Give the page of all verbs, by what each does in a line."""
    return "\n".join(_overview(lines, _width())).rstrip() + "\n"


def page(verb: argparse.ArgumentParser) -> str:
    """Give the page of one verb."""
    return "\n".join(_page(verb, _width())).rstrip() + "\n"


def synopsis(verb: argparse.ArgumentParser, width: int = 80) -> list[str]:
    """Give how a verb is written: `pipeline run [--host HOST] [--detach]`."""
    words = [_word(action) for action in _told(verb)]
    indent = " " * (len(verb.prog) + 1)
    line, lines = verb.prog, []
    for word in words:
        if len(line) + 1 + len(word) > width and line.strip():
            lines.append(line)
            line = indent[:-1]
        line += f" {word}"
    return [*lines, line]


def options(verb: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """Give each thing that may be said to a verb, with what it means."""
    return [(_name(action), action.help or "") for action in _told(verb)]


def prose(name: str) -> str:
    """Give what a verb promises: the docstring of its file."""
    # Read and not imported: whoever asks for help need not wait for what a verb needs.
    path = Path(__file__).parent / "commands" / f"{name}.py"
    try:
        return path.read_text(encoding="utf-8").split('"""')[1].strip()
    except (OSError, IndexError):
        return ""


def _overview(told: Mapping[str, str], width: int) -> list[str]:
    lines = ["usage: pipeline VERB [OPTION]...", "", *textwrap.wrap(_WHAT, width)]
    for purpose, names in PURPOSES.items():
        rows = [(name, told[name]) for name in names if name in told]
        heading = strong(purpose, sys.stdout)
        lines += ["", heading, *_table(rows, 10, width)] if rows else []
    lines += ["", *textwrap.wrap(_RUN, width)]
    return [*lines, "", *_with_headings(f"{_EXAMPLES}\n\n{_CODES}")]


def _page(verb: argparse.ArgumentParser, width: int) -> list[str]:
    usage = synopsis(verb, width - len("usage: "))
    text = prose(verb.prog.rpartition(" ")[2]) or _sentence(verb.description or "")
    summary, _, rest = text.partition("\n")
    about, examples = _parted(rest.strip("\n"))
    rows = [*options(verb), ("-h, --help", "show this page")]
    wide = min(max(len(name) for name, _ in rows), 24)
    lines = [f"usage: {usage[0]}", *(" " * len("usage: ") + more for more in usage[1:])]
    lines += ["", *textwrap.wrap(summary, width)]
    lines += ["", *_paragraphs(about, width)] if about else []
    lines += ["", strong("Options:", sys.stdout), *_table(rows, wide, width)]
    return [*lines, "", *_with_headings(examples)] if examples else lines


def _parted(text: str) -> tuple[str, str]:
    """Part paragraphs from the sections that follow, which keep their lines."""
    blocks = text.split("\n\n")
    sections = [at for at, block in enumerate(blocks) if _is_section(block)]
    first = sections[0] if sections else len(blocks)
    return "\n\n".join(blocks[:first]), "\n\n".join(blocks[first:])


def _with_headings(sections: str) -> Iterator[str]:
    """Give the lines of sections as they stand, their headings strong."""
    for block in sections.split("\n\n"):
        head, *rest = block.splitlines()
        yield from (strong(head, sys.stdout), *rest, "")


def _is_section(block: str) -> bool:
    head, _, rest = block.partition("\n")
    return head.endswith(":") and head[:1].isupper() and rest.startswith("  ")


def _paragraphs(text: str, width: int) -> Iterator[str]:
    for at, block in enumerate(text.split("\n\n")):
        if at:
            yield ""
        # Two spaces in a row were meant: a table, or lines that belong apart.
        yield from block.splitlines() if "  " in block else _wrapped(block, width)


def _wrapped(block: str, width: int) -> list[str]:
    return textwrap.wrap(" ".join(block.split()), width, break_on_hyphens=False)


def _table(rows: Sequence[tuple[str, str]], wide: int, width: int) -> Iterator[str]:
    """Put names at the left and what they mean at the right, or below."""
    indent = " " * (wide + 4)
    for name, text in rows:
        head = f"  {name:<{wide}}  "
        if len(name) > wide:
            yield f"  {name}"
            head = indent
        room = max(width - len(indent), 20)
        first, *more = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
        yield f"{head}{first}".rstrip()
        yield from (indent + line for line in more)


def _told(verb: argparse.ArgumentParser) -> list[argparse.Action]:
    """Give what may be said, places first; --help goes without saying."""
    said = [action for action in actions(verb) if action.dest != "help"]
    return sorted(said, key=lambda one: (bool(one.option_strings), one.dest == "file"))


def _word(action: argparse.Action) -> str:
    """Write an action as a synopsis does."""
    if not action.option_strings:
        pattern = "[{}]..." if is_rest(action) else _PLACES.get(str(action.nargs), "{}")
        return pattern.format(value_of(action))
    word = f"[{_said(action, action.option_strings[0])}]"
    return f"{word}..." if is_repeatable(action) else word


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return value_of(action)
    return _said(action, ", ".join(action.option_strings))


def _said(action: argparse.Action, flags: str) -> str:
    """Write an option with its value, which it may do without."""
    value = value_of(action)
    if not value:
        return flags
    return f"{flags} [{value}]" if action.nargs == "?" else f"{flags} {value}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _width() -> int:
    return min(max(width_of(sys.stdout), _NARROWEST), WIDEST)
