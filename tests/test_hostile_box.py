"""Whoever owns a box may lie in all it sends: nothing leaves the run's own folders."""

from __future__ import annotations

import io
import os
import shlex
import socket
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import cli, eventlines, events, files, offers
from pipeline.errors import HostError, PipelineError, TransportError
from pipeline.frames import Frame
from pipeline.git import Git
from pipeline.layout import ResultPaths
from remote.bringing import landing
from remote.bringing.fetch import fetch
from remote.bringing.landing import Landing
from remote.bringing.sync import Sync
from remote.bringing.untar import Reading, Unpacking
from remote.bringing.wanted import Wanted
from remote.links.here import Here
from remote.watching import mirror
from remote.watching.mirror import Mirror
from remote.watching.offers import Offers, missing
from remote.watching.reading import Tamed
from tests.byhand import ByHand
from tests.fakes import put_program

CHECKOUT = Path(__file__).parent.parent
EVERYTHING = Wanted(folder="results")
# Nothing of these may ever come home: not by rsync, and not as a tar.
SERVE = """\
#!/bin/sh
# An ssh that serves another folder than the one it was asked for.
while [ "$1" != rsync ]; do shift; done
for last; do :; done
first=
for word; do
  [ "$word" = "$last" ] || first="$first $word"
done
exec $first {evil}/
"""


class Lying(Here):
    """This machine as a box whose rsync is not what it should be."""

    def rsync_flags(self) -> list[str]:
        """Call the program that lies in the home."""
        return ["-e", shlex.quote(str(self.home / "serve"))]

    def rsync_source(self, folder: str) -> str:
        """Ask a box for it."""
        return f"box:{folder}"


@pytest.fixture
def box(tmp_path: Path) -> ByHand:
    """A box with one run."""
    return ByHand(tmp_path)


@pytest.fixture
def evil(box: ByHand, tmp_path: Path) -> Path:
    """A folder of all that no run has, which the box's rsync serves instead."""
    evil = tmp_path / "evil"
    (evil / "train" / ".git").mkdir(parents=True)
    (evil / "good").mkdir()
    (evil / "train" / "link.json").symlink_to("/etc/passwd")
    (evil / "out").symlink_to("/etc")
    os.mkfifo(evil / "train" / "pipe.json")
    os.mknod(evil / "train" / "device.json", 0o20666, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as made:
        # A path may be longer than the address of a socket.
        short = tmp_path.with_name("s")
        made.bind(str(short))
        short.rename(evil / "train" / "socket.json")
    for name in (
        *("train/.git/config", "train/.bashrc", "events.jsonl", "PROGRESS.txt"),
        *("HEARTBEAT.txt", "train/stage.log", ".gitignore"),
        *("train/x\n\x1b]0;owned\x07.json", f"train/{'n' * 255}", "good/fine.json"),
        os.fsdecode(b"train/\xff\xfe.json"),
    ):
        (evil / name).write_bytes(b"evil")
    (evil / "good" / "shut.json").write_bytes(b"shut")
    (evil / "good" / "shut.json").chmod(0)
    (evil / "good").chmod(0o500)
    home = box.run.parents[3]
    put_program(home, "serve", SERVE.format(evil=evil))
    box.far.link = Lying(name="box", home=home)
    return evil


def plain(folder: Path) -> set[str]:
    """Name the files below a folder; whatever is no plain file is a failure."""
    found = set()
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(place, name)
            assert not path.is_symlink()
            assert path.is_dir() or path.is_file(), f"{path} is special"
            if path.is_file():
                found.add(path.relative_to(folder).as_posix())
    return found


FINE = {
    *("good/fine.json", "good/shut.json", "train/x\n\x1b]0;owned\x07.json"),
    *(f"train/{'n' * 255}", os.fsdecode(b"train/\xff\xfe.json")),
}


def test_an_rsync_that_serves_something_else(box: ByHand, evil: Path) -> None:
    """Plain files of plain names come, readable; links and special files do not."""
    Sync(box.far, box.record).bring(EVERYTHING, box.here.root)

    assert plain(box.here.root) == FINE
    assert (box.here.root / "good/shut.json").read_bytes() == b"shut"
    assert evil.is_dir()


def test_what_was_not_asked_for_stays_hidden(box: ByHand, evil: Path) -> None:
    """An rsync that sent more than its rules is looked at before anything is moved."""
    incoming = box.paths.root / "incoming"
    subprocess.run(["cp", "-a", str(evil), str(incoming)], check=True)
    box.here.root.mkdir(parents=True)

    with pytest.raises(HostError, match="none of a run's"):
        Landing(box.here.root, "results").land(incoming)

    assert plain(box.here.root) == FINE


@pytest.mark.parametrize("names", [(), ("train/x.json",)], ids=["all", "named"])
@pytest.mark.parametrize("way", ["rsync", "tar"])
def test_a_link_of_an_earlier_pass_is_not_written_through(
    box: ByHand, way: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    """Whoever made it; what it leads to stays as it is."""
    (box.there.root / "train").mkdir()
    (box.there.root / "train" / "x.json").write_bytes(b"evil")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    box.here.root.mkdir(parents=True)
    (box.here.root / "train").symlink_to(elsewhere)
    sync = Sync(box.far, box.record)
    sync._has_rsync = way == "rsync"

    with pytest.raises(HostError, match="a link lies in the way of 'train"):
        sync.bring(replace(EVERYTHING, names=names), box.here.root)

    assert plain(elsewhere) == set()


def test_a_log_is_not_written_through_a_link(box: ByHand, tmp_path: Path) -> None:
    """Nor is a stage's folder."""
    (tmp_path / "elsewhere").mkdir()
    box.here.root.mkdir(parents=True)
    (box.here.root / "train").symlink_to(tmp_path / "elsewhere")
    here = Mirror(ResultPaths(box.here.root), is_own=True)

    with pytest.raises(HostError, match="a link lies in the way"):
        here.apply(Frame(kind="grow", path="train/stage.log", body=b"x"))

    assert plain(tmp_path / "elsewhere") == set()


def test_more_files_than_a_run_may_have(tmp_path: Path) -> None:
    """It stops there, and says so; what came is whole."""
    incoming, target = tmp_path / "incoming", tmp_path / "target"
    target.mkdir()
    for at in range(5):
        (incoming / "a" / str(at)).mkdir(parents=True)
        (incoming / "a" / str(at) / "x.json").write_bytes(b"x")
    here = Landing(target, "results")
    here._count = landing.MOST_FILES - 3

    with pytest.raises(HostError, match="more than 100,000 files"):
        here.land(incoming)

    assert len(plain(target)) == 3


class Said:
    """A stream that says what it is given, again and again."""

    code, err = 0, b""

    def __init__(self, *blocks: bytes, again: bytes = b"") -> None:
        """Say the blocks, and then `again` for ever."""
        self._blocks = [*blocks]
        self._again = again
        self.given = 0

    def read(self, _timeout_s: float) -> bytes:
        """Give the next block."""
        block = self._blocks.pop(0) if self._blocks else self._again
        self.given += len(block)
        return block

    def close(self) -> None:
        """Let go of nothing."""


def head(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    """Write the head of a member, whatever it claims."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


ENDLESS = {
    "a header without an end": (head("x", tarfile.XHDTYPE, 1 << 32), HostError),
    "a long name without an end": (
        head("x", tarfile.GNUTYPE_LONGNAME, 1 << 32),
        HostError,
    ),
    "an end without an end": (b"\0" * 1024, TransportError),
    "a file that is too large": (head("a.json", size=1 << 40), HostError),
}


@pytest.mark.parametrize(("first", "kind"), ENDLESS.values(), ids=ENDLESS)
def test_a_stream_that_never_ends(
    tmp_path: Path, first: bytes, kind: type[PipelineError]
) -> None:
    """A few megabytes at most are listened to, and nothing is kept."""
    stream = Said(first, again=b"x" * (1 << 16))
    unpacking = Unpacking(Landing(tmp_path, "results"), most_size=1000)

    with pytest.raises(kind):
        unpacking.unpack_all(Reading(stream))

    assert stream.given < 4 << 20
    assert plain(tmp_path) == set()


NAMES = {
    "git's settings": "train/.git/config",
    "git's, spelled for a Mac": "train/.GIT/config",
    "what the stream carries": "train/stage.log",
    "hidden": ".bashrc",
    "a thousand folders deep": "a/" * 1000 + "x",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_that_no_result_has(tmp_path: Path, name: str) -> None:
    """Refused before anything is made."""
    with pytest.raises(HostError, match="none of a run's"):
        Landing(tmp_path, "results").place_of(name)

    assert not list(tmp_path.iterdir())


def test_the_longest_name_comes_home_by_tar(tmp_path: Path) -> None:
    """A draft of it is named otherwise: 255 bytes leave no room for more."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        info = tarfile.TarInfo("n" * 255)
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    unpacking = Unpacking(Landing(tmp_path, "results"))

    assert unpacking.unpack_all(Reading(Said(data.getvalue()))) == ""

    assert plain(tmp_path) == {"n" * 255}


LIES = {
    "no JSON": b"\xff",
    "no mapping": b"[1]",
    "no pair": b'{"a":[1]}',
    "no numbers": b'{"a":["1",true]}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", LIES.values(), ids=LIES)
def test_offers_in_other_words_are_none(body: bytes) -> None:
    """Then the whole folder is asked for, as of a box that says nothing."""
    assert offers.decode_offers(body) is None


@pytest.mark.parametrize("name", ["../x.json", "/etc/x.json", "a/../../x.json"])
def test_an_offer_cannot_lead_outside(box: ByHand, name: str) -> None:
    """It is refused before it is asked for."""
    with pytest.raises(HostError, match="none of a run's"):
        missing({name: (1, 1)}, EVERYTHING, box.here.root)


def test_an_offer_that_is_not_kept_is_told(box: ByHand) -> None:
    """The box says there is a file, and never sends it."""
    told = Offers()
    told.take(Frame(kind="stamp", body=b'{"train/x.json":[1,1]}'))

    for _ in range(2):  # at the run's end it is still missing
        with pytest.raises(HostError, match="the box offers 'train/x"):
            told.bring(Sync(box.far, box.record), EVERYTHING, box.here.root)


TOO_MUCH = {
    "a heartbeat": Frame(kind="beat", body=b"x" * (mirror.MOST_BEAT + 1)),
    "a log": Frame(kind="grow", path="a/stage.log", at=mirror.MOST_LOG, body=b"x"),
    "a story": Frame(kind="grow", path="events.jsonl", at=mirror.MOST_STORY, body=b"x"),
}


@pytest.mark.parametrize("frame", TOO_MUCH.values(), ids=TOO_MUCH)
def test_more_than_any_run_says(tmp_path: Path, frame: Frame) -> None:
    """Refused by its size, before it is written."""
    here = Mirror(ResultPaths(tmp_path), is_own=True)
    here._sizes[frame.path] = frame.at
    here._ends[frame.path] = b""

    with pytest.raises(HostError, match="the box sent more than"):
        here.apply(frame)

    assert plain(tmp_path) == set()


def test_a_line_without_an_end(tmp_path: Path) -> None:
    """A story is lines; one that never ends would fill the memory."""
    here = Mirror(ResultPaths(tmp_path), is_own=True)
    most = mirror.MOST_LINE
    here.apply(Frame(kind="grow", path="events.jsonl", body=b"x" * most))

    with pytest.raises(HostError, match=r"as a line of events.jsonl"):
        here.apply(Frame(kind="grow", path="events.jsonl", at=most, body=b"x"))


def garbage() -> bytes:
    """A story that no runner wrote, with orders for a terminal in all it says."""
    order = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    shape = events.StageShape(name="train")
    told = (
        events.RunStarted(
            run=order, name=order, host=order, snapshot="9f", stages=(shape,)
        ),
        events.StageFailed(stage="train", reason=order),
        events.BranchPushed(to=order, commit="", is_done=False, said=order),
        events.RunEnded(exit_code=4, reason=order),
    )
    lines = [
        eventlines.encode(events.Event("2026-11-20T17:10:03Z", one)) for one in told
    ]
    lines.insert(1, "\x00\xff{{{ no JSON " + order)
    lines.insert(2, '{"v":1,"at":1e999,"kind":"run_ended"}')
    return "\n".join(lines).encode() + b"\n"


@pytest.mark.parametrize("verb", ["status", "status --json", "runs", "runs --json"])
def test_a_story_gives_no_orders_to_the_terminal(box: ByHand, verb: str) -> None:
    """Whatever shows a run shows it tamed."""
    box.here.root.mkdir(parents=True)
    box.here.events.write_bytes(garbage())
    box.here.heartbeat.write_text("beat: \x1b[2J\nlog: \x1b]0;owned\x07\n")
    (box.paths.root / "pipeline.yaml").write_text("name: x\nstages: {a: {sh: x}}\n")

    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *verb.split()],
        cwd=box.paths.root,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        check=False,
    )

    said = done.stdout + done.stderr
    assert done.returncode in (0, 2), said
    assert b"\x1b" not in said
    assert "\x9b".encode() not in said


def test_a_log_gives_no_orders_to_a_terminal() -> None:
    """Line by line, however the bytes come; nothing of a long one is lost."""
    out = io.BytesIO()
    paper = Tamed(out, is_headed=False)
    for block in (b"one \x1b[", b"2Jtwo\x1b]0;x\x07\nthr", "é\x9b".encode()):
        paper.write("train", block)
    paper.write("train", b"\n" + b"x" * 9_000)
    paper.close()

    assert out.getvalue() == "one two\nthré\N{REPLACEMENT CHARACTER}\n".encode() + (
        b"x" * 9_000 + b"\n"
    )


def test_a_refusal_of_a_box_gives_no_orders(capfd: pytest.CaptureFixture[str]) -> None:
    """It is the box's own words, up to here."""
    cli._refuse(HostError("a\x1b]0;x\x07b", hint="c\x9b2Jd\nsecond line"), [])

    assert capfd.readouterr().err == "ab\n  cd\n  second line\n"


def tree_of(code: Git, path: str) -> str:
    """Make a commit with one file of any name at all."""
    blob = code.text("hash-object", "-w", "--stdin", "-t", "blob")
    *folders, name = path.split("/")
    tree = code.out("mktree", "-z", stdin=f"100644 blob {blob}\t{name}\0".encode())
    for folder in reversed(folders):
        entry = f"040000 tree {tree.decode().strip()}\t{folder}\0".encode()
        tree = code.out("mktree", "-z", stdin=entry)
    return code.text("commit-tree", tree.decode().strip(), "-m", "evil")


@pytest.fixture
def code(box: ByHand) -> Git:
    """The box's own repository."""
    folder = box.run.parents[1] / "code.git"
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    return Git(folder)


@pytest.mark.parametrize(
    "path", [".git/config", ".GIT/hooks/post-checkout", "../x", "a/.git/config"]
)
def test_a_tree_that_would_harm_who_checks_it_out(
    box: ByHand, code: Git, path: str
) -> None:
    """It is refused as it comes: the branch is not there afterwards."""
    commit = tree_of(code, path)
    code.out("update-ref", f"refs/heads/{box.record.branch}", commit)

    with pytest.raises(HostError, match="could not bring"):
        fetch(box.paths.root, box.far, box.record)

    mine = Git(box.paths.root, is_git_dir=False, is_ours=False)
    assert mine.resolve(f"refs/heads/{box.record.branch}") == ""


def test_a_branch_that_was_rewritten_is_told_and_left(box: ByHand, code: Git) -> None:
    """What came home before is what was sealed."""
    ref = f"refs/heads/{box.record.branch}"
    code.out("update-ref", ref, first := tree_of(code, "one"))
    fetch(box.paths.root, box.far, box.record)
    code.out("update-ref", ref, tree_of(code, "another"))

    with pytest.raises(HostError, match="was rewritten there"):
        fetch(box.paths.root, box.far, box.record)

    mine = Git(box.paths.root, is_git_dir=False, is_ours=False)
    assert mine.resolve(ref) == first
    files.remove_tree(code.folder)
