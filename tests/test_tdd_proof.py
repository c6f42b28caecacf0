"""Tests are proved both ways, whatever they do to the process they run in."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pipeline.tdd import evidence, junit
from pipeline.tdd.bench import Bench, bench
from pipeline.tdd.claim import Claim, claimed
from pipeline.tdd.proof import Proof, prove, run
from tests.tdd_projects import SMALL, ZOO, lay

GOOD = "tests/test_good.py::"
HARM = "tests/test_harm.py::"


def proved(root: Path, tests: Sequence[str], target: Sequence[str] = ("lib",)) -> Proof:
    """Prove tests of a project that is in no git, on one core."""
    claim = claimed(root, tests, target, also=(), limit_s=6)
    with bench(cores=1) as place:
        return prove(claim, place)


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with tests of every kind."""
    return lay(tmp_path_factory.mktemp("zoo"), ZOO)


@pytest.fixture(scope="module")
def proof(zoo: Path) -> Proof:
    """The proof of all of them."""
    return proved(zoo, ["tests"])


def test_the_counts_are_those_of_the_project(proof: Proof) -> None:
    """Nothing is lost, and nothing counts twice."""
    assert proof.metrics == {
        "total": 17,
        "passed": 11,
        "failed": 6,
        "skipped": 2,
        "red": 9,
        "vacuous": 2,
        "by_import": 1,
        "functions": 5,
    }


def test_what_needs_no_code_is_vacuous(proof: Proof) -> None:
    """One asks for a constant, the other takes any error for the right one."""
    assert proof.vacuous == (f"{GOOD}test_vacuous", f"{GOOD}test_vacuous_too")


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (f"{HARM}test_exits", "ended its process with code 3"),
        (f"{HARM}test_crashes", "ended its process by SIGSEGV"),
        (f"{HARM}test_hangs", "no end after 6 s"),
        ("tests/test_gone.py", "ended its process with code 7"),
        ("tests/test_broken.py", "ModuleNotFoundError: No module named 'nowhere'"),
        (f"{GOOD}test_wrong", "assert 2 == 3"),
        (f"{GOOD}test_left_out", "not today"),
        (f"{GOOD}test_expected_to_fail", "one day"),
    ],
)
def test_what_keeps_a_test_from_passing_is_said(
    proof: Proof, test: str, reason: str
) -> None:
    """In a line, whether it failed, was left out, or took its process with it."""
    assert proof.green.outcomes[test].reason == reason


@pytest.mark.parametrize("name", ["leaves_a_process", "forks_and_goes_on", "litters"])
def test_what_a_test_leaves_behind_hurts_no_other(proof: Proof, name: str) -> None:
    """A process that lives on, a fork that comes back, a file."""
    test = f"{HARM}test_{name}"

    assert proof.green.outcomes[test].kind == "passed"
    assert proof.red[test].kind == "failed"


def test_nothing_lives_on(proof: Proof) -> None:
    """A test started it in a session of its own."""
    running = subprocess.run(
        ["ps", "-A", "-o", "args"], capture_output=True, text=True, check=True
    )

    assert "98765.4" not in running.stdout


def test_the_worktree_is_not_touched(zoo: Path, proof: Proof) -> None:
    """Tests litter, and code is emptied, in a copy."""
    found = {path.relative_to(zoo).as_posix() for path in zoo.rglob("*.*")}
    found |= {path.name for path in zoo.iterdir() if path.is_file()}

    assert found == set(ZOO)
    assert (zoo / "lib/code.py").read_text() == ZOO["lib/code.py"]


def test_an_import_that_calls_emptied_code_is_named(proof: Proof) -> None:
    """Its tests are red, and that says less of them."""
    assert proof.by_import == {"lib/early.py:5": 1}
    assert proof.red["tests/test_early.py::test_table"].is_wrong


def test_green_says_what_is_to_be_mended(zoo: Path, proof: Proof) -> None:
    """The assertion, and what was printed, but not all of three megabytes."""
    text = evidence.green(claim_of(zoo), proof.green)

    assert "  E       assert 2 == 3" in text
    assert re.search(r"beginx{9,}\n", text)
    assert len(text) < 20_000


def claim_of(root: Path) -> Claim:
    """Say what is proved."""
    return claimed(root, ["tests"], ["lib"], also=())


def test_evidence_holds_no_place_and_no_time(zoo: Path, proof: Proof) -> None:
    """Of this machine, of this hour."""
    claim = claim_of(zoo)

    text = evidence.green(claim, proof.green) + evidence.red(claim, proof)

    for place in ("/tmp", str(zoo), sys.prefix, sys.base_prefix):
        assert place not in text
    assert not re.search(r"0x[0-9a-f]{6}|\d\.\d+ ?s\b|\d\d:\d\d:\d\d", text)


def test_red_says_which_function_is_missed(zoo: Path, proof: Proof) -> None:
    """So one can see that a test reaches what it claims to test."""
    text = evidence.red(claim_of(zoo), proof)

    assert (
        f"RED      {GOOD}test_steps_come_in_order\n"
        "         NotImplementedError (lib/code.py: steps)\n"
    ) in text
    assert f"VACUOUS  {GOOD}test_vacuous\n         passed without the code\n" in text


def test_junit_is_what_others_read(proof: Proof) -> None:
    """The counts are those of the cases below them."""
    suite = ET.fromstring(junit.xml("green", proof.green.outcomes.items()))[0]

    counts = [suite.get(key) for key in ("tests", "failures", "errors", "skipped")]
    found = [len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error")]
    assert counts == ["19", "1", "5", "2"]
    assert found == [1, 5]
    assert {case.get("time") for case in suite} == {None}


def test_junit_holds_any_text() -> None:
    """What XML cannot hold is spelled out; a name may hold colons and brackets."""
    from pipeline.tdd.outcome import Outcome

    test = 'tests/test_a.py::TestB::test_c["x::y"-\x07]'
    text = junit.xml(
        "x", [(test, Outcome(test=test, kind="failed", text="\x00<&\ud800"))]
    )

    case = ET.fromstring(text)[0][0]
    assert case.get("classname") == "tests.test_a.TestB"
    assert case.get("name") == 'test_c["x::y"-#x07]'
    assert case[0].text == "#x00<&#xD800"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project with two tests that are as they should be."""
    return lay(tmp_path / "small", SMALL)


@pytest.fixture
def place() -> Iterator[Bench]:
    """A bench with one core."""
    with bench(cores=1) as opened:
        yield opened


def test_one_core_and_two_say_the_same(small: Path) -> None:
    """Byte for byte, and so does each run of the same code."""
    lay(small, {"tests/test_more.py": SMALL["tests/test_code.py"]})
    claim = claimed(small, ["tests"], ["lib"], also=())
    texts = []

    for cores in (1, 2):
        with bench(cores=cores) as place:
            proof = prove(claim, place)
        texts.append(evidence.green(claim, proof.green) + evidence.red(claim, proof))

    assert texts[0] == texts[1]
    assert proof.metrics["red"] == 4


def test_a_conftest_that_needs_the_code_is_red_by_import(
    small: Path, place: Bench
) -> None:
    """Not even one test can be looked for then; that is said of all of them."""
    lay(small, {"tests/conftest.py": "from lib.code import add\n\nadd(1, 1)\n"})

    proof = prove(claimed(small, ["tests"], ["lib"], also=()), place)

    assert proof.metrics["red"] == proof.metrics["by_import"] == 2
    assert "NotImplementedError" in proof.red["tests/test_code.py::test_adds"].reason


def test_only_what_git_knows_is_copied(small: Path, place: Bench) -> None:
    """New files too; what is ignored stays where it is, and so do results."""
    ignored = {".gitignore": "data\n", "data/big": "", "results/a/b.txt": ""}
    lay(small, {**ignored, "new.txt": "", "artifacts/c": ""})
    subprocess.run(["git", "init", "-q", str(small)], check=True)

    run(claimed(small, ["tests"], ["lib"]), place)

    copied = (path for path in (place.place / "green").rglob("*") if path.is_file())
    names = {path.relative_to(place.place / "green").as_posix() for path in copied}
    assert names == {*SMALL, ".gitignore", "new.txt"}
