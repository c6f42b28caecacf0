"""The self-test of the quantiser: what it says of a sound one, and of others."""

from __future__ import annotations

import json
import operator
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from models.quantisers.health import judge
from models.quantisers.recount import recount
from stages import vq_selftest
from stages.selftest.found import Found
from stages.selftest.telling import WORDS, told
from stages.vq_selftest import Params
from tests.stages.conftest import Reports, staged

WRITTEN = {"selftest.json", "selftest.txt", "selftest.png", "pip-freeze.txt"}


class Tried(NamedTuple):
    """Where it was run, and what it told."""

    root: Path
    reports: Reports

    def text(self, name: str) -> str:
        """Read one of its results."""
        return (self.root / "results" / name).read_text()


def tried(root: Path) -> Tried:
    """Run the stage in a folder."""
    ctx, reports = staged(root, "vq_selftest")
    vq_selftest.run(Params(profile="tiny"), ctx)
    return Tried(root, reports)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Tried:
    """The stage, run once."""
    return tried(tmp_path_factory.mktemp("selftest"))


def test_the_first_line_is_that_of_the_handoff(once: Tried) -> None:
    """Shape, a finite loss, and usage."""
    line = once.text("selftest.txt").splitlines()[0]

    assert re.fullmatch(
        r"OK shape: \(32, 64, 1, 100\) loss: 0\.\d{6} usage: [01]\.\d{4}", line
    )


def test_a_sound_quantiser_is_called_so(once: Tried) -> None:
    """Every number that a gate may ask for is as it must be."""
    wanted = {"healthy": 1, "contract": 1, "determined": 1}
    wanted |= {"fsq_differing_count": 0, "outside_count": 0, "survival": 1}

    assert once.reports.metrics.items() >= wanted.items()
    assert 300 < once.reports.metrics["perplexity"] < 512


def test_the_account_holds_what_the_gates_saw(once: Tried) -> None:
    """And each finding with what it means."""
    account = json.loads(once.text("selftest.json"))

    assert account["metrics"] == pytest.approx(once.reports.metrics)
    assert account["ill"] == []
    assert {"name", "value", "limit", "is_ill", "says"} <= set(account["findings"][0])


def test_each_number_is_told_with_its_limit(once: Tried) -> None:
    """All is well here, so each lies on the side of its limit that is named."""
    account = json.loads(once.text("selftest.json"))

    for each in account["findings"]:
        side = operator.le if each["sound"] == "<=" else operator.gt
        is_asked = each["metric"] != "loss_last_over_first"
        assert side(each["value"], each["limit"]) or not is_asked, each["name"]
        assert f"{each['sound']} {each['limit']:.4g}\n" in once.text("selftest.txt")
    assert {each["name"] for each in account["findings"]} == set(WORDS)


@pytest.mark.parametrize("steps", [-1, 0, 2])
def test_too_few_steps_are_refused(tmp_path: Path, steps: int) -> None:
    """In fewer, codes that were thrown away cannot be seen to come back."""
    ctx = staged(tmp_path, "vq_selftest").ctx

    with pytest.raises(ValueError, match=f"steps is {steps}: wanted 3 or more"):
        vq_selftest.run(Params(profile="tiny", steps=steps), ctx)


def test_packages_are_named_with_versions_and_nothing_else(once: Tried) -> None:
    """In order, torch among them; no path, no address, so no secret in one."""
    lines = once.text("pip-freeze.txt").splitlines()

    assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+", line) for line in lines)
    assert lines == sorted(lines, key=lambda line: line.partition("==")[0].lower())
    assert any(line.startswith("torch==") for line in lines)


def test_the_same_seed_writes_the_same_bytes(once: Tried, tmp_path: Path) -> None:
    """The figure, too; and nothing is written but results."""
    again = tried(tmp_path)

    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {path.name for path in files} == WRITTEN
    for path in files:
        twin = once.root / path.relative_to(tmp_path)
        assert path.read_bytes() == twin.read_bytes(), path.name
    assert again.reports == once.reports


def test_an_ill_quantiser_is_told_by_its_faults(tmp_path: Path) -> None:
    """A shape that is not wanted fails the contract; a lost gradient has a name."""
    params, ctx = Params(profile="tiny"), staged(tmp_path, "vq_selftest").ctx
    contract = vq_selftest.tried(params, 0)._replace(shape=(32, 64, 100))
    seen = vq_selftest.watched(params, ctx)
    health = judge(seen._replace(pull=0 * seen.losses))
    again = recount(seen, decay=params.decay)

    found = Found(contract, health, again, 0)

    assert not found.is_healthy
    assert told(found).startswith("FAILED shape: (32, 64, 100)")
    assert "the commitment does not reach the encoder" in told(found)
