"""A report says first what a reader came for, and leaves nothing out for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline import gate
from pipeline.schema import Stage
from tests.reporting import Reported

COMMIT = "accuracy {accuracy} of {bayes_limit}, {unknown}"
TRAIN = Stage(
    name="train",
    run="stages.train",
    commit=COMMIT,
    gates=(gate.parse("loss is finite"), gate.parse("accuracy >= 0.8")),
)
OTHERS = {f"aside_{n}": float(n) for n in range(7)}
METRICS = {"loss": 0.5, "accuracy": 0.91, "bayes_limit": 0.95, **OTHERS}


@pytest.fixture
def run(tmp_path: Path) -> Reported:
    """Give a run of one stage that measured ten numbers and left a file."""
    run = Reported(tmp_path / "results", TRAIN)
    run.seal("train", METRICS, {"x.txt": b"x"}, subject="accuracy 0.91 of 0.95")
    return run


def test_what_came_out_is_said_before_any_detail(run: Reported) -> None:
    """Right after the verdict, and before gates, host and params."""
    text = run.write()
    places = ("✓ passed: 1 of 1", "accuracy 0.91 of 0.95", "## Success", "snapshot")

    found = [text.index(one) for one in places]

    assert found == sorted(found)


def test_what_a_commit_names_comes_before_what_has_a_gate(run: Reported) -> None:
    """And that before all others: accuracy stands beside the limit it is held to."""
    text = run.write()

    rows = re.findall(r"^\| `(\w+)` +\| +0\.\d+ \|", text, re.MULTILINE)

    assert rows == ["accuracy", "bayes_limit", "loss"]


def test_all_other_numbers_stand_in_columns_once(run: Reported) -> None:
    """Downward, three beside each other, with nothing in the last places."""
    text = run.write()

    assert re.search(r"`aside_0` \| +0 \| `aside_3` \| +3 \| `aside_6` +\| +6 \|", text)
    assert re.search(r"`aside_2` \| +2 \| `aside_5` \| +5 \| +\| +\|", text)
    page = run.results.report_page.read_text()
    assert all(page.count(f"<code>{name}</code>") == 1 for name in OTHERS)


def test_files_are_folded_on_the_page_and_open_in_the_text(run: Reported) -> None:
    """How many, how large; a table of each."""
    text = run.write()

    assert "What it made: 2 files, 1.4 MB\n\n| file" in text
    page = run.results.report_page.read_text()
    folded = page[page.index("<details>") : page.index("</details>")]
    assert "<summary>What it made: 2 files, 1.4 MB</summary>" in folded
    assert "artifacts/train/model.pt" in folded
