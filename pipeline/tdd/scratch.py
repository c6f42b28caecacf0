"""A copy of the worktree, in which tests may leave what they like.

It holds what the claim names, and what pytest reads its settings from. The code of the
target may be taken out of it.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from pipeline.errors import SpecError
from pipeline.git import Git, refusal, zsplit
from pipeline.tdd import emptying
from pipeline.tdd.claim import WHOLE, below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from pipeline.tdd.claim import Claim

_SETTINGS = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)
_OURS = ("results", "artifacts")  # runs come home there


def copy(claim: Claim, place: Path) -> None:
    """Copy what the tests need to `place`, which is new."""
    place.mkdir(parents=True)
    for path in sorted(set(_needed(claim))):
        _copy(claim.root / path, place / path)


def empty(claim: Claim, place: Path, *, but: Iterable[str]) -> int:
    """Empty the target in the copy at `place`; give how many functions were.

    Refuse, by name, what is no Python. but: files that stay, being tests.
    """
    total = 0
    kept = set(but)
    for path in claim.sources:
        if path in kept or path.endswith("conftest.py"):
            continue
        made = _emptied(claim.root / path, path)
        (place / path).write_bytes(made.source)
        total += made.functions
    return total


def check(claim: Claim) -> None:
    """Refuse a target that cannot be emptied, or that has nothing to empty."""
    found = sum(_emptied(claim.root / one, one).functions for one in claim.sources)
    if claim.target and not found:
        message = f"target {', '.join(claim.target)} has no function to empty"
        hint = "constants need no proof: name the code that the tests test"
        raise SpecError(message, hint=hint)


def _emptied(path: Path, name: str) -> emptying.Emptied:
    try:
        return emptying.emptied(path.read_bytes())
    except SyntaxError as error:
        message = f"{name}:{error.lineno or 1}: is not Python: {error.msg}"
    except (ValueError, LookupError) as error:
        message = f"{name}: is no text that Python reads: {error}"
    except (RecursionError, MemoryError):
        message = f"{name}: is nested too deep"
    raise SpecError(message, hint="mend it, or leave it out of the target")


def _needed(claim: Claim) -> Iterator[str]:
    yield from (name for name in _SETTINGS if (claim.root / name).is_file())
    for one in (*claim.test_paths, *claim.target, *claim.also):
        if one == WHOLE:
            yield from _known_to_git(claim.root)
        else:
            yield from below(claim.root, one)


def _known_to_git(root: Path) -> list[str]:
    """Give the files that are tracked, or new and not ignored."""
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    said = Git(root, is_git_dir=False, is_ours=False).ask(*words)
    if said.code:
        raise refusal(words, said)
    known = (p for p in zsplit(said.out) if p.partition("/")[0] not in _OURS)
    return [path for path in known if os.path.lexists(root / path)]


def _copy(source: Path, target: Path) -> None:
    """Copy a file or a link; a folder is a repository of its own, and stays out."""
    if source.is_dir() and not source.is_symlink():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_file():
        shutil.copy(source, target)
