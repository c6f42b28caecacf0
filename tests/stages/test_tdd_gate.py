"""The gate, run for real on a small project: what it seals, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import gate
from pipeline.errors import SpecError
from stages import tdd_gate
from tests.stages.conftest import Context, Staged
from tests.tdd_projects import SMALL, lay

PARAMS = tdd_gate.Params(tests=("tests",), target=("lib",), also=())


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """The gate after it ran where pipeline.yaml would lie."""
    from tests.stages.conftest import staged

    root = tmp_path_factory.mktemp("gate")
    lay(root / "project", SMALL)
    made = staged(root, "tdd_gate")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root / "project")
        tdd_gate.run(PARAMS, made.ctx)
    return made


def test_the_counts_are_metrics(ran: Staged) -> None:
    """And gates let them pass."""
    wanted = {"total": 2, "passed": 2, "failed": 0, "skipped": 0}
    wanted |= {"red": 2, "vacuous": 0, "by_import": 0, "functions": 4}
    rules = ("total > 0", "failed == 0", "vacuous == 0")

    assert ran.reports.metrics == wanted
    judged = gate.judge(tuple(map(gate.parse, rules)), ran.reports.metrics)
    assert not judged.failures


def test_the_evidence_lies_in_the_results(ran: Staged) -> None:
    """Readable, and as JUnit has it; nothing else."""
    names = sorted(path.name for path in ran.ctx.results.iterdir())

    assert names == ["green.txt", "green.xml", "red.txt", "red.xml", "vacuous.txt"]
    assert "2 of 2 passed\n" in (ran.ctx.results / "green.txt").read_text()
    assert "2 of 2 fail without the code\n" in (ran.ctx.results / "red.txt").read_text()
    assert (ran.ctx.results / "vacuous.txt").read_text() == ""


def test_it_says_how_far_it_is(ran: Staged) -> None:
    """Two tests with the code, and two without."""
    assert [report["tick"] for report in ran.reports.ticks] == [
        [1, 4],
        [2, 4],
        [3, 4],
        [4, 4],
    ]


def test_a_profile_has_its_own_tests(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has none is refused before anything starts."""
    monkeypatch.chdir(lay(tmp_path, SMALL))
    params = tdd_gate.Params(
        tests={"small": ("tests",)}, target=("lib",), profile="full"
    )

    with pytest.raises(SpecError, match="tests has no list for profile 'full'"):
        tdd_gate.run(params, context("tdd_gate").ctx)
