"""Pack what a box needs into one file: runner.pyz, named by its hash.

Only stdlib inside, so a box needs python and git and nothing else. The same sources
have the same name. Compiled code lies beside them: a Python of the same version
starts at once, any other passes it over. Its bytes may differ from build to build, as
`marshal` writes them; what they do does not.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import marshal
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import CodeType

TRAVELS = (
    *("__init__", "errors", "files", "layout", "clock", "codec", "gate", "schema"),
    *(
        "git",
        "artifact",
        "store",
        "room",
        "events",
        "pulse",
        "template",
        "wire",
        "objects",
    ),
    *(
        "graph",
        "fingerprint",
        "supervise",
        "progress",
        "stage",
        "fence",
        "bars",
        "blot",
        "logs",
    ),
    *("tally", "frozen", "deaths", "ending"),
    *(
        "ledger",
        "child",
        "keeper",
        "follow",
        "carry",
        "draft",
        "collecting",
        "story",
        "heart",
    ),
    *("notify", "resources", "workshop", "orders", "listener", "performance", "walk"),
    *(
        "environments",
        "environments.environment",
        "environments.preflight",
        "environments.recipe",
        "environments.building",
        "environments.conda",
    ),
    *(
        "environments.packages",
        "environments.distributions",
        "environments.sources",
        "foreground",
        "debugging",
        "detach",
        "noting",
    ),
    *("scope", "changes", "decision", "reads", "datasets", "blobs", "archive"),
    *(
        "plan",
        "past",
        "inventory",
        "planning",
        "sealing",
        "seal",
        "readiness",
        "restoring",
        "launch",
        "eventlog",
    ),
    *(
        "runner",
        "begin",
        "recount",
        "verify",
        "keeping",
        "census",
        "leavings",
        "clearing",
        "box",
    ),
)
_MAIN = """\
import sys

if sys.version_info < (3, 10):
    version = ".".join(map(str, sys.version_info[:3]))
    print('{"error":"python on this box is ' + version + ', 3.10 or newer is needed",'
          '"hint":"name another one: hosts.NAME.python"}')
    sys.exit(6)
from pipeline.box import main

sys.exit(main())
"""
_UNCHECKED = (1).to_bytes(4, "little")  # a .pyc that is taken as it is
_EPOCH = (1980, 1, 1, 0, 0, 0)


def sources() -> dict[str, bytes]:
    """Give the modules that travel, by their path in the archive."""
    here = Path(__file__).parent
    found = {}
    for name in TRAVELS:
        path = f"{name.replace('.', '/')}.py"
        if not (here / path).exists():  # a folder of them
            path = f"{name}/__init__.py"
        found[f"pipeline/{path}"] = (here / path).read_bytes()
    return found


def name_of(texts: dict[str, bytes]) -> str:
    """Name the archive by all that goes into it."""
    digest = hashlib.sha256(importlib.util.MAGIC_NUMBER + _MAIN.encode())
    for name, text in texts.items():
        digest.update(name.encode() + b"\0" + hashlib.sha256(text).digest())
    return digest.hexdigest()[:16] + ".pyz"


def build(texts: dict[str, bytes]) -> bytes:
    """Make the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        for name, text in texts.items():
            _add(archive, name, text)
            code = compile(text, name, "exec", dont_inherit=True, optimize=0)
            _add(archive, name + "c", _pyc(code, text))
    return buffer.getvalue()


def _pyc(code: CodeType, text: bytes) -> bytes:
    head = importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(text)
    return head + marshal.dumps(code)


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
