"""Artifacts come home verified, and only those that are sealed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import events, files
from pipeline.artifact import Artifact, Manifest
from pipeline.errors import HostError, IntegrityError, PipelineError, SpecError
from remote.bringing import rsync
from remote.bringing.folders import own_folder
from remote.bringing.landing import check_room
from remote.bringing.manifests import check_names
from remote.bringing.pull import pull
from remote.bringing.sync import Sync
from remote.bringing.wanted import Wanted
from remote.far import Far
from tests.afar import Remote
from tests.byhand import ByHand
from tests.fixtures_lab import COMFORTS
from tests.lab import Host, Lab
from tests.laptop import wait_until

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

    pulled = pull(box.far, box.record, box.paths, [])
    assert [(stage, name) for stage, name, _ in pulled.files] == [("a", "m.pt")]
    assert (pulled.size, pulled.fetched) == (5, 5)
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


@pytest.fixture(params=["rsync", "tar"])
def far(
    request: pytest.FixtureRequest, box: ByHand, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Far]:
    """Each of these tests runs over both ways home; one sealed stage is there."""
    hear(box, shapes("a", "b"), SEALED)
    if request.param == "tar":
        # No rsync on the PATH of this machine, and git all the same.
        tools = box.paths.root.parent / "bin"
        tools.mkdir()
        for name in ("git", "sh", "rm"):
            (tools / name).symlink_to(str(shutil.which(name)))
        monkeypatch.setenv("PATH", str(tools))
    rsync.is_fit.cache_clear()
    yield box.far
    rsync.is_fit.cache_clear()


def model(box: ByHand) -> Path:
    """Where the sealed file lies here."""
    return box.paths.artifacts / box.record.run / "a" / "m.pt"


def test_a_file_that_was_damaged_here_is_brought_anew(box: ByHand, far: Far) -> None:
    """Though its size and its time are what they were."""
    pull(far, box.record, box.paths, [])
    before = model(box).stat()
    model(box).write_bytes(b"lemod")
    os.utime(model(box), (before.st_atime, before.st_mtime))

    pulled = pull(far, box.record, box.paths, [])

    assert model(box).read_bytes() == b"model"
    assert pulled.fetched == 5
    assert pull(far, box.record, box.paths, []).fetched == 0


def test_a_part_is_gone_on_with(box: ByHand, far: Far) -> None:
    """What an earlier pull left, hidden, does not come again."""
    data = os.urandom(3_000_000)
    seal(box, "a", data=data)
    part = model(box).parents[1] / ".incoming" / "files" / "a" / "m.pt"
    part.parent.mkdir(parents=True)
    part.write_bytes(data[:2_000_000])

    pulled = pull(far, box.record, box.paths, ["a"])

    assert model(box).read_bytes() == data
    assert pulled.fetched == 1_000_000
    assert not (model(box).parents[1] / ".incoming").exists()


def test_a_part_of_another_file_is_no_beginning(box: ByHand, far: Far) -> None:
    """Then all of it is brought, once more."""
    data = os.urandom(300_000)
    seal(box, "a", data=data)
    part = model(box).parents[1] / ".incoming" / "files" / "a" / "m.pt"
    part.parent.mkdir(parents=True)
    part.write_bytes(os.urandom(200_000))

    pull(far, box.record, box.paths, ["a"])

    assert model(box).read_bytes() == data


def test_what_the_box_has_not_as_sealed_gets_no_name_here(
    box: ByHand, far: Far
) -> None:
    """The error names the file; the others are here, whole."""
    seal(box, "a", name="fine.pt")
    listed = box.there.manifest("a").read_text()
    seal(box, "a")
    both = Manifest(
        artifacts={
            name: Artifact(size=5, sha256=hashlib.sha256(b"model").hexdigest())
            for name in ("fine.pt", "m.pt")
        },
        results={},
    )
    assert "fine.pt" in listed
    box.there.manifest("a").write_text(both.text())
    (box.artifacts / "a" / "m.pt").write_bytes(b"lemod")

    with pytest.raises(IntegrityError, match=r"'m.pt' is not what stage 'a' sealed"):
        pull(far, box.record, box.paths, [])

    here = model(box).parents[1]
    found = {p.relative_to(here).as_posix() for p in here.rglob("*") if p.is_file()}
    assert found == {"a/fine.pt"}


def test_two_pulls_of_a_run_do_not_meet(box: ByHand, far: Far) -> None:
    """They would write into one folder."""
    pull(far, box.record, box.paths, [])
    lock = box.paths.memory / "mirrors" / f"{box.record.run}.pull.lock"
    held = files.open_lock(lock)
    assert held is not None

    with pytest.raises(HostError, match="another `pipeline pull` of run"):
        pull(far, box.record, box.paths, [])

    os.close(held)


def test_a_disk_without_room_is_told_before(tmp_path: Path) -> None:
    """In bytes: what can be taken, and what is to come."""
    with pytest.raises(HostError, match=r"has no room: .* and 1,152,921,504,606,846,9"):
        check_room(tmp_path, 1 << 60)


def test_two_names_that_this_disk_takes_for_one() -> None:
    """As a Mac does: one of them would vanish without a word."""
    one = Artifact(size=1, sha256="")
    listed = Manifest(artifacts={"M.pt": one, "m.pt": one}, results={})
    check_names("a", listed, is_blind=False)

    with pytest.raises(HostError, match=r"has both 'M.pt' and 'm.pt'"):
        check_names("a", listed, is_blind=True)


BIG = """\
name: big
stages:
  a:
    sh: head -c 24000000 /dev/urandom > $OUT/m.bin; echo small > $OUT/s.txt
    outputs: [m.bin, s.txt]
"""


def sent_by(box: Host) -> int:
    """How much the box has sent over its cable so far."""
    told = box.exec("cat /proc/net/dev").splitlines()
    line = next(line for line in told if "eth0" in line)
    return int(line.partition(":")[2].split()[8])


def size_below(folder: Path) -> int:
    """How much lies below a folder that is being written."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place, name).lstat().st_size
    return total


@pytest.mark.parametrize("tools", [(), COMFORTS], ids=["rsync", "tar"])
def test_a_pull_that_was_cut_off_goes_on(
    laptop_with: Callable[[Host, str], Remote], lab: Lab, tools: tuple[str, ...]
) -> None:
    """At half of a file, over a slow line; what had come does not come again."""
    with lab.host(f"pull{lab.made}", shaped=True, hide_tools=tools) as box:
        laptop = laptop_with(box, BIG)
        laptop.pipeline("run", "--host", "gpu")
        box.shape(delay_ms=5, rate_mbit=60)
        target = laptop.repo / "artifacts" / laptop.run_id
        pulling = laptop.spawn("pull")
        wait_until(lambda: size_below(target) > 8_000_000, "a third of it")
        os.killpg(pulling.pid, signal.SIGINT)
        told, _ = pulling.communicate()
        assert f"go on with: pipeline pull {laptop.run_id}" in told
        wait_until(is_quiet(target), "nothing more")
        kept, before = size_below(target), sent_by(box)
        assert not (target / "a").exists()
        assert 8_000_000 < kept < 20_000_000
        box.shape()

        said = laptop.pipeline("pull")

        assert "2 files, 24.0 MB verified" in said
        assert sent_by(box) - before < 25_500_000 - kept


def is_quiet(target: Path) -> Callable[[], bool]:
    """Tell whether a folder has stopped growing."""
    seen = [-1, 0]

    def look() -> bool:
        now = size_below(target)
        seen[:] = [now, seen[1] + 1 if now == seen[0] else 0]
        return seen[1] > 20

    return look


@pytest.fixture
def laptop_with(tmp_path: Path, lab: Lab) -> Callable[[Host, str], Remote]:
    """Make a laptop with a box."""
    return lambda box, text: Remote(tmp_path).on(box, lab, text)


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
