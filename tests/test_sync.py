"""Files come home by rsync or as a tar stream: the same ones, and nowhere else."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import codec, pyz
from pipeline.errors import HostError, PipelineError, TransportError
from pipeline.memory import RunRecord
from pipeline.schema import Pipeline, Resolved
from remote.bringing import rsync
from remote.bringing.landing import Landing
from remote.bringing.sync import Sync
from remote.bringing.untar import Unpacking
from remote.bringing.wanted import Wanted
from remote.far import Far
from remote.links.here import Here
from tests.fakes import put_program

RECORD = RunRecord(
    run="20261120-1710-a3f9",
    name="x",
    project="x-1",
    branch="run/r",
    snapshot="9f",
    prefix=".",
    started_at="",
)
PLAN = Resolved(
    run=RECORD.run,
    project=RECORD.project,
    host="local",
    snapshot=RECORD.snapshot,
    branch=RECORD.branch,
    pipeline=Pipeline(name=RECORD.name, stages=()),
)
RESULTS = Wanted(folder="results", include=("*.json", "*.txt", "*.png"), max_file=1000)
MTIME = 1_795_194_603


class Box:
    """This machine as a box, with one run whose folder is filled by hand."""

    def __init__(self, home: Path) -> None:
        """Make the run's folder, and put the runner there."""
        self.root = home / ".pipeline" / RECORD.project / "runs" / RECORD.run
        self.tree = self.root / "tree"
        self.tree.mkdir(parents=True)
        (self.root / "plan.json").write_text(codec.dumps(PLAN))
        self.far = Far(Here(home=home), RECORD.project, None)
        self.far.upload()
        self.target = home / "target"

    def write(self, name: str, data: bytes = b"x") -> Path:
        """Write a file that was made at a known time."""
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (MTIME, MTIME))
        return path

    def bring(self, wanted: Wanted, *, has_rsync: bool) -> dict[str, bytes]:
        """Bring files home; give what is there then."""
        sync = Sync(self.far, RECORD)
        sync._has_rsync = has_rsync
        sync.bring(wanted, self.target)
        return held(self.target)


def held(folder: Path) -> dict[str, bytes]:
    """Read every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(params=["rsync", "tar"])
def way(request: pytest.FixtureRequest) -> str:
    """Each test runs over both ways home."""
    return str(request.param)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A box with results of every kind."""
    box = Box(tmp_path)
    for name in (
        *("train/metrics.json", "train/deep/er/loss.png", "train/a b\n'\".txt"),
        *("train/notes.md", "train/.hidden.txt", "train/.x.txt.7.draft"),
        *(".git/config.txt", "events.jsonl", "PROGRESS.txt", "train/stage.log"),
        os.fsdecode(b"train/latin-\xe9.txt"),
    ):
        box.write(f"results/{name}", os.fsencode(name))
    box.write("results/train/large.json", b"x" * 1001)
    box.write("results/train/limit.json", b"x" * 1000)
    (box.tree / "results/train/link.json").symlink_to("metrics.json")
    (box.tree / "results/linked").symlink_to("train")
    os.mkfifo(box.tree / "results/train/pipe.txt")
    return box


WANTED = {
    "results": (RESULTS, 5),
    "one name": (Wanted(folder="results", include=("metrics.json",)), 1),
    "in a folder of that name": (Wanted(folder="results", include=("er/*.png",)), 1),
    "from the top": (Wanted(folder="results", include=("/train/*.json",)), 3),
    "nothing": (Wanted(folder="results", include=()), 0),
}


@pytest.mark.parametrize(("wanted", "count"), WANTED.values(), ids=WANTED)
def test_both_ways_bring_the_same_files(
    box: Box, way: str, wanted: Wanted, count: int
) -> None:
    """Published, small enough, of a wanted name: no draft, no link, nothing hidden."""
    found = box.bring(wanted, has_rsync=way == "rsync")

    there = held(box.tree / "results")
    assert found == {name: there[name] for name in found}
    assert len(found) == count
    assert not any(Path(name).name.startswith(".") for name in found)


def test_an_artifact_comes_home_by_any_name(box: Box, way: str) -> None:
    """What a stage makes may begin with a dot; a draft of ours is none of it."""
    box.write("artifacts/train/.hydra/config.yaml")
    box.write("artifacts/train/stage.log")
    box.write("artifacts/train/.m.7.draft")
    box.write("artifacts/other/m")

    wanted = Wanted(folder="artifacts", below="train")
    found = box.bring(wanted, has_rsync=way == "rsync")

    assert sorted(found) == ["train/.hydra/config.yaml", "train/stage.log"]


def test_nothing_here_is_ever_deleted(box: Box, way: str) -> None:
    """Neither what the box has no more, nor what it never had."""
    box.bring(RESULTS, has_rsync=way == "rsync")
    (box.tree / "results/train/metrics.json").unlink()
    (box.target / "train/mine.json").write_bytes(b"mine")

    found = box.bring(RESULTS, has_rsync=way == "rsync")

    assert found["train/metrics.json"] == b"train/metrics.json"
    assert found["train/mine.json"] == b"mine"


def test_what_changed_comes_again_and_nothing_else(box: Box, way: str) -> None:
    """Told by size and time, which come along."""
    box.bring(RESULTS, has_rsync=way == "rsync")
    kept = box.target / "train/limit.json"
    before = (kept.stat().st_ino, kept.stat().st_mtime)
    box.write("results/train/metrics.json", b"other")

    found = box.bring(RESULTS, has_rsync=way == "rsync")

    assert found["train/metrics.json"] == b"other"
    assert (kept.stat().st_ino, kept.stat().st_mtime) == (before[0], MTIME)


VERSIONS = {
    "rsync  version 3.5.0  protocol version 32": True,
    "rsync  version 3.2.5  protocol version 31": True,
    "rsync  version v3.2.7  protocol version 31": True,
    "openrsync: protocol version 29\nrsync version 2.6.9 compatible": True,
    "rsync  version 3.2.3  protocol version 31": False,
    "rsync  version 2.6.9  protocol version 29": False,
    "": False,
}


@pytest.mark.parametrize(("said", "is_fit"), VERSIONS.items())
def test_an_rsync_that_believes_a_box_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, *, is_fit: bool
) -> None:
    """Before 3.2.5 it wrote whatever a box named; openrsync refuses such names."""
    text = f"#!/bin/sh\ncat <<.\n{said}\n.\n"
    program = put_program(tmp_path / "bin", "rsync", text)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    assert rsync.is_fit.__wrapped__() is is_fit


def test_an_rsync_that_knows_other_flags_leaves_it_to_the_tar(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever there will be on a Mac."""
    text = "#!/bin/sh\necho 'unknown option' >&2; exit 1\n"
    program = put_program(box.target.parent / "bin", "rsync", text)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    assert len(box.bring(RESULTS, has_rsync=True)) == 5


def test_what_came_before_the_line_broke_is_kept(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that are whole; a part has a name of rsync's own, and is dropped."""
    text = """\
#!/bin/sh
for into; do :; done
mkdir -p $into/train; echo {} > $into/train/new.json; echo x > $into/train/.b.json.XyZ
exit 12
"""
    program = put_program(box.target.parent / "bin", "rsync", text)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    with pytest.raises(TransportError, match="the line broke during rsync"):
        box.bring(RESULTS, has_rsync=True)

    assert held(box.target) == {"train/new.json": b"{}\n"}


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Make the head of a member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mtime = kind, link, MTIME
    info.size = 3 if kind == tarfile.REGTYPE else 0
    return info


def tar_of(*members: tarfile.TarInfo) -> bytes:
    """Write members, each plain one with three bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info in members:
            tar.addfile(info, io.BytesIO(b"bad" if info.size else b""))
    return buffer.getvalue()


HOSTILE = {
    "up": member("../x"),
    "up from below": member("a/../../x"),
    "absolute": member("/tmp/pipeline-test-x"),
    "a link": member("a", tarfile.SYMTYPE, "/etc"),
    "a hard link": member("a", tarfile.LNKTYPE, "/etc/passwd"),
    "a pipe": member("a", tarfile.FIFOTYPE),
    "a device": member("a", tarfile.CHRTYPE),
    "a folder": member("a", tarfile.DIRTYPE),
    "the target itself": member("."),
    "no name": member(""),
}


LIE = (
    "import sys; sys.stdout.buffer.write(open({path!r}, 'rb').read()); sys.exit({code})"
)


def lie(box: Box, data: bytes, code: int = 0) -> None:
    """Put a runner on the box that answers `carry` with these bytes."""
    path = box.root / "lie"
    path.write_bytes(data)
    runner = box.root.parent.parent / "runner" / pyz.name_of(pyz.sources())
    runner.write_text(LIE.format(path=str(path), code=code))


@pytest.mark.parametrize("bad", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_member_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    """A box may lie: what came before it is here, and nothing outside the target."""
    box = Box(tmp_path)
    lie(box, tar_of(member("train/good.json"), bad))
    before = held(tmp_path)

    with pytest.raises(HostError, match="none of a run's"):
        box.bring(RESULTS, has_rsync=False)

    assert held(box.target) == {"train/good.json": b"bad"}
    outside = {k: v for k, v in held(tmp_path).items() if not k.startswith("target/")}
    assert outside == before


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """Somebody put a link into the mirror; nothing is written behind it."""
    box = Box(tmp_path)
    lie(box, tar_of(member("train/x.json")))
    box.target.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (box.target / "train").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(HostError, match="a link lies in the way"):
        box.bring(RESULTS, has_rsync=False)

    assert held(tmp_path / "elsewhere") == {}


BLOCK = 512  # a head is one, and so are three bytes
TORN: dict[str, tuple[int, int, type[PipelineError], str]] = {
    "in a file": (3 * BLOCK + 2, 0, TransportError, "is torn: unexpected end of data"),
    "before anything": (0, 0, TransportError, "is torn: empty file"),
    "between two files": (2 * BLOCK, 1, HostError, "ended with 1"),
    "in a head": (2 * BLOCK + 9, 137, HostError, "ended with 137"),
    "behind the last": (4 * BLOCK, 1, HostError, "ended with 1"),
}


@pytest.mark.parametrize(("cut", "code", "kind", "said"), TORN.values(), ids=TORN)
def test_a_torn_stream_is_told(
    tmp_path: Path, cut: int, code: int, kind: type[PipelineError], said: str
) -> None:
    """Each row: where it ends, how the box's command ended, and what is said of it."""
    box = Box(tmp_path)
    lie(box, tar_of(member("a.json"), member("b.json"))[:cut], code)

    with pytest.raises(kind, match=said):
        box.bring(RESULTS, has_rsync=False)

    whole = {name for name in held(box.target) if not name.startswith(".")}
    assert whole == set(["a.json", "b.json"][: cut // (2 * BLOCK)])


def test_a_box_that_lacks_the_runner_gets_it(box: Box) -> None:
    """The laptop was upgraded since; over rsync nobody would notice."""
    (box.root.parent.parent / "runner" / pyz.name_of(pyz.sources())).unlink()

    assert len(box.bring(RESULTS, has_rsync=False)) == 5


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "..", ".", "/", "//", "\n"]), max_size=6))
def test_no_name_leads_outside(parts: list[str]) -> None:
    """Whatever it is made of, it is refused or lies below the target."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "target")
        target.mkdir()
        data = io.BytesIO(tar_of(member("".join(parts))))
        with tarfile.open(fileobj=data) as tar:
            unpacking = Unpacking(Landing(target, "results"))
            try:
                for info in tar:
                    unpacking.unpack(tar, info)
            except PipelineError:
                assert held(target) == {}

        assert {path.name for path in Path(folder).iterdir()} == {"target"}
