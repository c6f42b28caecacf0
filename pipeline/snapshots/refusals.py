"""What may not travel, said before anything is read.

A name is refused as a secret when it is

    .env, .envrc, .env.* .env-* .env_*        settings of an environment
    *.pem, *.key                              keys and certificates
    id_rsa, id_ed25519, ... with any ending   keys of SSH, by their usual names
    id_* without an ending                    keys of SSH, by other names
    credentials, credentials.* -* _*          as clouds call theirs

whether git knows the file or not; letters may be large or small. Public halves (*.pub),
links, and patterns to be filled in (a part of the name is example, sample, template or
dist: .env.example) are no secrets. `id_map.py` and `id_list.csv` are none either. Only
the files of the snapshot are looked at: what old commits hold is not searched.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline import pulse
from pipeline.errors import SpecError
from pipeline.snapshots.disk import FILE, PROGRAM
from pipeline.snapshots.worktree import NAMED, named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.schema import ShipRules
    from pipeline.snapshots.worktree import Survey

SECRET = re.compile(
    r"\.env(rc|[._-].*)?"
    r"|.*\.(pem|key)"
    r"|id_(rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk|xmss)([._-].*)?"
    r"|id_[^.]*"
    r"|\.?credentials([._-].*)?",
    re.IGNORECASE | re.DOTALL,
)
HARMLESS = re.compile(
    r".*\.pub|(.*[._-])?(example|sample|template|dist)([._-].*)?",
    re.IGNORECASE | re.DOTALL,
)


def check(survey: Survey, rules: ShipRules, *, prefix: str) -> None:
    """Refuse what a snapshot cannot or may not hold, all at once.

    prefix: where pipeline.yaml lies in the repository; `allow` may be said from there.
    """
    found = [
        *_whole(survey),
        *_readable(survey),
        *_secrets(survey, rules, prefix),
        *_size(survey, rules),
    ]
    if len(found) == 1:
        raise found[0]
    if found:
        raise SpecError("\n".join(str(one) for one in found))


def looks_like_secret(path: str) -> bool:
    """Tell by the last part of a path whether it names a secret."""
    name = path.rpartition("/")[2]
    return bool(SECRET.fullmatch(name)) and not HARMLESS.fullmatch(name)


def is_allowed(path: str, rules: ShipRules, *, prefix: str) -> bool:
    """Tell whether `allow` lists a file: by its name, or its path from either root."""
    names = {path, path.rpartition("/")[2], path.removeprefix(f"{prefix}/")}
    return any(fnmatchcase(name, p) for p in rules.allow for name in names)


def _whole(survey: Survey) -> Iterator[SpecError]:
    for path in sorted(survey.nested):
        message = f"{path!r} is a git repository of its own, and would not travel"
        yield SpecError(message, hint="add it to .gitignore, or make it a submodule")
    for path, what in sorted(survey.dirty.items()):
        message = f"submodule {path!r} holds what would not travel: {what}"
        hint = "commit there, then note that commit here with git add; or undo it"
        yield SpecError(message, hint=hint)


def _readable(survey: Survey) -> Iterator[SpecError]:
    if survey.special:
        message = f"neither a file nor a link: {named(survey.special)}"
        yield SpecError(message, hint="git cannot keep it; move it away")
    if survey.closed:
        message = f"permission to read is denied: {named(survey.closed)}"
        yield SpecError(message, hint="chmod u+r, or add it to .gitignore")


def _secrets(survey: Survey, rules: ShipRules, prefix: str) -> Iterator[SpecError]:
    found = [
        path
        for path, mode in survey.modes.items()
        if mode in {FILE, PROGRAM}
        and looks_like_secret(path)
        and not is_allowed(path, rules, prefix=prefix)
    ]
    new = [path for path in found if path in survey.untracked]
    known = [path for path in found if path not in survey.untracked]
    if new:
        message = f"looks like a secret, and is not shipped: {named(new)}"
        yield SpecError(message, hint="add it to .gitignore, or list it in ship.allow")
    if known:
        message = f"looks like a secret, and git tracks it: {named(known)}"
        yield SpecError(message, hint="list it in ship.allow, or: git rm --cached")


def _size(survey: Survey, rules: ShipRules) -> Iterator[SpecError]:
    total = sum(change.size for change in survey.changes)
    if total <= rules.max_size:
        return
    largest = sorted(survey.changes, key=lambda c: (-c.size, c.path))[:NAMED]
    message = (
        f"{pulse.size(total)} are new since the last commit, and ship.max_size is "
        f"{pulse.size(rules.max_size)}"
    )
    lines = [f"{pulse.size(c.size):>9}  {c.path!r}" for c in largest if c.size]
    lines += ["add to .gitignore, use `data:`, or raise ship.max_size"]
    yield SpecError(message, hint="\n".join(lines))
