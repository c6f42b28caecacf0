"""Where the values of secrets come from: this machine's environment, or a person.

A value that was found is taken out of our own environment: what we start from then on,
be it ssh or a runner of this machine, inherits nothing of it.
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from pipeline.errors import HostError, SpecError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_SHORTEST = 8
_LONGEST = 32_000  # bytes; every log is searched for it


def values_of(names: Sequence[str], *, ours: Collection[str]) -> dict[str, str]:
    """Give the value of each secret; where it is missing, ask on the terminal for it.

    ours: names that were said on this machine. A box may ask for others, but what is in
    our environment is none of its business: those are for a person to type, or not.
    Raise SpecError where nobody can be asked, or a value cannot be kept secret.
    """
    if strange := [name for name in names if not _NAME.fullmatch(name)]:
        raise HostError(f"the box asks for {strange[0][:40]!r}, which is no secret")
    own = [name for name in names if name in ours]
    found = {name: value for name in own if (value := os.environ.pop(name, ""))}
    if missing := [name for name in names if name not in found]:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise _nobody_to_ask(missing, ours)
        found |= {name: _asked(name) for name in missing}
    for name, value in found.items():
        _check(name, value)
    return found


def _nobody_to_ask(missing: Sequence[str], ours: Collection[str]) -> SpecError:
    if foreign := [name for name in missing if name not in ours]:
        message = f"the box asks for secret {foreign[0]!r}; nothing was started"
        hint = "neither pipeline.yaml nor this run names it: try again on a terminal"
        return SpecError(message, hint=hint)
    which = ", ".join(repr(name) for name in missing)
    many = "secrets" if len(missing) > 1 else "secret"
    verb = "are" if len(missing) > 1 else "is"
    message = f"{many} {which} {verb} not set on this machine; nothing was started"
    what = "set them and try again:" if len(missing) > 1 else "set it and try again:"
    lines = [f"export {name}=..." for name in missing]
    return SpecError(message, hint="\n".join([what, *lines]))


def _asked(name: str) -> str:
    import getpass

    try:
        return getpass.getpass(f"{name} (a secret; it is not shown): ")
    except EOFError as error:
        message = f"secret {name!r} was not given; nothing was started"
        raise SpecError(message) from error


def _check(name: str, value: str) -> None:
    size = len("".join(value.split()))
    if size < _SHORTEST:
        message = f"secret {name!r} has {size} letters; {_SHORTEST} are the least"
        hint = "a shorter one would be taken for a word, and blot every log"
        raise SpecError(message, hint=hint)
    if (size := len(os.fsencode(value))) > _LONGEST:
        message = f"secret {name!r} has {size} bytes; {_LONGEST} are the most"
        raise SpecError(message, hint="what is as long as that belongs in a data set")
