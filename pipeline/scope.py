"""Which files of a snapshot count as the code of a stage.

    imports   of a module stage: what it imports from the repository, and `code:`
    named     of a shell stage with `code:`: what that names
    all       of any other shell stage: the snapshot less documents and results

Links count with what they lead to inside the snapshot (see `aliases`). What is left out
of `all` counts all the same where the command names it.
"""

from __future__ import annotations

import glob
import hashlib
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline.git import tree_entries
from pipeline.layout import PIPELINE_FILE, base_of
from pipeline.schema import Code

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.git import Git
    from pipeline.schema import Stage

# path -> mode and name of the object, as a tree says it: an x-bit counts too.
Listing = dict[str, str]

OURS = ("results", "artifacts", ".pipeline")  # lie beside pipeline.yaml, never travel
_FOR_PEOPLE = (
    "readme|license|licence|changelog|changes|contributing|authors|notice|citation"
    "|code_of_conduct|security"
)
# A prompt may be a .md too, and a corpus may lie in a folder called docs: only what
# stands where such files stand for people, or has their names, is left out.
_ANYWHERE = re.compile(
    rf"(.*/)?({_FOR_PEOPLE})\.(md|rst|adoc)"
    r"|(.*/)?\.(gitignore|gitattributes|editorconfig|mailmap|gitkeep"
    r"|pre-commit-config\.yaml)",
    re.IGNORECASE | re.DOTALL,
)
_AT_THE_TOP = re.compile(
    r"(docs?|\.github|\.idea|\.vscode)/.*"
    rf"|(?i:{_FOR_PEOPLE})(\.txt|\.cff)?"
    r"|[A-Z0-9_-]+\.(md|rst|adoc)",
    re.DOTALL,
)


def whole(listing: Listing, *, prefix: str, spoken: frozenset[str]) -> Code:
    """Take all of the snapshot less documents and results; `spoken` counts anyway."""
    files = all_files(listing, prefix=prefix, spoken=spoken)
    return Code(rule="all", digest=digest_of(files))


def all_files(listing: Listing, *, prefix: str, spoken: frozenset[str]) -> Listing:
    """Give the files behind the rule `all`."""
    out = frozenset(documents(listing, prefix=prefix)) - spoken
    return {path: name for path, name in listing.items() if path not in out}


def documents(listing: Listing, *, prefix: str) -> tuple[str, ...]:
    """Give the files that no code is taken to be: documents, and old results.

    pipeline.yaml is one: what it says of a stage is in the fingerprint by itself.
    """
    base = base_of(prefix)
    declared = f"{base}{PIPELINE_FILE}"
    return tuple(
        path
        for path in listing
        if path == declared
        or is_ours(path, prefix=prefix)
        or _ANYWHERE.fullmatch(path)
        or _AT_THE_TOP.fullmatch(path)
        or (path.startswith(base) and _AT_THE_TOP.fullmatch(path[len(base) :]))
    )


def is_ours(path: str, *, prefix: str) -> bool:
    """Tell whether a path lies where the files of runs come home."""
    base = base_of(prefix)
    return path.startswith(tuple(f"{base}{name}/" for name in OURS))


def spoken_of(ways: Mapping[str, Iterable[str]], command: str) -> frozenset[str]:
    """Give the documents that a command names, or whose folder it names."""
    found = (path for way, paths in ways.items() if way in command for path in paths)
    return frozenset(found)


def ways_to(documents: Iterable[str], *, prefix: str) -> dict[str, list[str]]:
    """Give by what words each document may be named: its path, a folder of it."""
    base = base_of(prefix)
    found: dict[str, list[str]] = {}
    for path in documents:
        way = path.removeprefix(base)
        while way:
            found.setdefault(way, []).append(path)
            way = way.rpartition("/")[0]
    return found


def named(listing: Listing, patterns: Iterable[str], *, prefix: str) -> Listing:
    """Give the files that `code:` names: a file, a folder, or a pattern."""
    base = base_of(prefix)
    found: Listing = {}
    for pattern in patterns:
        wanted = f"{base}{pattern.rstrip('/')}"
        if pattern.rstrip("/") == ".":
            wanted = base.rstrip("/")
        matching = f"{glob.escape(base)}{pattern.rstrip('/')}"
        if wanted in listing:
            found[wanted] = listing[wanted]
            continue
        below = f"{wanted}/" if wanted else ""
        found |= {
            path: name
            for path, name in listing.items()
            if path.startswith(below) or fnmatchcase(path, matching)
        }
    return found


def of_files(files: Listing, *, rule: str, needs: tuple[str, ...] = ()) -> Code:
    """Make the code that consists of just these files."""
    kind = "imports" if rule == "imports" else "named"
    return Code(
        rule=kind,  # type: ignore[arg-type]  # one of two words
        digest=digest_of(files),
        files=dict(sorted(files.items())),
        needs=needs,
    )


def digest_of(files: Mapping[str, str]) -> str:
    """Name a set of files by their paths, modes and contents."""
    lines = (f"{name} {path}\0" for path, name in sorted(files.items()))
    data = "".join(lines).encode("utf-8", "surrogateescape")
    return hashlib.sha256(data).hexdigest()


def files_of(stage: Stage, listing: Listing, *, prefix: str) -> Listing:
    """Give the files behind the code of a shell stage, to be compared one by one."""
    if stage.code:
        return named(listing, stage.code, prefix=prefix)
    found = documents(listing, prefix=prefix)
    spoken = spoken_of(ways_to(found, prefix=prefix), stage.sh)
    return all_files(listing, prefix=prefix, spoken=spoken)


def listing_of(repository: Git, commit: str) -> Listing:
    """Give the files of a snapshot."""
    listing = repository.out("ls-tree", "-r", "-z", commit)
    return {path: f"{one.mode}:{one.name}" for path, one in tree_entries(listing)}
