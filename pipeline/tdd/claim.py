"""What is to be proved: these tests test that code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import SpecError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WHOLE = "."  # all that git knows of the folder
COMPILED = (".so", ".pyd", ".dylib")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The tests, and the code that they claim to test, as paths below `root`.

    tests: files, folders, and node ids of pytest. target: files and folders; none where
    nothing is to be emptied. also: what else the tests need beside them.
    """

    root: Path
    tests: tuple[str, ...]
    target: tuple[str, ...] = ()
    also: tuple[str, ...] = (WHOLE,)
    marks: str = ""
    limit_s: float = 60.0
    sources: tuple[str, ...] = field(default=())  # the files of the target

    @property
    def test_paths(self) -> tuple[str, ...]:
        """The files and folders that the tests lie in."""
        return tuple(dict.fromkeys(path_of(test) for test in self.tests))


def claimed(
    root: Path,
    tests: Sequence[str],
    target: Sequence[str] = (),
    *,
    also: Sequence[str] = (WHOLE,),
    marks: str = "",
    limit_s: float = 60.0,
) -> Claim:
    """Make a claim of what a user wrote; refuse what cannot be meant."""
    if not tests:
        message = "no tests are named"
        raise SpecError(message, hint="tests: [tests/test_it.py], from pipeline.yaml")
    if limit_s <= 0:
        message = f"the time limit of a test should be more than 0, found {limit_s}"
        raise SpecError(message)
    named = tuple(_plain(root, one, "tests") for one in tests)
    code = tuple(_plain(root, one, "target") for one in target)
    kept = tuple(_plain(root, one, "also") for one in also)
    for one in code:
        _check_apart(one, named)
    return Claim(
        root=root,
        tests=named,
        target=code,
        also=kept,
        marks=marks,
        limit_s=limit_s,
        sources=tuple(sorted(set(_sources(root, code)))),
    )


def of_profile(
    said: Sequence[str] | Mapping[str, Sequence[str]], profile: str, what: str
) -> tuple[str, ...]:
    """Give a list, or the one that is there for a profile."""
    if not isinstance(said, Mapping):
        return tuple(said)
    if profile not in said:
        message = f"{what} has no list for profile {profile!r}"
        raise SpecError(message, hint=f"it has: {', '.join(sorted(said)) or 'none'}")
    return tuple(said[profile])


def path_of(test: str) -> str:
    """Give the file or folder of a node id."""
    return test.partition("::")[0]


def below(root: Path, folder: str) -> Iterable[str]:
    """Give the files at or below a path, but for caches and hidden folders."""
    place = root / folder
    if not place.is_dir():
        yield folder
        return
    for path, folders, names in os.walk(place):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__pyc")))
        for name in sorted(names):
            yield Path(path, name).relative_to(root).as_posix()


def _plain(root: Path, said: str, what: str) -> str:
    """Give a path in its plain form; it is there, and inside the repository."""
    path, colons, name = said.partition("::")
    plain = os.path.normpath(path or WHOLE)
    if PurePosixPath(plain).is_absolute() or plain.startswith(".."):
        message = f"{what} {said!r} lies outside of the repository"
        raise SpecError(message, hint="a copy of it is made, in which the tests run")
    if not (root / plain).exists():
        message = f"{what} {said!r} is not there"
        raise SpecError(message, hint=_hint(root, plain))
    inside = (root / plain).resolve()
    if not inside.is_relative_to(root.resolve()):
        message = f"{what} {said!r} leads outside of the repository, to {inside}"
        raise SpecError(message, hint="a copy of it is made, in which the tests run")
    return plain + colons + name


def _hint(root: Path, path: str) -> str:
    """Guess that a module was meant."""
    for guess in (path.replace(".", "/"), path.replace(".", "/") + ".py"):
        if "." in path and (root / guess).exists():
            return f"name it by its path: {guess}"
    return "paths begin where pipeline.yaml lies"


def _check_apart(target: str, tests: Sequence[str]) -> None:
    """Refuse a target that is a test: emptied, it would prove nothing."""
    for test in map(path_of, tests):
        if target == test or target.startswith(f"{test}/"):
            message = f"target {target!r} is one of the tests"
            raise SpecError(message, hint="name the code that they test")


def _sources(root: Path, target: Sequence[str]) -> Iterable[str]:
    """Give the Python files of the target."""
    for one in target:
        found = [path for path in below(root, one) if path.endswith(".py")]
        if not found:
            compiled = one.endswith(COMPILED) or any(
                path.endswith(COMPILED) for path in below(root, one)
            )
            what = "compiled code" if compiled else "no Python"
            message = f"target {one!r} holds {what}, which cannot be emptied"
            raise SpecError(message, hint="name the .py files that the tests test")
        yield from found
