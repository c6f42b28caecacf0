"""`secrets`: names of environment variables. A value has no place in a file.

A stage that names some gets those and no others; one that says nothing gets those of
the pipeline.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.reading.marked import Scalar
    from pipeline.reading.table import Table

_KEY = "secrets"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LONGEST = 128
_HINT = "a value is taken from your environment, or asked for, and kept nowhere"
# What a stage is told by us, and what every program needs to be what it is.
_TAKEN = re.compile(
    r"PIPELINE_.*|OUT|RESULTS|CHECKPOINTS|CUDA_VISIBLE_DEVICES|PYTHON[A-Z]+"
    r"|PATH|HOME|PWD|USER|LOGNAME|SHELL|TERM|LANG|LC_.*|LD_.*|DYLD_.*|TMPDIR"
)


def of(table: Table, shared: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Read the names, each once; `shared` where nothing is said. `[]` says: none."""
    is_said = table.says(_KEY)
    words = table.words(_KEY, "a list of names")
    fit = [word for word in words if _is_fit(table, word)]
    return tuple(dict.fromkeys(word.text for word in fit)) if is_said else shared


def _is_fit(table: Table, word: Scalar) -> bool:
    if not _NAME.fullmatch(word.text) or len(word.text) > _LONGEST:
        # Not shown again: it may be a value, put where its name belongs.
        sentence = f"{table.label(_KEY)} should hold names of environment variables"
        table.mistakes.add(word.mark, sentence, _HINT)
        return False
    if _TAKEN.fullmatch(word.text):
        sentence = f"{table.label(_KEY)} cannot hold {word.text!r}: every stage has it"
        table.mistakes.add(word.mark, sentence)
        return False
    return True
