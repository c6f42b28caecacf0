"""Red, green, refactor, by hand: what each phase wants, and its evidence.

Evidence is only written when the phase is what it is called: a file that is there says
the truth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files
from pipeline.errors import GateFailed, SpecError
from pipeline.frozen import dataclass
from pipeline.tdd import evidence, proof

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.tdd.bench import Bench
    from pipeline.tdd.claim import Claim
    from pipeline.tdd.outcome import Session

PHASES = ("red", "green", "refactor")
_MOST = 20  # tests that a message names


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """The evidence of a phase, as a text and in a line; `against` is why it is none."""

    text: str
    summary: str
    against: tuple[str, ...] = ()


def red(claim: Claim, bench: Bench) -> Captured:
    """Want every test to fail: the code that it tests is not written yet."""
    found = proof.run(claim, bench)
    against = [f"passes already: {one.test}" for one in found.passed]
    if not found.total:
        against.append("every test is left out")
    return Captured(
        text=evidence.red_as_it_is(claim, found),
        summary=f"{len(found.failed)} of {found.total} fail",
        against=tuple(against),
    )


def red_emptied(claim: Claim, bench: Bench) -> Captured:
    """Want every test to pass, and to fail once the target is emptied."""
    found = proof.prove(claim, bench)
    against = [*_failed(found.green)]
    against += [f"passes without the code: {test}" for test in found.vacuous]
    proven = len(found.red) - len(found.vacuous)
    return Captured(
        text=evidence.red(claim, found),
        summary=f"{proven} of {len(found.red)} fail without the code",
        against=tuple(against),
    )


def green(claim: Claim, bench: Bench) -> Captured:
    """Want every test to pass."""
    found = proof.run(claim, bench)
    return Captured(
        text=evidence.green(claim, found),
        summary=f"{len(found.passed)} of {found.total} pass",
        against=tuple(_failed(found)),
    )


def refactor(claim: Claim, bench: Bench, before: Path) -> Captured:
    """Want every test to pass still, and to be one of those of GREEN."""
    if not before.is_file():
        message = f"there is no {before.name} to compare with"
        raise SpecError(message, hint="capture it first: pipeline tdd green")
    earlier = evidence.tests_in(before.read_text(encoding="utf-8"))
    found = proof.run(claim, bench)
    now = [*found.outcomes]
    against = [*_failed(found)]
    against += [f"is gone: {test}" for test in earlier if test not in now]
    against += [f"is new: {test}" for test in now if test not in earlier]
    return Captured(
        text=evidence.green(claim, found, title="refactor"),
        summary=f"{len(found.passed)} of {found.total} pass still",
        against=tuple(against),
    )


def keep(captured: Captured, phase: str, path: Path) -> None:
    """Write the evidence; refuse what is none, and leave what was there as it is."""
    if captured.against:
        rest = len(captured.against) - _MOST
        some = [*captured.against[:_MOST], *([f"and {rest} more"] if rest > 0 else [])]
        there = "is as it was" if path.exists() else "was not written"
        message = f"this is not {phase}: {captured.summary}"
        hint = "\n".join([*some, f"artifacts/{path.name} {there}"])
        raise GateFailed(message, hint=hint)
    files.own_ignored_folder(path.parent)
    files.replace_text(path, captured.text)


def _failed(found: Session) -> Sequence[str]:
    if not found.total:
        return ["every test is left out"]
    return [f"fails: {one.test}: {one.reason}" for one in found.failed]
