"""The worktree a foreign script finds: put right before each attempt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

from pipeline import artifact, collecting, draft
from pipeline.artifact import Manifest
from pipeline.attempt import AttemptPaths
from pipeline.errors import StageFailed
from pipeline.git import Git
from pipeline.layout import RunPaths
from pipeline.schema import Data, Pipeline, Resolved, Stage
from tests.repos import run_git

FIRST = Stage(name="first", sh="x", collect=("shared/*", "first.txt"))
SECOND = Stage(name="second", sh="x", after=("first",), collect=("shared/*", "own/*"))
OTHER = Stage(name="other", sh="x", collect=("*.log",))
TRACKED = {"shared/old.txt": "old\n", "shared/tool.sh": "exit\n", "src/a.py": "a\n"}


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose worktree lies there, and its stages."""

    paths: RunPaths
    plan: Resolved

    @property
    def base(self) -> Path:
        """Where foreign scripts work."""
        return self.paths.base

    def settle(self, stage: Stage, *sealed: str) -> None:
        """Make the worktree ready for `stage`."""
        git = Git(self.base / ".git")
        collecting.settle(stage, self.plan, self.paths, sealed, git)

    def seals(self, stage: str, **files: str) -> None:
        """Seal a stage that collected these files."""
        home = self.paths.artifacts / stage
        for name, text in files.items():
            write(home / name.replace("__", "/"), text)
        results = self.paths.results / stage
        manifest = Manifest(artifacts=artifact.survey(home), results={})
        write(results / draft.MANIFEST, manifest.text())

    def lies(self) -> dict[str, str]:
        """What lies in the worktree that is nobody's secret."""
        found = {}
        for place, folders, names in os.walk(self.base):
            folders[:] = [f for f in folders if f not in (".git", "artifacts")]
            for name in [
                *names,
                *(f for f in folders if (Path(place, f)).is_symlink()),
            ]:
                path = Path(place, name)
                text = (
                    f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
                )
                found[path.relative_to(self.base).as_posix()] = text
        return {k: v for k, v in found.items() if not k.startswith("results/")}


def write(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a snapshot, of which nothing was tried yet."""
    paths = RunPaths(tmp_path / "p" / "runs" / "r", PurePosixPath())
    for name, text in TRACKED.items():
        write(paths.base / name, text)
    (paths.base / "shared/tool.sh").chmod(0o755)
    (paths.base / "link").symlink_to("src")
    run_git(paths.base, "init", "-q")
    run_git(paths.base, "add", "-A")
    run_git(paths.base, "commit", "-q", "-m", "snapshot")
    (paths.base / "data").symlink_to(tmp_path)
    plan = Resolved(
        run="r",
        project="p",
        host="local",
        snapshot=run_git(paths.base, "rev-parse", "HEAD").decode().strip(),
        branch="run/r",
        pipeline=Pipeline(
            name="p",
            stages=(FIRST, SECOND, OTHER),
            data=(Data(name="data", path="data"),),
        ),
    )
    return Run(paths, plan)


def test_what_an_earlier_try_left_is_gone(run: Run) -> None:
    """A half-written file of it would pass for one that is whole."""
    before = run.lies()
    write(run.base / "shared/new.txt", "half")
    write(run.base / "own/deep/new.txt", "half")
    write(run.base / "shared/old.txt", "changed")
    (run.base / "shared/tool.sh").chmod(0o644)
    (run.base / "own/dead").symlink_to("nowhere")
    (run.base / "own/away").symlink_to("/")

    run.settle(SECOND)

    assert run.lies() == before
    assert not (run.base / "own").exists()
    assert os.access(run.base / "shared/tool.sh", os.X_OK)


def test_what_was_deleted_is_there_again(run: Run) -> None:
    """A try that moved a file away began with it."""
    before = run.lies()
    (run.base / "shared/old.txt").unlink()
    (run.base / "shared/tool.sh").unlink()

    run.settle(SECOND)

    assert run.lies() == before


def test_files_it_may_not_collect_are_let_alone(run: Run) -> None:
    """Caches and builds in the worktree are worth keeping."""
    write(run.base / "src/a.py", "changed")
    write(run.base / "cache/x", "dear")

    run.settle(SECOND)

    assert run.lies()["src/a.py"] == "changed"
    assert run.lies()["cache/x"] == "dear"


def test_what_sealed_stages_collected_lies_where_they_wrote_it(run: Run) -> None:
    """Also when the stage was reused, and never ran in this worktree."""
    run.seals("first", shared__new="sealed", **{"first.txt": "sealed"}, out="kept")

    run.settle(SECOND, "first")

    assert run.lies()["shared/new"] == "sealed"
    assert run.lies()["first.txt"] == "sealed"
    assert "out" not in run.lies()


def test_what_a_try_did_to_sealed_files_is_undone(run: Run) -> None:
    """A script that appends must not append twice."""
    run.seals("first", shared__log="one\n", **{"shared/old.txt": "newer\n"})
    write(run.base / "shared/log", "one\ntwo, but then it d")

    run.settle(SECOND, "first")

    assert run.lies()["shared/log"] == "one\n"
    assert run.lies()["shared/old.txt"] == "newer\n"


def test_files_of_a_stage_it_does_not_need_stay_away(run: Run) -> None:
    """What is not declared is not there by chance either."""
    run.seals("other", **{"run.log": "of another"})

    run.settle(SECOND, "other")

    assert "run.log" not in run.lies()


def test_a_link_in_the_way_leads_nobody_out_of_the_worktree(
    run: Run, tmp_path: Path
) -> None:
    """A folder replaced by a link would have us write behind it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    run.seals("first", shared__new="sealed")
    for name in ("old.txt", "tool.sh"):
        (run.base / "shared" / name).unlink()
    (run.base / "shared").rmdir()
    (run.base / "shared").symlink_to(outside)

    run.settle(SECOND, "first")

    assert not list(outside.iterdir())
    assert run.lies()["shared/new"] == "sealed"
    assert run.lies()["shared/old.txt"] == "old\n"


def test_data_and_our_own_files_are_never_touched(run: Run) -> None:
    """A pattern of everything is not a licence for everything."""
    everything = Stage(name="second", sh="x", collect=("*",))
    write(run.base / "results/events.jsonl", "{}\n")
    write(run.base / "artifacts/first/x", "x")

    run.settle(everything)

    assert (run.base / "data").is_symlink()
    assert (run.base / "results/events.jsonl").exists()
    assert (run.base / "artifacts/first/x").exists()
    assert run.lies()["link"] == "-> src"


def test_doing_it_again_changes_nothing(run: Run) -> None:
    """Not even a time: what was put right is right."""
    run.seals("first", shared__new="sealed")
    run.settle(SECOND, "first")
    looks = draft.stamps(run.base, ["*"], frozenset())

    run.settle(SECOND, "first")

    assert draft.stamps(run.base, ["*"], frozenset()) == looks


def collected(run: Run, patterns: tuple[str, ...], script: str) -> dict[str, str]:
    """Give what is collected of that which a script does in its worktree."""
    attempt = AttemptPaths(run.paths.attempts / "second.1")
    run.paths.attempts.mkdir(exist_ok=True)
    draft.make(attempt)
    never = collecting.never(run.plan)
    before = draft.stamps(run.base, patterns, never)
    assert os.system(f"cd {run.base} && {script}") == 0
    after = draft.stamps(run.base, patterns, never)
    draft.collect(run.base, before, after, attempt)
    names = (p for p in attempt.out.rglob("*") if p.is_file())
    return {p.relative_to(attempt.out).as_posix(): p.read_text() for p in names}


SCRIPTS: dict[str, tuple[str, dict[str, str]]] = {
    "new": ("echo x > shared/new", {"shared/new": "x\n"}),
    "changed": ("echo y >> shared/old.txt", {"shared/old.txt": "old\ny\n"}),
    "written again": ("echo old > shared/old.txt", {"shared/old.txt": "old\n"}),
    "of the same size and time": (
        "cp -p shared/old.txt t; echo alt > shared/old.txt; touch -r t shared/old.txt",
        {"shared/old.txt": "alt\n"},
    ),
    "replaced": ("echo z > z; mv z shared/old.txt", {"shared/old.txt": "z\n"}),
    "read": ("cat shared/old.txt >/dev/null", {}),
    "deleted": ("rm shared/old.txt", {}),
    "a link to a file": ("ln -s old.txt shared/best", {"shared/best": "old\n"}),
    "a link to nothing": ("ln -s nowhere shared/dead", {}),
    "a link to itself": ("ln -s loop shared/loop", {}),
    "a link to a folder": ("ln -s ../src shared/src", {}),
    "a pipe": ("mkfifo shared/pipe", {}),
    "through data": ("ln -s ../data shared/d", {}),
    "an empty folder": ("mkdir shared/empty", {}),
    "elsewhere": ("echo x > elsewhere", {}),
    "a hidden file": (
        "mkdir shared/.h; echo x > shared/.h/.i",
        {"shared/.h/.i": "x\n"},
    ),
    "spaces": ("echo x > 'shared/a b\tc'", {"shared/a b\tc": "x\n"}),
}


@pytest.mark.parametrize(("script", "taken"), SCRIPTS.values(), ids=SCRIPTS)
def test_only_what_changed_since_the_attempt_began_is_taken(
    run: Run, script: str, taken: dict[str, str]
) -> None:
    """Each row: what a script does, and what is collected of it."""
    assert collected(run, ("shared/*",), script) == taken


def test_a_file_that_cannot_be_collected_is_named(run: Run) -> None:
    """A folder where a file should go: the stage made both under one name."""
    out = run.paths.attempts / "second.1" / "out"

    with pytest.raises(StageFailed) as failure:
        collected(run, ("shared/*",), f"echo x > {out}/shared; echo x > shared/new")

    assert failure.value.message == "'shared/new' cannot be collected: File exists"
    assert str(run.base) in failure.value.hint
