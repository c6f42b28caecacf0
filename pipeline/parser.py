"""A command line that refuses in our words.

argparse reads the words of one verb. What it says of itself, and how it refuses, is
ours: one message with the word that was meant, and the manual instead of a list of
flags. Of all verbs only the one that was said is declared in full: the others would
take as long as all else that a quick verb does.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn, cast

from pipeline import manual
from pipeline.declared import actions
from pipeline.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Parser(argparse.ArgumentParser):
    """The parser of a verb, with its manual for a help and our errors for refusals."""

    def format_help(self) -> str:
        """Give the manual page of this verb."""
        return manual.page(self)

    def error(self, message: str) -> NoReturn:
        """Refuse what was said, with the way to what may be."""
        raise SpecError(f"{self.prog}: {message}", hint=f"see: {self.prog} --help")


class _Unsaid:
    """In place of a verb that was not said: takes all that is declared, keeps none."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *_: object, **__: object) -> _Unsaid:
        return self


class Verbs:
    """All verbs by what they do in a line, and the parsers of those that are asked for.

    Without `said`, all are.
    """

    def __init__(self, said: str | None = None) -> None:
        """Begin with none."""
        self._said = said
        self.lines: dict[str, str] = {}
        self.parsers: dict[str, Parser] = {}

    def add(self, name: str, line: str) -> Parser:
        """Add a verb; what is returned may be told of its options."""
        self.lines[name] = line
        if self._said not in (None, name):
            return cast("Parser", _Unsaid())
        prog = f"pipeline {name}"
        parser = Parser(prog=prog, description=line, allow_abbrev=False)
        self.parsers[name] = parser
        return parser


def read(verbs: Verbs, words: Sequence[str]) -> argparse.Namespace:
    """Read a command line, or raise SpecError with the near word."""
    said, *rest = words
    if said not in verbs.lines:
        raise no_verb(said, verbs)
    parser = verbs.parsers[said]
    args, unknown = parser.parse_known_args(rest)
    if unknown:
        raise _unknown(parser, unknown[0])
    args.verb = said
    return args


def no_verb(word: str, verbs: Verbs) -> SpecError:
    """Refuse a verb there is not."""
    if word.startswith("-"):
        hint = _near(word, ["--help", "--version"]) or "see: pipeline --help"
        return SpecError(f"pipeline: no option is called {word!r}", hint=hint)
    hint = _near(word, verbs.lines) or "see them all with: pipeline --help"
    return SpecError(f"no verb is called {word!r}", hint=hint)


def _unknown(parser: argparse.ArgumentParser, word: str) -> SpecError:
    prog = parser.prog
    if not word.startswith("-"):
        message = f"{prog}: {word!r} is one word too many"
        return SpecError(message, hint=f"see: {prog} --help")
    name = word.partition("=")[0]
    options = [flag for one in actions(parser) for flag in one.option_strings]
    hint = _near(name, options) or f"see: {prog} --help"
    return SpecError(f"{prog}: no option is called {name!r}", hint=hint)


def _near(word: str, known: Iterable[str]) -> str:
    """Ask for the known word that was begun, or that is close; or say nothing."""
    import difflib  # only who mistypes needs it

    known = list(known)
    found = [name for name in known if name.startswith(word)]
    if len(found) != 1:
        found = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {found[0]!r}?" if found else ""
