"""Prove tests both ways: GREEN with the code, RED without it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.errors import SpecError
from pipeline.frozen import dataclass
from pipeline.tdd import claim as claims
from pipeline.tdd import outcome, scratch, session
from pipeline.tdd.outcome import Outcome, Session

if TYPE_CHECKING:
    from pipeline.tdd.bench import Bench
    from pipeline.tdd.claim import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What GREEN and RED said.

    red: for each test that passed in GREEN, what became of it without the code.
    functions: how many were emptied.
    """

    green: Session
    red: dict[str, Outcome]
    functions: int

    @property
    def vacuous(self) -> tuple[str, ...]:
        """Tests that do not fail without the code that they claim to test."""
        return tuple(test for test, one in self.red.items() if not one.is_wrong)

    @property
    def by_import(self) -> dict[str, int]:
        """Where emptied code is called by an import, and how many tests fail by that.

        They are red, and less is known of them than of the others.
        """
        found: dict[str, int] = {}
        for test, one in self.red.items():
            if one.is_wrong and one.test != test:
                found[one.where or one.test] = found.get(one.where or one.test, 0) + 1
        return dict(sorted(found.items()))

    @property
    def metrics(self) -> dict[str, int]:
        """The counts, which gates are rules over."""
        return {
            "total": self.green.total,
            "passed": len(self.green.passed),
            "failed": len(self.green.failed),
            "skipped": len(self.green.left_out),
            "red": len(self.red) - len(self.vacuous),
            "vacuous": len(self.vacuous),
            "by_import": sum(self.by_import.values()),
            "functions": self.functions,
        }


def prove(claim: Claim, bench: Bench) -> Proof:
    """Run the tests with the code and without it, each in a copy of the worktree."""
    if not claim.target:
        message = "no target is named: the code that the tests test"
        raise SpecError(message, hint="target: [path/to/code], from pipeline.yaml")
    scratch.check(claim)
    hear = bench.hear
    halfway = replace(bench, hear=lambda done, total: hear(done, 2 * total))
    green = run(claim, halfway)
    first = len(green.outcomes)
    rest = replace(bench, hear=lambda done, total: hear(first + done, first + total))
    return prove_red(claim, rest, green)


def prove_red(claim: Claim, bench: Bench, green: Session) -> Proof:
    """Run what passed again, without the code."""
    tree = bench.place / "red"
    scratch.copy(claim, tree)
    tests = {claims.path_of(test) for test in green.outcomes}
    functions = scratch.empty(claim, tree, but=tests)
    passed = [one.test for one in green.passed]
    found = session.run(claim, bench, tree, only=passed) if passed else Session()
    red = {test: _without_code(test, found) for test in passed}
    return Proof(green=green, red=red, functions=functions)


def run(claim: Claim, bench: Bench) -> Session:
    """Run the tests on the code as it is; refuse a claim that has none."""
    session.check(bench)
    tree = bench.place / "green"
    scratch.copy(claim, tree)
    found = session.run(claim, bench, tree)
    if found.broken:
        raise SpecError("pytest cannot begin", hint=found.broken)
    if found.outside:
        some = found.outside[0].removeprefix(f"{claim.root}/")
        message = f"the tests import {some} from the worktree, not from their copy"
        hint = "it is installed, or on a path of its own: let them import it by name"
        raise SpecError(message, hint=hint)
    for one in claim.tests:
        if not any(_is_of(test, one) for test in found.outcomes):
            message = f"tests {one!r}: pytest finds no test there"
            marks = f"only those that are {claim.marks!r} count" if claim.marks else ""
            raise SpecError(message, hint=marks or "a test is test_*() in test_*.py")
    return found


def _is_of(test: str, asked: str) -> bool:
    """Tell whether an outcome is about what was asked for; a file stands for all."""
    if asked == claims.WHOLE or test in (asked, claims.path_of(asked)):
        return True
    return test.startswith(tuple(asked + mark for mark in "/:["))


def _without_code(test: str, found: Session) -> Outcome:
    """Give what became of a test in RED; a file that broke breaks all that is in it."""
    if found.broken:
        last = found.broken.splitlines()[-1]
        return Outcome(test="conftest.py", kind=outcome.ERROR, reason=last)
    known = found.outcomes.get(test)
    if known is not None:
        return known
    above = _broken_above(test, found)
    if above is not None:
        return above
    gone = "it is not there without the code"
    return Outcome(test=test, kind=outcome.ERROR, reason=gone)


def _broken_above(test: str, found: Session) -> Outcome | None:
    """Find the file, or the folder, that could not be collected."""
    for name, one in found.outcomes.items():
        inside = name == claims.WHOLE or test.startswith((f"{name}::", f"{name}/"))
        if inside and name != test:
            return replace(one, kind=outcome.ERROR) if not one.is_wrong else one
    return None
