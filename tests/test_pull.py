"""Artifacts come home verified, and only those that are sealed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from pipeline import events, files
from pipeline.artifact import Artifact, Manifest
from pipeline.errors import HostError, PipelineError, SpecError
from remote.folders import own_folder
from remote.pull import pull
from remote.sync import Sync, Wanted
from tests.byhand import ByHand

SEALED = events.StageSealed(
    stage="a", attempt=1, commit="c0", verdict="pass", subject="", duration_s=1.0
)


def shapes(*names: str) -> events.RunStarted:
    """Begin a run with stages of these names."""
    stages = tuple(events.StageShape(name=name) for name in names)
    return events.RunStarted(run="r", name="x", host="h", snapshot="9f", stages=stages)


def seal(box: ByHand, stage: str, name: str = "m.pt", data: bytes = b"model") -> None:
    """Publish a file and its manifest, as before a seal."""
    path = box.artifacts / stage / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    one = Artifact(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    box.there.stage(stage).mkdir(exist_ok=True)
    listed = Manifest(artifacts={name: one}, results={})
    box.there.manifest(stage).write_text(listed.text())


@pytest.fixture
def box(tmp_path: Path) -> ByHand:
    """A run of two stages; both have a manifest, and one is sealed."""
    box = ByHand(tmp_path)
    seal(box, "a")
    seal(box, "b")
    box.here.root.mkdir(parents=True)
    return box


def hear(box: ByHand, *told: events.Happening) -> None:
    """Tell a story that the laptop has heard."""
    box.tell(*told)
    box.here.events.write_bytes(box.there.events.read_bytes())


def test_a_manifest_is_no_seal(box: ByHand) -> None:
    """It is published before: only what the story calls sealed is pulled."""
    hear(box, shapes("a", "b"), SEALED)

    assert pull(box.far, box.record, box.paths, []) == (1, "5 B")
    with pytest.raises(SpecError, match="stage 'b' is not sealed"):
        pull(box.far, box.record, box.paths, ["b"])


@pytest.mark.parametrize("name", ["../../evil", "/tmp/pipeline-evil", "x/../../../y"])
def test_a_manifest_cannot_lead_outside(box: ByHand, name: str) -> None:
    """Names of a box are held against the rules before they become paths."""
    hear(box, shapes("a", "b"), SEALED)
    text = box.there.manifest("a").read_text().replace("m.pt", name)
    box.there.manifest("a").write_text(text)

    with pytest.raises(HostError, match="none of a run's"):
        pull(box.far, box.record, box.paths, [])


@pytest.mark.parametrize("name", ["../x", "/etc", ".git", "a/b"])
def test_a_stage_cannot_lead_outside(box: ByHand, name: str) -> None:
    """Refused, or as good as not there."""
    lie = events.StageSealed(
        stage=name, attempt=1, commit="c", verdict="pass", subject="", duration_s=1.0
    )
    hear(box, shapes(name), lie)

    with pytest.raises(PipelineError, match=r"none of a run's|is not sealed"):
        pull(box.far, box.record, box.paths, [name])

    assert not list((box.paths.artifacts).rglob("*.pt"))


def test_a_tar_that_is_refused_says_why(box: ByHand) -> None:
    """It is the box's own word, and no torn tar."""
    (box.run / "plan.json").unlink()
    sync = Sync(box.far, box.record)
    sync._has_rsync = False

    with pytest.raises(HostError, match=r"host 'box': run '2026.* is not on this box"):
        sync.bring(Wanted(folder="results"), box.here.root)


def test_a_tracked_folder_is_the_users(box: ByHand) -> None:
    """Ours would make new files of theirs vanish from `git status`."""
    from pipeline.git import Git

    theirs = box.paths.root / "theirs"
    theirs.mkdir()
    (theirs / "table.csv").write_text("1\n")
    Git(box.paths.root, is_git_dir=False, is_ours=False).out("add", "theirs")

    with pytest.raises(SpecError) as caught:
        own_folder(theirs)

    assert str(caught.value) == (
        "theirs/ is tracked in git, and runs come home there\n"
        "  move what is yours: git mv theirs old_theirs"
    )
    assert not (theirs / ".gitignore").exists()


def test_an_own_folder_stays_ours(box: ByHand) -> None:
    """Whatever a checked out run's branch tracks there: it was ours before."""
    from pipeline.git import Git

    files.own_ignored_folder(box.paths.results)
    (box.paths.results / "x").write_text("")
    Git(box.paths.root, is_git_dir=False, is_ours=False).out("add", "-f", "results/x")

    own_folder(box.paths.results)
