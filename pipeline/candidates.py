"""What may come next on a command line: for the completion of a shell.

Asked at each press of a key, so everything is read from names: those of files, and
those that stand in pipeline.yaml. It never fails; what cannot be read offers nothing.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import arguments
from pipeline.declared import actions, flag_of, is_repeatable, is_rest
from pipeline.frozen import dataclass
from pipeline.layout import PIPELINE_FILE, LaptopPaths
from pipeline.views import glance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Candidate = tuple[str, str]  # a word, and what it means

# Not a word: the shell should offer files, which it does better.
FILES: Candidate = (":files", "")
_MOST_BYTES = 1_000_000


@dataclass(slots=True)
class _Spot:
    """How far a verb's words were read: what each of the next may be."""

    places: list[argparse.Action]
    options: list[argparse.Action]
    waiting: argparse.Action | None = None  # an option whose value comes next
    folder: str = ""  # said by --file

    def read(self, word: str) -> None:
        """Take one whole word."""
        option, self.waiting = self.waiting, None
        if option is not None and not (option.nargs == "?" and word.startswith("-")):
            self._value(option, word)
        elif self.places and is_rest(self.places[0]):
            self.options = []
        elif word.startswith("-"):
            self._option(word)
        elif self.places and self.places[0].nargs != "*":
            del self.places[0]

    def _option(self, word: str) -> None:
        flag, has_value, value = word.partition("=")
        option = _flagged(self.options, flag)
        if option is None:
            return
        if not is_repeatable(option):
            self.options.remove(option)
        if has_value:
            self._value(option, value)
        elif option.nargs != 0:
            self.waiting = option

    def _value(self, option: argparse.Action, value: str) -> None:
        if option.dest == "file":
            self.folder = value


def candidates(words: Sequence[str], here: Path) -> list[Candidate]:
    """Give what may stand in place of the last of `words`, in a useful order."""
    *before, word = words or [""]
    if not before:
        lines = arguments.declare("").lines
        options = [("--help", "the overview"), ("--version", "which one this is")]
        return _fitting([*lines.items(), *options], word)
    verb = arguments.declare(before[0]).parsers.get(before[0])
    return [] if verb is None else _of_verb(verb, before[1:], word, here)


def _of_verb(
    verb: argparse.ArgumentParser, before: Sequence[str], word: str, here: Path
) -> list[Candidate]:
    said = actions(verb)
    spot = _Spot(
        places=[action for action in said if not action.option_strings],
        options=[action for action in said if action.option_strings],
    )
    for each in before:
        spot.read(each)
    flag, is_value, value = word.partition("=")
    if spot.waiting is not None and not (
        spot.waiting.nargs == "?" and word.startswith("-")
    ):
        return _fitting(_values(spot.waiting, spot, here), word)
    if word.startswith("-") and is_value:
        option = _flagged(spot.options, flag)
        found = [] if option is None else _fitting(_values(option, spot, here), value)
        return [
            pair if pair == FILES else (f"{flag}={pair[0]}", pair[1]) for pair in found
        ]
    if word.startswith("-"):
        return _fitting(list(_flags(spot.options)), word)
    return _fitting(list(_placed(spot, here)), word)


def _placed(spot: _Spot, here: Path) -> Iterator[Candidate]:
    """Give what the next place may hold; one that may be left out lets in the next."""
    for place in spot.places:
        yield from _values(place, spot, here)
        if place.nargs != "?":
            return


def _values(action: argparse.Action, spot: _Spot, here: Path) -> list[Candidate]:
    """Give the values of an option or a place, by what it is called."""
    if action.choices is not None:
        return [(str(choice), "") for choice in action.choices]
    found: list[Candidate] = []
    for kind in str(action.metavar or "").split("|"):
        found += _of_kind(kind, spot, here)
    return found


def _of_kind(kind: str, spot: _Spot, here: Path) -> list[Candidate]:
    if kind in ("PATH", "CMD"):
        return [FILES]
    if kind == "VERB":
        return list(arguments.declare("").lines.items())
    folder = _root(spot.folder, here)
    if folder is None:
        return []
    if kind == "RUN":
        return _runs(folder)
    if kind == "STAGE":
        return [(name, "a stage") for name in _named(folder, "stages")]
    if kind == "DATA":
        return [(name, "a data set") for name in _named(folder, "data")]
    if kind == "BUNDLE":
        from pipeline.bundles.shelf import Shelf

        return [(name, "a bundle") for name in Shelf(folder / "artifacts").names()]
    if kind == "HOST":
        return [(name, "a host") for name in ["local", *_named(folder, "hosts")]]
    return []


def _runs(folder: Path) -> list[Candidate]:
    from pipeline import memory

    with contextlib.suppress(OSError):
        names = memory.run_names(LaptopPaths(folder))
        latest = [("latest", "the run that was started last")] if names else []
        return [*latest, *((name, "a run") for name in reversed(names))]
    return []


def _named(folder: Path, section: str) -> list[str]:
    with contextlib.suppress(OSError), (folder / PIPELINE_FILE).open("rb") as file:
        return glance.names(file.read(_MOST_BYTES).decode("utf-8", "replace"), section)
    return []


def _root(said: str, here: Path) -> Path | None:
    """Find the folder of the pipeline.yaml that is meant."""
    with contextlib.suppress(OSError, RuntimeError):
        if said:
            path = here / Path(said).expanduser()
            return path.parent if path.name == PIPELINE_FILE else path
        folders = (here, *here.parents)
        return next((f for f in folders if (f / PIPELINE_FILE).is_file()), None)
    return None


def _flags(options: Sequence[argparse.Action]) -> Iterator[Candidate]:
    for option in options:
        yield (
            flag_of(option),
            "show the manual" if option.dest == "help" else option.help or "",
        )


def _flagged(options: Sequence[argparse.Action], flag: str) -> argparse.Action | None:
    return next((o for o in options if flag in o.option_strings), None)


def _fitting(found: Sequence[Candidate], word: str) -> list[Candidate]:
    """Give what goes on from `word`, each once."""
    fitting = {name: text for name, text in found if name.startswith(word)}
    return [FILES] if FILES in found else list(fitting.items())
