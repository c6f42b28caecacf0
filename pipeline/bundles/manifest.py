"""The manifest of a bundle: every file of it, and what is claimed of each target.

It is signed by nobody; it holds its own digest, so that damage to it shows as well.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Literal

from pipeline import codec
from pipeline.artifact import Artifact
from pipeline.bundles.contents import MANIFEST
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass

FORMAT = 1
_MOST_BYTES = 4_000_000
# ran: here, with numbers. converted: the tool made it, nothing ran it. compiled:
# likewise, by a vendor's compiler. pending: it is not there, and it is said why.
State = Literal["ran", "converted", "compiled", "pending"]
TARGETS = ("onnx", "coreml", "hailo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is claimed of one target, and the reason or the circumstances."""

    state: State
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What a vendor's tools refuse of a graph: where it is cut, and before what.

    cut: the value that the first refused operator takes. count: how many are refused.
    """

    name: str
    op: str
    cut: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """How far what ran is from the network in torch, over some windows.

    codes: how many there were. logits, host_logits: the largest difference
    undecided: windows left out, in which a code hangs on the last digit
    """

    windows: int
    codes: int
    codes_differing: int
    logits: float
    host_codes_differing: int
    host_logits: float
    undecided: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle is. shape: of the one input, and of all windows."""

    hash: str
    files: Mapping[str, Artifact]
    shape: tuple[int, ...]
    labels: tuple[str, ...]
    quantiser: str
    codes: int
    targets: Mapping[str, Claim]
    refused: Refused | None
    parity: Parity
    tools: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT
    digest: str = ""

    def signed(self) -> Manifest:
        """Give it with the digest of all the rest."""
        rest = replace(self, digest="")
        return replace(rest, digest=hashlib.sha256(rest.text().encode()).hexdigest())

    def text(self) -> str:
        """Write it so that the same manifest always gives the same bytes."""
        plain = codec.encode(self)
        return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read(folder: Path) -> Manifest:
    """Read the manifest of a bundle; raise IntegrityError where it is not whole."""
    path = folder / MANIFEST
    if path.is_symlink() or not path.is_file():
        message = f"{folder} holds no bundle: it has no {MANIFEST}"
        raise IntegrityError(message)
    if path.stat().st_size > _MOST_BYTES:
        message = f"{path} is larger than a manifest can be"
        raise IntegrityError(message)
    text = path.read_bytes()
    found = _format_of(text, path)
    if found > FORMAT:
        message = f"{path} has format {found}, and this version knows {FORMAT}"
        raise IntegrityError(message, hint="read it with the version that made it")
    manifest = codec.loads(Manifest, text, what=str(path))
    if text != manifest.text().encode() or manifest != manifest.signed():
        message = f"{path} is damaged: its digest is another one"
        raise IntegrityError(
            message, hint="make the bundle again: pipeline pack create"
        )
    return manifest


def _format_of(text: bytes, path: Path) -> int:
    """Look at the format alone: a later one may have other fields."""
    try:
        found = json.loads(text)["format"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        message = f"{path} is no manifest of a bundle"
        raise IntegrityError(message) from error
    return found if isinstance(found, int) else 0
