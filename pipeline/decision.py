"""What is to be done with a stage, and why, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from pipeline.changes import Change
from pipeline.fingerprint import ANYTHING
from pipeline.frozen import dataclass
from pipeline.reads import UNDECLARED

if TYPE_CHECKING:
    from pipeline.seal import Seal

_MOST_REASONS = 2
Kind = Literal["reuse", "execute", "wait"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One stage's part of a plan.

    reuse: the seal `commit` of `run` holds what it would make. execute: no seal does.
    wait: what an earlier stage will give decides. changes: how it differs from the
    newest seal, which is `commit` of `run` where there is one.
    """

    stage: str
    kind: Kind
    because: str
    fingerprint: str = ""
    commit: str = ""
    run: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan for all stages. sealed_in: the run that holds them all already, if any.

    unhashed: the data sets that must be read before all can be decided, in words.
    """

    decisions: tuple[Decision, ...]
    sealed_in: str = ""
    unhashed: Mapping[str, str] = field(default_factory=dict)


def reuse_of(seal: Seal) -> Decision:
    """Say that a seal holds what the stage would make."""
    return Decision(
        stage=seal.stage,
        kind="reuse",
        because=f"nothing changed since {seal.run}",
        fingerprint=seal.fingerprint,
        commit=seal.commit,
        run=seal.run,
    )


def spoken(found: list[Change]) -> str:
    """Say what changed, in one line."""
    some = ", ".join(map(spoken_read, found[:_MOST_REASONS]))
    more = len(found) - _MOST_REASONS
    return f"{some}, and {more} more" if more > 0 else some


def spoken_read(change: Change) -> str:
    """Say one change; of what a stage read, why that counts."""
    if change.kind == "read" and change.old == UNDECLARED:
        return f"it read {change.name}, which is not among its inputs"
    if change.kind == "read" and change.name == ANYTHING:
        return "it starts programs, so all of the code counts, and some changed"
    return change.text()
