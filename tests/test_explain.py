"""What changed is named and shown: in the stage itself, or at the top of the way up."""

from __future__ import annotations

import json
import os

import pytest

from tests.laptop import Laptop
from tests.reused import written

YAML = """\
name: explained
params: {seed: 1}
stages:
  one:
    run: stages.one
    params: {epochs: 2}
    outputs: [one.txt]
  two:
    sh: cat {one/one.txt} > $OUT/two.txt
    code: [tools]
    outputs: [two.txt]
  three:
    sh: cat {two/two.txt}
    code: [tools]
"""
ONE = """\
import dataclasses


@dataclasses.dataclass
class Params:
    epochs: int = 1


def run(params, ctx):
    with ctx.output("one.txt") as path:
        path.write_text(f"{params}")
"""


@pytest.fixture
def laptop(laptop: Laptop) -> Laptop:
    """A pipeline of three stages in a row that was run."""
    del laptop.env["PYTHONPATH"]
    laptop.write("pipeline.yaml", YAML)
    laptop.write("stages/one.py", ONE)
    laptop.write("tools/x", "x\n")
    laptop.commit()
    laptop.pipeline("run")
    return laptop


def edit(laptop: Laptop, name: str, old: str, new: str) -> None:
    """Edit a place in a file."""
    text = (laptop.repo / name).read_text()
    assert old in text
    laptop.write(name, text.replace(old, new))


def test_a_stage_in_which_nothing_changed(laptop: Laptop) -> None:
    """It says so, with the seal it was compared with, and how to execute it anyway."""
    said = laptop.pipeline("explain", "two")

    lines = said.splitlines()
    assert lines[0] == f"two is reused: nothing changed since {laptop.run_id}"
    assert lines[1].endswith(f"of run {laptop.run_id}: nothing differs")
    assert lines[-1] == "execute it all the same: pipeline run --force two"


def test_code_and_params_are_shown_with_both_sides(laptop: Laptop) -> None:
    """The file by its difference, the param by its values."""
    edit(laptop, "stages/one.py", "int = 1", "int = 7")
    edit(laptop, "pipeline.yaml", "epochs: 2", "epochs: 5")

    said = laptop.pipeline("explain", "one")

    assert "one is executed: param epochs: 2 -> 5, code stages/one.py changed" in said
    assert "      -    epochs: int = 1\n      +    epochs: int = 7\n" in said
    assert said.endswith("run it: pipeline run --until one\n")


def test_a_stage_that_waits_shows_the_first_cause(laptop: Laptop) -> None:
    """Two stages up, with the way there."""
    edit(laptop, "pipeline.yaml", "epochs: 2", "epochs: 5")

    said = laptop.pipeline("explain", "three")

    assert said.startswith("three waits for what two will give\n")
    assert (
        "three needs two, two needs one:\none is executed: param epochs: 2 -> 5" in said
    )
    document = json.loads(laptop.pipeline("explain", "three", "--json"))
    assert document["kind"] == "wait"
    assert [cause["stage"] for cause in document["causes"]] == ["one"]


def test_a_stage_that_waits_shows_what_of_its_own_changed(laptop: Laptop) -> None:
    """Once, though an earlier stage has the same change."""
    edit(laptop, "pipeline.yaml", "epochs: 2", "epochs: 5")
    laptop.write("tools/x", "y\n")

    said = laptop.pipeline("explain", "three")

    assert "  code tools/x changed\n      @@ -1 +1 @@\n      -x\n      +y\n" in said
    assert "  code tools/x changed (see above)\n" in said
    assert said.count("+y") == 1
    plan = laptop.pipeline("plan")
    assert "waits for what two will give; code tools/x changed" in plan


def test_an_input_that_changed_in_another_run_leads_to_its_cause(
    laptop: Laptop,
) -> None:
    """The earlier stage is sealed already; what made it differ is found."""
    edit(laptop, "pipeline.yaml", "epochs: 2", "epochs: 5")
    laptop.pipeline("run", "--until", "two")

    said = laptop.pipeline("explain", "three")

    assert said.startswith("three is executed: input two/two.txt changed\n")
    assert "three needs two, two needs one:\n" in said
    assert "  param epochs: 2 -> 5\n" in said


def test_a_stage_that_gives_something_else_each_time_is_named(laptop: Laptop) -> None:
    """Nothing changed but what it gave: its outputs are not determined."""
    edit(laptop, "pipeline.yaml", "sh: cat {one/one.txt} >", "sh: date +%N >")
    laptop.pipeline("run")
    laptop.pipeline("run", "--force", "two", "--until", "two")

    said = laptop.pipeline("explain", "three")

    assert "input two/two.txt changed" in said
    assert "they were executed again, and gave other files" in said


def test_a_shell_stage_names_the_file_of_the_whole_snapshot(laptop: Laptop) -> None:
    """Though its seal holds one hash for all of them."""
    edit(laptop, "pipeline.yaml", "    code: [tools]\n", "")
    laptop.pipeline("run")
    laptop.write("deep/new.txt", "hello\n")
    (laptop.repo / "tools/x").unlink()

    said = laptop.pipeline("explain", "two")

    assert "  code deep/new.txt is new\n      @@ -0,0 +1 @@\n      +hello\n" in said
    assert "  code tools/x is gone\n" in said


def test_a_run_can_be_named(laptop: Laptop) -> None:
    """Compared with the seal of that run, and not with the newest."""
    first = laptop.run_id
    edit(laptop, "pipeline.yaml", "epochs: 2", "epochs: 5")
    laptop.pipeline("run")

    assert "nothing differs" in laptop.pipeline("explain", "one")
    said = laptop.pipeline("explain", "one", first)
    assert said.startswith("one is reused: ")
    assert f"of run {first}\n  param epochs: 2 -> 5\n" in said


def test_a_run_that_holds_no_seal_of_it(laptop: Laptop) -> None:
    """It is said, and what would happen all the same."""
    laptop.pipeline("run", "--until", "one", "--force")

    said = laptop.pipeline("explain", "three", laptop.run_id)

    assert said.startswith("three is reused: ")
    assert f"run {laptop.run_id} holds no seal of it" in said


def test_what_cannot_be_shown_is_said(laptop: Laptop) -> None:
    """Bytes that are no text, a file that is too large, a right to execute."""
    (laptop.repo / "tools/bin").write_bytes(b"\0" * 500)
    laptop.write("tools/large", "x" * 200_000)
    (laptop.repo / "tools/x").chmod(0o755)

    said = laptop.pipeline("explain", "two")

    assert "  code tools/bin is new\n      no text: 0 B -> 500 B\n" in said
    assert (
        "  code tools/large is new\n      too large to show: 0 B -> 200.0 kB\n" in said
    )
    assert "  code tools/x changed\n      its mode was 100644, is 100755\n" in said


def test_a_long_difference_is_cut(laptop: Laptop) -> None:
    """With how much there is more."""
    laptop.write("tools/x", "".join(f"{n}\n" for n in range(500)))

    said = laptop.pipeline("explain", "two")

    assert "lines more\n" in said
    assert len(said.splitlines()) < 60


def test_hostile_names_and_texts_draw_only_where_they_stand(laptop: Laptop) -> None:
    """No escape, no carriage return, no sign that turns the reading direction."""
    evil = "tools/\x1b[2J\r\nevil\u202e.txt"
    laptop.write(evil, "one\x1b]0;title\x07\rtwo\u202e\n")
    (laptop.repo / os.fsdecode(b"tools/\xff\xfe")).write_bytes(b"\xff\xfe\n")
    edit(laptop, "pipeline.yaml", "{epochs: 2}", '{epochs: 3, "a\\e[31m": "\\e[31m"}')
    edit(laptop, "stages/one.py", "epochs: int", "epochs: float")

    for verb in (("plan",), ("explain", "two"), ("explain", "one")):
        said = laptop.pipeline(*verb, code=None)
        assert not set(said) & set("\x1b\r\x07\u202e"), verb


def test_a_stage_nobody_knows_is_refused_with_the_near_name(laptop: Laptop) -> None:
    """As everywhere."""
    said = laptop.pipeline("explain", "thre", code=2)

    assert "no stage is called 'thre'" in said
    assert "three" in said


def test_a_stage_that_was_never_sealed(laptop: Laptop) -> None:
    """There is nothing to compare it with."""
    edit(laptop, "pipeline.yaml", "  three:", "  four:")

    said = laptop.pipeline("explain", "four")

    assert said.startswith("four is executed: never sealed on this host\n")
    assert "compared with" not in said


def test_explain_and_plan_leave_nothing_behind(laptop: Laptop) -> None:
    """No run, no branch, no record; the work is as it was."""
    before = sorted(
        path for path in laptop.repo.rglob("*") if ".pipeline" not in str(path)
    )
    runs = sorted((laptop.repo / ".pipeline/runs").iterdir())
    laptop.write("tools/x", "y\n")
    status = laptop.git("status", "--short")

    laptop.pipeline("explain", "two")
    laptop.pipeline("plan")
    laptop.pipeline("run", "--dry-run")

    assert laptop.git("status", "--short") == status
    assert sorted((laptop.repo / ".pipeline/runs").iterdir()) == runs
    after = sorted(
        path for path in laptop.repo.rglob("*") if ".pipeline" not in str(path)
    )
    assert [p for p in after if "/.git/" not in str(p)] == [
        p for p in before if "/.git/" not in str(p)
    ]


def test_an_old_seal_without_a_fingerprint_document_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Of another version: it is executed, and that is why."""
    laptop = written(Laptop(tmp_path_factory.mktemp("old")))
    laptop.pipeline("run", "--until", "whole")
    (code,) = laptop.home.glob(".pipeline/*/code.git")
    branch = f"run/{laptop.run_id}"
    git = ("--git-dir", str(code))
    message = laptop.git(
        *git, "log", "-1", "--format=%B", "--grep=Stage: whole", branch
    )
    message = message.replace("Fingerprint: sha256:", "Fingerprint: sha256:00")
    empty = laptop.git(*git, "mktree", "--missing", "/dev/null", check=False) or (
        laptop.git("hash-object", "-w", "-t", "tree", "/dev/null")
    )
    laptop.git(*git, "hash-object", "-w", "-t", "tree", "/dev/null")
    commit = laptop.git(*git, "commit-tree", empty, "-m", message)
    laptop.git(*git, "update-ref", f"refs/heads/{branch}", commit)

    assert "sealed by another version" in laptop.pipeline("plan")
