"""Foreign scripts that are cut off, fail and are reused: like a run never cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.laptop import Laptop

YAML = """\
name: foreign
stages:
  train:
    sh: sh train.sh {steps}
    params: {steps: 1}
    collect: ["logs/*", "model/*", "seen.txt"]
    retries: 1
  evaluate:
    sh: sh evaluate.sh
    inputs: [train/logs/log.csv, train/model/last.bin]
    collect: ["logs/*"]
"""
# It makes its folder itself, appends, rewrites a tracked file, and leaves half a file.
TRAIN = """\
mkdir model
echo step >> logs/log.csv
echo changed >> seen.txt
head -c 100 /dev/zero > model/half.tmp
if [ -e $CHECKPOINTS/tried ] || [ "$FAIL_FIRST" != 1 ]; then
  mv model/half.tmp model/last.bin
else
  touch $CHECKPOINTS/tried
  echo extra > logs/extra.txt
  exit 1
fi
"""
EVALUATE = """\
echo evaluated >> logs/log.csv
wc -c < model/last.bin > logs/size.txt
"""


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    """A repository of somebody else, whose scripts know fixed relative paths only."""
    laptop = Laptop(tmp_path)
    laptop.write("pipeline.yaml", YAML)
    laptop.write("train.sh", TRAIN)
    laptop.write("evaluate.sh", EVALUATE)
    laptop.write("logs/log.csv", "begin\n")
    laptop.write("seen.txt", "as it was\n")
    laptop.commit()
    return laptop


def artifacts(laptop: Laptop) -> dict[str, str]:
    """What each seal holds below artifacts/, as git names it."""
    rows = {}
    for stage, listing in laptop.trees().items():
        rows[stage] = "\n".join(r for r in listing.splitlines() if "\tartifacts/" in r)
    return rows


def test_a_second_try_begins_like_the_first(laptop: Laptop) -> None:
    """It appends to what the snapshot holds, and what the first one left is gone."""
    laptop.pipeline("run")
    whole = artifacts(laptop)

    laptop.pipeline("run", "--force", env={"FAIL_FIRST": "1"})

    assert "stage_started train" in laptop.story()
    assert [e["attempt"] for e in laptop.events() if e["kind"] == "stage_started"] == [
        *(1, 2, 1),
    ]
    assert artifacts(laptop) == whole


@pytest.mark.parametrize("stage", ["train", "evaluate"])
@pytest.mark.parametrize("point", ["started", "ended", "verified", "published"])
def test_a_cut_ends_like_a_run_never_cut(
    laptop: Laptop, stage: str, point: str
) -> None:
    """Half-written files of the killed attempt lie in the worktree until then."""
    laptop.pipeline("run")
    whole = artifacts(laptop)

    laptop.pipeline(
        *("run", "--force"), code=None, env={"PIPELINE_DIE_AT": f"{stage}:{point}"}
    )
    laptop.pipeline("resume")

    assert laptop.seals() == ["train", "evaluate"]
    assert artifacts(laptop) == whole


def test_what_a_reused_stage_had_collected_is_found_by_the_next(
    laptop: Laptop,
) -> None:
    """It never ran in that worktree, and yet its files lie where it wrote them."""
    laptop.pipeline("run")
    laptop.write("evaluate.sh", EVALUATE.replace("evaluated", "again"))
    yaml = YAML.replace(
        "    sh: sh train.sh", "    code: [train.sh]\n    sh: sh train.sh"
    )
    laptop.write("pipeline.yaml", yaml)
    laptop.pipeline("run")
    laptop.write("evaluate.sh", EVALUATE.replace("evaluated", "once more"))

    laptop.pipeline("run")

    assert "stage_started train" not in laptop.story()
    log = laptop.run_folder() / "tree/artifacts/evaluate/logs/log.csv"
    assert log.read_text() == "begin\nstep\nonce more\n"
