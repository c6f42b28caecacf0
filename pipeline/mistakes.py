"""All that is wrong with a text, collected and said at once.

A mistake knows its place, so that an editor can jump to it; its hint, on the next line,
says only what was computed.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_SHOWN = 100
_LONGEST_NAME = 200
_LONGEST_SENTENCE = 2000


class Mark(NamedTuple):
    """A place in the file, counted from 1; or, with an `origin`, outside of it."""

    line: int
    column: int
    origin: str = ""


NOWHERE = Mark(0, 0)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One sentence about one place."""

    mark: Mark
    sentence: str
    hint: str = ""

    def text(self, name: str) -> str:
        """Write it as `file:line:column: sentence`, its hint indented below."""
        line, column, origin = self.mark
        place = origin or f"{name}:{line}:{column}"
        # Nobody reads more, but a whole file may have been taken for one word.
        sentence = self.sentence[:_LONGEST_SENTENCE]
        return str(SpecError(f"{place}: {sentence}", hint=self.hint))


class Mistakes:
    """The mistakes found so far in the file called `name`."""

    def __init__(self, name: str) -> None:
        """Begin with none."""
        self._name = name
        # An alias shows one piece of text in many places: its mistakes count once.
        self._found: dict[Mistake, None] = {}

    def add(self, mark: Mark, sentence: str, hint: str = "") -> None:
        """Remember one, and go on reading."""
        self._found[Mistake(mark, sentence, hint)] = None

    def near(self, name: str, known: Mapping[str, Mark]) -> str:
        """Ask for the known name that is closest, and its line; or say nothing.

        Comparing takes time, and stops where nobody would see what comes of it.
        """
        if len(name) > _LONGEST_NAME or len(self._found) >= _MOST_SHOWN:
            return ""
        found = difflib.get_close_matches(name, known, n=1)
        return meant(found[0], known[found[0]]) if found else ""

    def error(self) -> SpecError:
        """Give all of them as one error, in the order of the file."""
        ordered = sorted(self._found, key=lambda m: (m.mark.origin != "", m.mark[:2]))
        lines = [mistake.text(self._name) for mistake in ordered[:_MOST_SHOWN]]
        more = len(ordered) - len(lines)
        return SpecError("\n".join([*lines, *([f"and {more} more"] if more else [])]))

    def settle(self) -> None:
        """Raise SpecError if there are any."""
        if self._found:
            raise self.error()


def meant(name: str, mark: Mark = NOWHERE) -> str:
    """Ask for `name`, which stands at `mark`."""
    line = f" (line {mark.line})" if mark.line else ""
    return f"did you mean {name!r}{line}?"
