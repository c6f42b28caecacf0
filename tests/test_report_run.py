"""Every run that ended has its report, in its closing commit and at home."""

from __future__ import annotations

import json
from pathlib import Path

from tests.afar import Remote
from tests.lab import Host, Lab
from tests.laptop import Laptop

TOLD = ("FINAL_REPORT.md", "FINAL_REPORT.html")
SECRET = "correct horse battery staple"
ODD = """\
name: odd
stages:
  a:
    sh: |
      echo about to fail
      STEP
"""
HIDDEN = """\
name: hidden
secrets: [TOKEN]
stages:
  a:
    sh: |
      printf 'name,value\\n%s,1\\nplain,2\\n' "$TOKEN" > $RESULTS/t.csv
      printf '{"%s": 1}' "$TOKEN" > $RESULTS/metrics.json
  b:
    sh: printf '%s\\nfailed\\n' "$TOKEN"; exit 1
"""


def committed(laptop: Laptop, name: str) -> str:
    """Give a file of the last commit of the latest run."""
    return laptop.git("show", f"run/{laptop.run_id}:results/{name}")


def odd(laptop: Laptop, step: str) -> None:
    """Give the repository a stage that does this."""
    laptop.write("pipeline.yaml", ODD.replace("STEP", step))
    laptop.commit()


def test_a_run_is_reported_in_its_closing_commit(chain: Laptop) -> None:
    """As it lies in its results; the last words say where; its options are in it."""
    said = chain.pipeline("run", "--set", "seed=4")

    for name in TOLD:
        assert committed(chain, name) == (chain.results / name).read_text().strip()
    text = committed(chain, "FINAL_REPORT.md")
    seal = chain.git("log", "--format=%h", "--grep=Stage: three", f"run/{chain.run_id}")
    assert f"report:         results/{chain.run_id}/FINAL_REPORT.html\n" in said
    assert "pipeline run --set seed=4" in text
    assert f"`{seal}" in text
    assert "![three/curve.svg](three/curve.svg)" in text
    assert "no_report" not in chain.story()


def test_a_failed_run_and_one_of_a_failed_gate_have_theirs(laptop: Laptop) -> None:
    """With what failed, in the words of the run."""
    odd(laptop, "echo the disk is on fire; exit 3")
    laptop.pipeline("run", code=4)
    failed = committed(laptop, "FINAL_REPORT.md")
    odd(laptop, "echo '{\"x\": 1}' > $RESULTS/metrics.json\n    gates: [x > 1]")
    laptop.pipeline("run", code=3)
    rejected = committed(laptop, "FINAL_REPORT.md")

    assert "✗ failed: 0 of 1 stage sealed" in failed
    assert "the disk is on fire" in failed
    assert f"pipeline resume {laptop.run_id}" not in rejected
    assert "▲ gate failed: 1 of 1 stage sealed, 0 of 1 gate passed" in rejected


def test_a_stopped_run_has_none_until_it_ends(laptop: Laptop) -> None:
    """It is not over; resumed and done, it has one."""
    odd(laptop, "until test -e ~/go; do sleep 0.05; done")
    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_started a")
    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)
    before = [name for name in TOLD if (laptop.results / name).exists()]
    (laptop.home / "go").touch()
    laptop.pipeline("resume")

    assert before == []
    assert "taken up again" in committed(laptop, "FINAL_REPORT.md")


def test_a_resumed_run_has_the_report_of_its_last_end(laptop: Laptop) -> None:
    """What was said of an end that is none any more is gone meanwhile."""
    odd(laptop, "test -e ~/go")
    laptop.pipeline("run", code=4)
    first = committed(laptop, "FINAL_REPORT.md")
    (laptop.home / "go").touch()
    laptop.pipeline("resume", "--detach", env={"PIPELINE_DIE_AT": ":walked"})
    laptop.wait_for_runner(lives=False)
    between = (laptop.results / "FINAL_REPORT.md").exists()
    laptop.pipeline("resume")

    assert "✗ failed" in first
    assert not between
    assert "✓ passed: 1 of 1 stage" in committed(laptop, "FINAL_REPORT.md")


def test_a_run_killed_at_its_report_ends_like_any_other(laptop: Laptop) -> None:
    """Taken up again: one report, which is the one in the commit, and nothing torn."""
    odd(laptop, "true")
    laptop.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": ":closing"})
    laptop.wait_for_runner(lives=False)

    laptop.pipeline("resume")

    assert laptop.seals() == ["a"]
    for name in TOLD:
        assert committed(laptop, name) == (laptop.results / name).read_text().strip()
    assert not list(laptop.results.glob("*draft*"))
    assert json.loads(laptop.pipeline("verify", "--json"))["is_whole"]


def test_a_run_does_not_fail_of_its_report(laptop: Laptop) -> None:
    """It ends as it would have; why there is none is told."""
    odd(laptop, "mkdir -p results/FINAL_REPORT.md/x")

    said = laptop.pipeline("run")

    assert "no report was made: IsADirectoryError" in said
    assert "done: 1 stage" in said
    assert "  report: " not in said
    names = laptop.git("ls-tree", "--name-only", f"run/{laptop.run_id}:results")
    assert "events.jsonl" in names
    assert "FINAL_REPORT" not in names


def test_a_report_holds_no_secret(laptop: Laptop) -> None:
    """Not of a table, a metric or a log; the table is named, and why it is missing."""
    laptop.write("pipeline.yaml", HIDDEN)
    laptop.commit()

    laptop.pipeline("run", env={"TOKEN": SECRET}, code=4)

    whole = committed(laptop, "FINAL_REPORT.md")
    assert "a secret stands in results/t.csv" in whole
    assert "| plain" not in whole
    assert "***" in whole
    for name in TOLD:
        assert SECRET not in committed(laptop, name)


def test_the_report_comes_home_from_a_box(remote: Remote, box: Host, lab: Lab) -> None:
    """As it lies in the closing commit, which is fetched."""
    remote.on(box, lab, ODD.replace("STEP", "true"))

    said = remote.pipeline("run", "--host", "gpu")

    assert "FINAL_REPORT.html" in said
    for name in TOLD:
        here: Path = remote.results / name
        assert here.read_text().strip() == committed(remote, name)
    text = (remote.results / "FINAL_REPORT.md").read_text()
    assert "pipeline run --host gpu" in text
