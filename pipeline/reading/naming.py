"""Which names and paths may be written: what may become a part of a path, or a param.

Each question is answered by what is wrong, in words; nothing where nothing is.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from pipeline import layout
from pipeline.reading.mistakes import meant

PARAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Nearly every path there is; what does not look like this is looked at closely.
_PLAIN_PATH = re.compile(r"[\w*-][\w.*-]*(?:/[\w*-][\w.*-]*)*/?", re.ASCII)
_LONGEST_NAME = 64  # a file system takes 255, and an attempt adds its number


def name_flaw(name: str) -> str:
    """Say what keeps `name` from being a part of a path."""
    if not layout.is_safe_name(name):
        return "may hold only letters, digits, '_', '-' and single dots"
    return f"is longer than {_LONGEST_NAME}" if len(name) > _LONGEST_NAME else ""


def name_hint(name: str) -> str:
    """Ask for a name like `name` that may be one."""
    spelled = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_")
    return meant(spelled) if spelled and not name_flaw(spelled) else ""


def path_flaw(text: str) -> str:
    """Say how a path would leave where it begins."""
    if _PLAIN_PATH.fullmatch(text):
        return ""
    path = PurePosixPath(text)
    if path.is_absolute() or text.startswith("~"):
        return "is absolute"
    if ".." in path.parts:
        return "holds '..'"
    if not path.parts:
        return "names nothing"
    if ".git" in path.parts:
        return "reaches into '.git'"
    if not text.isprintable():
        return "holds a character that cannot be seen"
    return "" if text.rstrip("/") == str(path) else "is not in its plain form"


def path_hint(text: str) -> str:
    """Ask for the plain form of a path that is not in it."""
    plain = str(PurePosixPath(text)) + ("/" if text.endswith("/") else "")
    return meant(plain) if plain != text and not path_flaw(plain) else ""
