"""The hash of all that determines a stage's outputs.

It may say "different" of what is the same, and never "same" of what is different: the
code is the whole snapshot. Gates are left out, so that moving a threshold retrains
nothing; so are log texts, timeouts and everything else that shapes no output.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pipeline import codec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.schema import Stage

FINGERPRINT_FORMAT = 1


def fingerprint(
    stage: Stage,
    *,
    code: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, str],
    environment: str,
    device: str,
) -> str:
    """Name what a stage would make.

    code: the tree of the snapshot. params: the stage's and the pipeline's own.
    inputs: each reference with the hash of what is behind it.
    """
    parts = {
        "format": FINGERPRINT_FORMAT,
        "stage": stage.name,
        "run": stage.run,
        "sh": stage.sh,
        "outputs": sorted(stage.outputs),
        "collect": sorted(stage.collect),
        "params": params,
        "code": code,
        "inputs": inputs,
        "environment": environment,
        "device": device if stage.gpus else "",
    }
    return "sha256:" + hashlib.sha256(codec.dumps(parts).encode()).hexdigest()
