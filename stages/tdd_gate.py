"""Prove the tests both ways: GREEN with the code, RED without it.

The declared tests pass on the code as it is. Then every function of the target is
emptied, in a copy, and each of the same tests must fail: one that still passes proves
nothing of the code it claims to test, and is named as vacuous.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.stage import StageContext
from pipeline.tdd import claim, evidence, junit, proof
from pipeline.tdd.bench import bench

Named = tuple[str, ...] | dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Where the tests are and what they test, from the folder of pipeline.yaml.

    tests: files, folders, node ids of pytest. target: files and folders of Python.
    Both are lists, or a list for each profile. also: what else the tests need; `.` is
    all that git knows. marks: as pytest's -m. timeout_s: of one test.
    """

    tests: Named
    target: Named
    also: tuple[str, ...] = (claim.WHOLE,)
    marks: str = ""
    timeout_s: float = 60.0
    profile: str = "small"


def run(params: Params, ctx: StageContext) -> None:
    """Prove the tests, write the evidence, report the counts."""
    claimed = claim.claimed(
        Path.cwd(),
        claim.of_profile(params.tests, params.profile, "tests"),
        claim.of_profile(params.target, params.profile, "target"),
        also=params.also,
        marks=params.marks,
        limit_s=params.timeout_s,
    )

    with bench(ctx.tick) as place:
        found = proof.prove(claimed, place)

    texts = {
        "green.txt": evidence.green(claimed, found.green),
        "red.txt": evidence.red(claimed, found),
        "green.xml": junit.xml("green", found.green.outcomes.items()),
        "red.xml": junit.xml("red", found.red.items()),
        "vacuous.txt": evidence.vacuous(found),
    }
    for name, text in texts.items():
        with ctx.result(name) as path:
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
    tell(found, ctx)


def tell(found: proof.Proof, ctx: StageContext) -> None:
    """Say in the log what keeps the gates shut, and report the counts."""
    for one in found.green.failed:
        ctx.log.error("failed: %s\n  %s", one.test, one.reason)
    for test in found.vacuous:
        ctx.log.error("vacuous: %s", test)
    for where, count in found.by_import.items():
        ctx.log.warning("%s: an import calls emptied code: %d tests", where, count)
    ctx.metric(**found.metrics)
