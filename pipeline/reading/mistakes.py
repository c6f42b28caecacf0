"""All that is wrong with a text, collected and said at once.

A mistake knows its place, so that an editor can jump to it; its hint, on the next line,
says only what was computed.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from pipeline.errors import SpecError
from pipeline.frozen import dataclass
from pipeline.reading import snippet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MOST_SHOWN = 100
_MOST_NAMED = 20
_LONGEST_NAME = 200
_LONGEST_SENTENCE = 2000
_MOST_COMPARISONS = 20_000  # a second, where all names are much alike


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

    def text(self, name: str, lines: Sequence[str] = ()) -> str:
        """Write `file:line:column: sentence`, and below it the line and the hint."""
        number, column, origin = self.mark
        place = origin or f"{name}:{number}:{column}"
        # Nobody reads more, but a whole file may have been taken for one word.
        sentence = self.sentence[:_LONGEST_SENTENCE]
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        below = [*snippet.shown(line, number, column), *self.hint.splitlines()]
        return "\n  ".join([f"{place}: {sentence}", *below])


class Mistaken(SpecError):
    """All mistakes of a text, as one error."""

    def __init__(self, message: str, *, mistakes: tuple[Mistake, ...]) -> None:
        """Say all, and keep each for who shows them in another way."""
        super().__init__(message)
        self.mistakes = mistakes


class Mistakes:
    """The mistakes found so far in the file called `name`."""

    def __init__(self, name: str) -> None:
        """Begin with none."""
        self._name = name
        self._text = ""
        self._comparisons = _MOST_COMPARISONS
        # An alias shows one piece of text in many places: its mistakes count once.
        self._found: dict[Mistake, None] = {}

    def quote(self, text: str) -> None:
        """Take the file's text, so that each mistake can show its line."""
        self._text = text

    def add(self, mark: Mark, sentence: str, hint: str = "") -> None:
        """Remember one, and go on reading."""
        self._found[Mistake(mark, sentence, hint)] = None

    @property
    def may_compare(self) -> bool:
        """Tell whether near names are still looked for."""
        return self._comparisons > 0

    def near(self, name: str, known: Mapping[str, Mark], *, below: str = "") -> str:
        """Ask for the known name that is closest, and its line; or say nothing.

        All of them may lie `below` a name that is right.
        Comparing takes time, and stops where there were many names and mistakes.
        """
        if len(name) > _LONGEST_NAME or not self.may_compare:
            return ""
        self._comparisons -= len(known)
        found = difflib.get_close_matches(name, known, n=1)
        return meant(below + found[0], known[found[0]]) if found else ""

    @property
    def found(self) -> tuple[Mistake, ...]:
        """All of them: those of the file in its order, then those of `--set`."""
        ordered = sorted(self._found, key=lambda m: (m.mark.origin != "", m.mark[:2]))
        return tuple(ordered)

    def error(self) -> SpecError:
        """Give all of them as one error."""
        found, lines = self.found, snippet.lines(self._text)
        texts = [one.text(self._name, lines) for one in found[:_MOST_SHOWN]]
        more = len(found) - len(texts)
        told = "\n".join([*texts, *([f"and {more} more"] if more else [])])
        return Mistaken(told, mistakes=found)

    def settle(self) -> None:
        """Raise SpecError if there are any."""
        if self._found:
            raise self.error()


def no_stage(name: str, known: Sequence[str]) -> SpecError:
    """Refuse the name of a stage there is not."""
    near = difflib.get_close_matches(name, known, n=1)
    hint = meant(near[0]) if near else f"there are: {', '.join(known[:_MOST_NAMED])}"
    return SpecError(f"no stage is called {name!r}", hint=hint)


def meant(name: str, mark: Mark = NOWHERE) -> str:
    """Ask for `name`, which stands at `mark`."""
    line = f" (line {mark.line})" if mark.line else ""
    return f"did you mean {name!r}{line}?"
