"""The hash of all that determines a stage's outputs, and the readable parts of it.

It may say "different" of what is the same, and never "same" of what is different. Gates
are left out, so that moving a threshold retrains nothing; so are log texts, timeouts
and everything else that shapes no output. Pure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from pipeline import codec, template
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from pipeline.schema import Code, Pipeline, Stage

FINGERPRINT_FORMAT = 2
# A read of anything at all: a stage module started a program that nobody looks into.
ANYTHING = "*"
# What stands for data that was another at the end of a stage than at its beginning.
CHANGING = "changed while it was read"
# What stands for an optional data set that is not there: no file has an empty hash.
ABSENT = {"absent": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What determines a stage's outputs, in words that can be compared.

    inputs: reference -> file -> sha256. environment: see `environment`. code: the rule
    by which files count, their hash, and the files themselves unless they are all.
    """

    stage: str
    run: str
    sh: str
    outputs: tuple[str, ...]
    collect: tuple[str, ...]
    params: Mapping[str, Any]
    inputs: Mapping[str, Mapping[str, str]]
    environment: Mapping[str, Any]
    device: str
    rule: str
    code: str
    files: Mapping[str, str]
    format: int = FINGERPRINT_FORMAT

    def digest(self) -> str:
        """Name them all by one hash."""
        return "sha256:" + hashlib.sha256(codec.dumps(self).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """fingerprint.json: the parts, and what a module stage read besides its code.

    reads: path in the repository -> object there when it was read; nothing where there
    was no such file, and the whole code for `*`.
    """

    fingerprint: str
    parts: Parts
    reads: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Write it so that the same parts always give the same bytes, a line each."""
        return (
            codec.escaped(
                json.dumps(
                    codec.encode(self), ensure_ascii=False, sort_keys=True, indent=1
                )
            )
            + "\n"
        )


def read_document(data: bytes | None) -> Document | None:
    """Read fingerprint.json; None where there is none, or none this version reads."""
    if not data:
        return None
    try:
        return codec.loads(Document, data, what="fingerprint.json")
    except IntegrityError:
        return None


def parts_of(
    stage: Stage,
    pipeline: Pipeline,
    *,
    code: Code,
    inputs: Mapping[str, Mapping[str, str]],
    environment: Mapping[str, Any],
    device: str,
) -> Parts:
    """Gather the parts of a stage."""
    return Parts(
        stage=stage.name,
        run=stage.run,
        sh=stage.sh,
        outputs=tuple(sorted(stage.outputs)),
        collect=tuple(sorted(stage.collect)),
        params=params_of(stage, pipeline),
        inputs=inputs,
        environment=environment,
        device=device if stage.gpus else "",
        rule=code.rule,
        code=code.digest,
        files=code.files,
    )


def params_of(stage: Stage, pipeline: Pipeline) -> dict[str, Any]:
    """Give the params a stage may see: its own, and those of the pipeline it uses.

    A module sees those its Params has a field for, which only running it would tell:
    all count. A command sees what it names. The seed reaches every stage.
    """
    shared = dict(pipeline.params)
    if stage.sh:
        used = set(template.placeholders(stage.sh))
        shared = {k: v for k, v in shared.items() if k in used or k == "seed"}
    return {**shared, **stage.params}
