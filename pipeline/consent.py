"""What a person said yes to before anybody asked: host keys that they compared."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pipeline.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable

# In the environment, for scripts and for verbs that have no option for it.
_ACCEPTED = "PIPELINE_ACCEPT_HOST_KEY"
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def accept(fingerprints: Iterable[str]) -> None:
    """Take fingerprints of host keys for compared, for as long as this process."""
    if given := list(fingerprints):
        os.environ[_ACCEPTED] = " ".join([*accepted(), *map(_checked, given)])


def accepted() -> list[str]:
    """Give the fingerprints that were compared already; refuse what is none."""
    return [_checked(word) for word in os.environ.get(_ACCEPTED, "").split()]


def _checked(word: str) -> str:
    if _FINGERPRINT.fullmatch(word):
        return word
    message = f"{word!r} is no fingerprint of a host key"
    hint = "it is SHA256: and 43 signs, as `ssh-keygen -lf` shows it"
    raise SpecError(message, hint=hint)
