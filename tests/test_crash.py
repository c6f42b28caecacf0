"""Whatever is killed, and whenever: taking the run up again ends like any other."""

from __future__ import annotations

import pytest

from pipeline.runner import CRASH_POINTS
from tests.laptop import Laptop

STAGES = ["one", "two", "three"]


@pytest.fixture(scope="session")
def never_cut(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the seals of a run hold that nothing happened to."""
    twin = Laptop(tmp_path_factory.mktemp("twin")).with_chain()
    twin.pipeline("run")
    return twin.trees()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("point", CRASH_POINTS)
def test_a_killed_run_ends_like_any_other(
    chain: Laptop, never_cut: dict[str, str], stage: str, point: str
) -> None:
    """Same files, same seals, once each."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": f"{stage}:{point}"})
    chain.wait_for_runner(lives=False)
    killed = chain.story()

    chain.pipeline("resume")

    assert killed[-1] != "run_ended"
    assert chain.seals() == STAGES
    assert chain.trees() == never_cut
    sealed = [line for line in chain.story() if line.startswith("stage_sealed")]
    assert sealed == [f"stage_sealed {stage}" for stage in STAGES]


def test_a_run_killed_again_and_again_ends_like_any_other(
    chain: Laptop, never_cut: dict[str, str]
) -> None:
    """Every stage dies at another point, on the way through one run."""
    deaths = ["one:sealing", "one:sealed", "two:published", "three:started"]
    first, *others = deaths
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": first})
    chain.wait_for_runner(lives=False)
    for death in others:
        chain.pipeline("resume", "--detach", env={"PIPELINE_DIE_AT": death})
        chain.wait_for_runner(lives=False)

    chain.pipeline("resume")

    assert chain.seals() == STAGES
    assert chain.trees() == never_cut


def test_a_sealed_file_that_was_lost_is_put_back(
    chain: Laptop, never_cut: dict[str, str]
) -> None:
    """The commit is the fact: what lies in it is restored before it is read."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "two:started"})
    chain.wait_for_runner(lives=False)
    made = chain.run_folder() / "tree" / "artifacts" / "one" / "one.txt"
    made.write_text("???\n")

    chain.pipeline("resume")

    assert made.read_text() == "one\n"
    assert chain.trees() == never_cut


def test_a_large_file_that_was_lost_is_named(laptop: Laptop) -> None:
    """What git does not hold cannot be put back: it is said, nothing built on it."""
    text = (
        "name: x\ngit: {max_file: 1kB}\nstages:\n"
        "  a: {sh: head -c 5000 /dev/zero > $OUT/big, outputs: [big]}\n"
        "  b: {sh: 'wc -c {a/big} > $OUT/size', outputs: [size]}\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    laptop.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "b:started"})
    laptop.wait_for_runner(lives=False)
    (laptop.run_folder() / "tree/artifacts/a/big").unlink()

    said = laptop.pipeline("resume", code=7)

    assert "stage 'a' is sealed, but its artifacts are not whole: big" in said
    assert laptop.seals() == ["a"]


def test_a_torn_story_is_taken_up(chain: Laptop) -> None:
    """A half line gets its newline, and is nobody's event."""
    chain.pipeline("run", "--detach", env={"PIPELINE_DIE_AT": "two:started"})
    chain.wait_for_runner(lives=False)
    events = chain.run_folder() / "tree/results/events.jsonl"
    with events.open("ab") as file:
        file.write(b'{"v":1,"at":"2026-11-20T00:00:0')

    chain.pipeline("resume")

    assert chain.seals() == STAGES
    assert "done, 3 of 3" in (chain.results / "PROGRESS.txt").read_text()
