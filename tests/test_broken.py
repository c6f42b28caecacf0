"""What broke it once: hostile files, forged seals, words that a script left empty."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.laptop import Laptop

YAML = """\
name: broken
stages:
  one:
    sh: cat in.txt > $OUT/one.txt; echo '{{"acc":0.5}}' > $RESULTS/metrics.json
    outputs: [one.txt]
    gates: [acc < 0.7]
    code: [in.txt]
  two: {{sh: "cat {{one/one.txt}} > $OUT/two.txt; true {0}", outputs: [two.txt]}}
"""


@pytest.fixture
def sealed(tmp_path: Path) -> Laptop:
    """A run of two stages; the second differs by now."""
    laptop = Laptop(tmp_path)
    laptop.write("in.txt", "right\n")
    laptop.write("pipeline.yaml", YAML.format("then"))
    laptop.commit()
    laptop.pipeline("run")
    laptop.write("pipeline.yaml", YAML.format("now"))
    return laptop


def forge(laptop: Laptop, **files: str) -> None:
    """Put other files into the seal of `one`, and leave what its message says."""
    run = f"run/{laptop.run_id}"
    seal = laptop.git("log", "--format=%H", "--grep=^Stage: one", run)
    laptop.git("checkout", "-q", "-B", "forged", seal)
    for name, text in files.items():
        laptop.write(name, text)
    laptop.git("add", "-f", *files)
    laptop.git("commit", "-q", "--amend", "--no-edit")
    (code,) = laptop.home.glob(".pipeline/*/code.git")
    laptop.git("push", "-qf", str(code), f"HEAD:refs/heads/{run}")
    laptop.git("checkout", "-qf", "main")
    laptop.write("pipeline.yaml", YAML.format("now"))


def test_a_manifest_that_was_not_sealed_is_not_believed(sealed: Laptop) -> None:
    """Its digest stands in the seal; an artifact that fits it proves nothing."""
    wrong = b"wrong\n"
    listed = {"size": len(wrong), "sha256": hashlib.sha256(wrong).hexdigest()}
    forge(
        sealed,
        **{
            "artifacts/one/one.txt": wrong.decode(),
            "results/one/manifest.json": json.dumps(
                {"format": 1, "artifacts": {"one.txt": listed}, "results": {}}
            ),
        },
    )

    assert "not what was sealed" in sealed.pipeline("plan")
    sealed.pipeline("run")

    made = sealed.run_folder() / "tree" / "artifacts" / "two" / "two.txt"
    assert made.read_text() == "right\n"


@pytest.mark.parametrize("junk", ["[1]", '{"acc": "high"}', "{", "[" * 50_000])
def test_metrics_nobody_can_read_are_made_again(sealed: Laptop, junk: str) -> None:
    """What was sealed is a commit, and commits can be made by others."""
    forge(sealed, **{"results/one/metrics.json": junk})

    assert "its metrics cannot be read" in sealed.pipeline("plan")
    sealed.pipeline("run")


def test_metrics_without_end_are_the_stage_s_own_mistake(tmp_path: Path) -> None:
    """Said like any other text that is no JSON."""
    laptop = Laptop(tmp_path)
    nested = "head -c 100000 /dev/zero | tr '\\\\0' '[' > $RESULTS/metrics.json"
    laptop.write("pipeline.yaml", f'name: deep\nstages: {{a: {{sh: "{nested}"}}}}\n')

    assert "metrics.json is not JSON" in laptop.pipeline("run", code=4)


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--only="),
        ("plan", "--from="),
        ("plan", "--until="),
        ("run", "--force="),
        ("plan", "--until=*"),
        ("explain", ""),
        ("explain", "*"),
    ],
    ids=" ".join,
)
def test_a_stage_named_by_nothing_is_refused(
    sealed: Laptop, words: tuple[str, ...]
) -> None:
    """As a script says it whose variable is not set; it would mean all or none."""
    assert "no stage is called" in sealed.pipeline(*words, code=2)


def test_a_command_depends_on_what_lies_in_its_worktree(laptop: Laptop) -> None:
    """What an earlier stage collected is read by its own path, and nobody says so."""
    laptop.write(
        "pipeline.yaml",
        "name: x\nstages:\n"
        "  prepare:\n    sh: mkdir -p cw; echo n={n} > cw/data.csv\n"
        "    params: {n: 1}\n    collect: ['cw/*']\n"
        "  between: {sh: 'true', after: [prepare]}\n"
        "  train:\n    sh: cat cw/data.csv > $OUT/t\n    after: [between]\n"
        "    outputs: [t]\n",
    )
    laptop.commit()
    laptop.pipeline("run")
    assert "all of it is sealed already" in laptop.pipeline("run")

    laptop.pipeline("run", "--set", "prepare.n=2")

    made = laptop.run_folder() / "tree/artifacts/train/t"
    assert made.read_text() == "n=2\n"
