"""What outlives an attempt: the learner after its last whole epoch.

The file begins with a line that says what it belongs to and the hash of the rest. It
is written beside its place and moved there, so it is whole or it is not there; what is
torn all the same, or belongs to other params, data or code, is passed over.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

FORM = 2  # raised when what a learner holds changes


def key(**what: Any) -> str:
    """Give the digest of all that decides what a checkpoint means."""
    said = json.dumps({"form": FORM, **what}, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def keep(path: Path, belongs: str, state: Mapping[str, Any]) -> None:
    """Replace the file in one step; raise OSError, with the older one as it was."""
    held = io.BytesIO()
    torch.save(dict(state), held)
    body = held.getvalue()
    head = json.dumps({"key": belongs, "sha256": hashlib.sha256(body).hexdigest()})
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("wb") as file:
            file.write(head.encode() + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        size = f"{len(body) / 1e6:.1f} MB"
        message = (
            f"no checkpoint of {size} could be written to {path.parent}: "
            f"{error.strerror}; the one before, if any, is whole: "
            "mend that, and learning goes on from it"
        )
        raise OSError(message) from error


def cleared(folder: Path) -> None:
    """Take away what a killed attempt left half made: names that begin with a dot."""
    for left in folder.glob(".*"):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def kept(path: Path, belongs: str) -> tuple[dict[str, Any] | None, str]:
    """Give what was kept, or None; and in words what became of it."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        return None, "no checkpoint: learning begins"
    try:
        said = json.loads(head)
        whose, digest = said["key"], said["sha256"]
        is_whole = digest == hashlib.sha256(body).hexdigest()
    except (ValueError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        return None, "the checkpoint is torn and is not used: learning begins anew"
    if whose != belongs:
        return None, (
            "the checkpoint belongs to other params, data or code and is not used: "
            "learning begins anew"
        )
    state = torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)
    return state, "the checkpoint is taken up"
