"""Evidence as a text: what was run, the counts, each test with its outcome.

Nothing in it changes from one run to the next: no time, no duration, no folder.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pipeline.tdd import outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.tdd.claim import Claim
    from pipeline.tdd.outcome import Outcome, Session
    from pipeline.tdd.proof import Proof

_WORDS = {
    outcome.PASSED: "PASS",
    outcome.FAILED: "FAIL",
    outcome.ERROR: "ERROR",
    outcome.SKIPPED: "SKIP",
    outcome.XFAILED: "XFAIL",
    outcome.XPASSED: "XPASS",
}
RED, VACUOUS = "RED", "VACUOUS"
_WIDTH = 9
_MOST = 50  # tests whose whole words are kept


def green(claim: Claim, found: Session, *, title: str = "green") -> str:
    """Write what the tests say of the code as it is."""
    head = f"TDD {title}: the tests on the code as it is"
    counts = f"{len(found.passed)} of {found.total} passed"
    counts += f", {len(found.left_out)} left out" if found.left_out else ""
    lines = [*_head(head, claim, found), counts, *_rows(found.outcomes.values())]
    return "\n".join([*lines, *_outputs(found.failed)]) + "\n"


def red_as_it_is(claim: Claim, found: Session) -> str:
    """Write that the tests fail, the code not being written yet."""
    head = "TDD red: the tests on the code as it is, which is not written yet"
    counts = f"{len(found.failed)} of {found.total} fail"
    lines = [*_head(head, claim, found), counts, *_rows(found.outcomes.values())]
    return "\n".join(lines) + "\n"


def red(claim: Claim, proof: Proof) -> str:
    """Write what became of the tests without the code."""
    code = ", ".join(claim.target)
    head = f"TDD red: the same tests, {proof.functions} functions of {code} emptied"
    proven = len(proof.red) - len(proof.vacuous)
    lines = _head(head, claim, proof.green)
    lines += [f"{proven} of {len(proof.red)} fail without the code"]
    if proof.vacuous:
        lines += ["", "vacuous: they do not fail without the code they claim to test"]
        lines += [f"  {test}" for test in proof.vacuous]
    if proof.by_import:
        lines += ["", "red by an import alone, which calls emptied code"]
        lines += [f"  {where}: {n} of them" for where, n in proof.by_import.items()]
    if proof.green.left_out:
        lines += ["", "left out: they say nothing with the code either"]
        lines += [f"  {one.test}" for one in proof.green.left_out]
    return "\n".join([*lines, *_red_rows(proof)]) + "\n"


def vacuous(proof: Proof) -> str:
    """Write the tests that prove nothing, one to a line."""
    return "".join(f"{test}\n" for test in proof.vacuous)


def tests_in(text: str) -> tuple[str, ...]:
    """Read from evidence of green which tests passed."""
    start = f"{_WORDS[outcome.PASSED]:<{_WIDTH}}"
    return tuple(
        line.removeprefix(start) for line in text.splitlines() if line.startswith(start)
    )


def _head(title: str, claim: Claim, found: Session) -> list[str]:
    rows = {
        "tests": ", ".join(claim.tests) + (f" -m '{claim.marks}'" * bool(claim.marks)),
        "target": ", ".join(claim.target),
        "with": found.versions,
    }
    return [title, "", *(f"{k + ':':<8}{v}" for k, v in rows.items() if v), ""]


def _rows(outcomes: Iterable[Outcome]) -> Iterator[str]:
    yield ""
    for one in outcomes:
        yield f"{_WORDS[one.kind]:<{_WIDTH}}{one.test}"
        if one.reason:
            yield f"{'':<{_WIDTH}}{one.reason}"


def _red_rows(proof: Proof) -> Iterator[str]:
    yield ""
    for test, one in proof.red.items():
        word = RED if one.is_wrong else VACUOUS
        yield f"{word:<{_WIDTH}}{test}"
        said = one.reason if one.is_wrong else f"{one.kind} without the code"
        at = f" ({one.where})" if one.where else ""
        yield f"{'':<{_WIDTH}}{said}{at}"


def _outputs(failed: Iterable[Outcome]) -> Iterator[str]:
    """Give all that failed tests said, for whoever mends them."""
    said = [one for one in failed if one.text.strip()]
    for one in said[:_MOST]:
        yield f"\n--- {one.test}"
        yield textwrap.indent(one.text.rstrip(), "  ", lambda _: True)
    if len(said) > _MOST:
        yield f"\n--- and {len(said) - _MOST} more"
