"""Data sets go to a box and come home: whole, resumed, verified, and nowhere else."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline.data.holding import Holding, added, draft_name, home_at, look_into
from pipeline.data.intake import Intake
from pipeline.data.parcel import Giver, Wanted
from pipeline.errors import HostError, PipelineError, TransportError
from remote.data import difference
from tests.afar import Remote
from tests.lab import Host, Lab
from tests.laptop import wait_until
from tests.smalldisk import small_disk

DOGS = """\
name: dogs
data:
  dogs: {path: data/dogs, gpu: ~/sets/dogs}
  one: {path: data/one.bin, gpu: "~/sets of mine/one.bin"}
  far: {path: data/far}
stages:
  count:
    sh: ls {data:dogs} | wc -l > $OUT/n.txt; sleep $(cat {data:dogs}/nap)
    outputs: [n.txt]
"""


def nobody(_count: int, _name: str) -> None:
    """Count no bytes."""


def tree(root: Path) -> dict[str, str]:
    """Give all that lies below a folder, in words."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_dir():
            found[name] = "folder"
        else:
            found[name] = f"{path.stat().st_mtime_ns} {path.read_bytes()!r}"
    return found


@pytest.fixture(params=["box", "plain_box"])
def far(request: pytest.FixtureRequest) -> Host:
    """A box with rsync, and one without: it makes no difference."""
    found: Host = request.getfixturevalue(request.param)
    return found


def with_sets(remote: Remote, box: Host, lab: Lab) -> Path:
    """Put two small data sets beside a pipeline; give the folder of one."""
    remote.write(".gitignore", "data/\n")
    remote.on(box, lab, DOGS)
    dogs = remote.repo / "data" / "dogs"
    (dogs / "deep" / "er").mkdir(parents=True)
    (dogs / "empty").mkdir()
    (dogs / "nap").write_text("0")
    (dogs / "deep" / "er" / "b").write_bytes(os.urandom(3_000_000))
    (dogs / "line\nbreak $(x) 'ü").write_text("x")
    (dogs / os.fsdecode(b"latin-\xe9")).write_text("y")
    (dogs / "folder").symlink_to(dogs / "deep")
    (dogs / "deep" / "link").symlink_to("er/b")
    (remote.repo / "data" / "one.bin").write_bytes(os.urandom(100_000))
    return dogs


def document(
    remote: Remote, *words: str, code: int = 0
) -> dict[str, dict[str, object]]:
    """Run `data` with --json; give what it says, by set."""
    said = json.loads(remote.pipeline("data", *words, "--json", code=code))
    return {one["name"]: one for one in said["sets"]}


def test_what_is_pushed_and_pulled_is_the_same(
    remote: Remote, far: Host, lab: Lab
) -> None:
    """With links, empty folders, times, and names of any kind; each sent once."""
    dogs = with_sets(remote, far, lab)
    before = tree(dogs)

    first = document(remote, "push", "dogs", "one", "--host", "gpu")
    again = document(remote, "push", "dogs", "one", "--host", "gpu")
    dogs.rename(dogs.with_name("kept"))
    document(remote, "pull", "dogs", "--host", "gpu")

    assert (first["dogs"]["files"], first["one"]["bytes"]) == (4, 100_000)
    assert [one["files"] for one in again.values()] == [0, 0]
    links = {"folder": "link to deep", "deep/link": "link to er/b"}
    assert tree(dogs) == {**before, **links}
    assert far.exec("ls -A ~/sets ~/sets*mine").split() == [
        *("/root/sets:", "dogs"),
        *("/root/sets", "of", "mine:", "one.bin"),
    ]
    far.exec("cmp ~/sets*mine/one.bin ~/sets*mine/one.bin")


def test_status_says_how_sets_stand(remote: Remote, box: Host, lab: Lab) -> None:
    """In a word, with what a push would send; a set without a home there is named."""
    dogs = with_sets(remote, box, lab)
    words = [remote.pipeline("data", "status", "--host", "gpu")]
    remote.pipeline("data", "push", "--host", "gpu")
    words.append(remote.pipeline("data", "status", "--host", "gpu"))
    (dogs / "nap").write_text("12")
    box.exec("rm ~/sets/dogs/line*; touch ~/sets/dogs/own; touch ~/sets*mine/one.bin")
    words.append(remote.pipeline("data", "status", "--host", "gpu"))
    words.append(remote.pipeline("data", "status", "one", "--host", "gpu", "--verify"))

    assert "dogs: missing on gpu\n" in words[0]
    assert "far: no home on gpu; add it: data.far.gpu: PATH" in words[0]
    assert "dogs: same on gpu, by size and time" in words[1]
    assert "dogs: differs on gpu" in words[2]
    assert "a push sends 2 files, 3 B" in words[2]
    assert "only on gpu: own" in words[2]
    assert "1 file by their times alone: --verify tells" in words[2]
    assert "one: same on gpu, by hash" in words[3]


def test_a_push_deletes_only_what_was_listed(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """By --delete it is listed, and with --yes it goes."""
    dogs = with_sets(remote, box, lab)
    remote.pipeline("data", "push", "dogs", "--host", "gpu")
    box.exec("mkdir ~/sets/dogs/old; touch ~/sets/dogs/old/x ~/sets/dogs/y")

    kept = remote.pipeline("data", "push", "dogs", "--host", "gpu")
    listed = remote.pipeline("data", "push", "dogs", "--host", "gpu", "--delete")
    there = box.exec("ls ~/sets/dogs/old").split()
    done = remote.pipeline("data", "push", "dogs", "--host", "gpu", "--delete", "--yes")

    assert "2 files only on gpu, which stay" in kept
    assert "would go on gpu: old/x" in listed
    assert there == ["x"]
    assert "2 files deleted on gpu" in done
    left = box.exec("find ~/sets/dogs -mindepth 1 -printf x")
    assert len(left) == len(tree(dogs))


def test_a_killed_push_goes_on_where_it_ended(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """One file of 200 MB: no half of it has its name, and the rest alone is sent."""
    with_sets(remote, box, lab)
    (remote.repo / "data" / "one.bin").write_bytes(os.urandom(1_000_000) * 200)
    remote.pipeline("data", "status", "--host", "gpu")
    box.shape(rate_mbit=800)
    pushing = remote.spawn("data", "push", "one", "--host", "gpu")
    size = "du -cB1 ~/sets*mine/.one*/* 2>/dev/null | tail -n 1 | cut -f 1"
    wait_until(lambda: int(box.exec(size) or 0) > 60_000_000, "some of it is there")
    os.killpg(pushing.pid, signal.SIGKILL)
    pushing.communicate()
    wait_until(
        lambda: "data" not in box.exec("ps -eo args | grep -o 'py[z] data' || :"),
        "gone",
    )

    there = box.exec("ls ~/sets*mine")
    (one,) = document(remote, "status", "one", "--host", "gpu").values()
    done = document(remote, "push", "one", "--host", "gpu")["one"]

    assert there == ""
    assert isinstance(one["push"], dict)
    assert one["push"]["arrived"] > 50_000_000
    assert one["state"] == "partly"
    assert isinstance(done["sent"], int)
    assert done["sent"] < 150_000_000
    assert done["bytes"] == 200_000_000
    digest = box.exec("sha256sum < ~/sets*mine/one.bin").split()[0]
    ours = subprocess.run(
        ["sha256sum", remote.repo / "data" / "one.bin"], capture_output=True, check=True
    )
    assert ours.stdout.decode().split()[0] == digest
    assert box.exec("ls -A ~/sets*mine").split() == ["one.bin"]


def test_a_broken_line_is_told_as_such(remote: Remote, box: Host, lab: Lab) -> None:
    """The network is to blame, what came is kept, and nothing half has its name."""
    with_sets(remote, box, lab)
    (remote.repo / "data" / "one.bin").write_bytes(os.urandom(1_000_000) * 100)
    remote.pipeline("data", "status", "--host", "gpu")
    box.shape(rate_mbit=400)
    pushing = remote.spawn("data", "push", "one", "--host", "gpu")
    wait_until(lambda: "one" in box.exec("ls -A ~/sets*mine 2>&1 || :"), "it began")
    box.kill_sshd()

    said, _ = pushing.communicate(timeout=30)

    assert pushing.returncode == TransportError.exit_code, said
    assert "the connection broke" in said
    assert box.exec("ls ~/sets*mine") == ""
    box.start_sshd()


def test_a_set_that_has_no_room_is_not_sent(remote: Remote, lab: Lab) -> None:
    """Both sizes are said, and nothing was begun."""
    with lab.host(f"small{lab.made}", disk_mb=64) as small:
        with_sets(remote, small, lab)
        with (remote.repo / "data" / "one.bin").open("wb") as file:
            file.truncate(10**9)

        said = remote.pipeline("data", "push", "one", "--host", "gpu", code=6)

        assert "no room for data 'one' (1.0 GB)" in said
        assert "nothing was sent" in said
        assert small.exec("ls ~") == ""


def test_what_a_run_uses_is_left_alone(remote: Remote, box: Host, lab: Lab) -> None:
    """It would read half of the one and half of the other."""
    dogs = with_sets(remote, box, lab)
    text = DOGS.replace("  far: {path: data/far}\n", "")
    remote.on(box, lab, text)
    (dogs / "nap").write_text("30")
    remote.pipeline("data", "push", "--host", "gpu")
    remote.pipeline("run", "--host", "gpu", "--detach")
    (dogs / "nap").write_text("0")

    said = remote.pipeline("data", "push", "dogs", "--host", "gpu", code=6)
    status = remote.pipeline("data", "status", "dogs", "--host", "gpu")
    remote.pipeline("stop")

    assert f"data 'dogs' is used by run {remote.run_id}" in said
    assert f"used by {remote.run_id}" in status
    assert box.exec("cat ~/sets/dogs/nap") == "30"


def test_links_that_lead_out_never_travel(remote: Remote, box: Host, lab: Lab) -> None:
    """The first of them is named, and nothing was sent."""
    dogs = with_sets(remote, box, lab)
    (dogs / "secret").symlink_to("/etc/passwd")

    said = remote.pipeline("data", "push", "dogs", "--host", "gpu", code=6)

    assert "'secret' is a link that leads out of it" in said
    assert box.exec("ls -d ~/sets 2>/dev/null || echo none").strip() == "none"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("push", "cats", "--host", "gpu"), "no data set is called 'cats'"),
        (("push",), "data push needs a host"),
        (("pull", "--host", "cpu"), "no host is called 'cpu'"),
        (("push", "far", "--host", "gpu"), "data 'far' has no home on 'gpu'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    remote: Remote, words: tuple[str, ...], said: str
) -> None:
    """Before anybody is asked."""
    remote.write("pipeline.yaml", f"{DOGS}hosts: {{gpu: {{ssh: nobody}}}}\n")

    assert said in remote.pipeline("data", *words, code=2)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_twenty_thousand_small_files_go_in_one_stream(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """With a round trip of 100 ms, in less time than one for each would take."""
    dogs = with_sets(remote, box, lab)
    for number in range(20_000):
        folder = dogs / f"{number % 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}").write_text(str(number))
    box.shape(delay_ms=50)

    done = document(remote, "push", "dogs", "--host", "gpu")["dogs"]

    assert done["verified"] == 20_004
    assert box.exec("find ~/sets/dogs -type f -printf x | wc -c").strip() == "20004"


# ------------------------------------------------------------ what a stream may hold


def stream(*heads: dict[str, object], body: bytes = b"") -> io.BufferedReader:
    """Write heads as a box would, each with the same body behind it."""
    lines = [json.dumps(head).encode() + b"\n" + body for head in heads]
    return io.BufferedReader(io.BytesIO(b"".join(lines)))


EVIL = [
    *("../out", "/etc/evil", "a/../../out", "a//b", "", "./x", "..", "a/\0b"),
    *(".pipeline-incoming/x", "door/x", "unasked"),
]


@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("kind", ["file", "link", "folder"])
def test_a_name_that_leads_elsewhere_is_refused(
    tmp_path: Path, name: str, kind: str
) -> None:
    """Also through a link that lies there, and one that nobody asked for."""
    home, outside = tmp_path / "home", tmp_path / "outside"
    home.mkdir()
    outside.mkdir()
    (home / "door").symlink_to(outside)
    head = {kind: name, "to": "a", "size": 0, "at": 1, "from": 0}
    given = stream(head, {"end": True}, body=b"\0" * 32 if kind == "file" else b"")
    asked = None if name != "unasked" else {"other": 0}
    taking = Intake(home, given, is_file=False, asked=asked)

    with pytest.raises(PipelineError):
        taking.take()

    assert not any(outside.iterdir())
    assert {path.name for path in tmp_path.iterdir()} == {"home", "outside"}


def test_a_file_that_is_larger_than_it_was_listed_is_refused(tmp_path: Path) -> None:
    """A box could fill this disk by it."""
    head = {"file": "a", "size": 10**15, "at": 1, "from": 0}

    with pytest.raises(HostError, match="changed while it was sent"):
        Intake(tmp_path / "x", stream(head), is_file=False, asked={"a": 5}).take()

    assert look_into(tmp_path / "x").files == {}


@pytest.mark.parametrize("target", ["../out", "/etc/passwd", "a/../../x", "", "\0"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    """Whoever follows it later would be led there."""
    given = stream({"link": "a", "to": target}, {"end": True})

    with pytest.raises(HostError):
        Intake(tmp_path / "home", given, is_file=False).take()

    assert not os.path.lexists(tmp_path / "home" / "a")


@pytest.mark.parametrize(
    "torn", [b"", b"{}", b"{\n", b"[]\n", b"\xff\n", b'{"file":1}\n', b"x" * 100_000]
)
def test_a_stream_that_is_none_is_refused(tmp_path: Path, torn: bytes) -> None:
    """And nothing is there."""
    given = io.BufferedReader(io.BytesIO(torn))

    with pytest.raises(PipelineError):
        Intake(tmp_path / "home", given, is_file=False).take()

    assert look_into(tmp_path / "home").files == {}


@pytest.mark.parametrize("cut", [1, 30, 400, 5_000, 299_999])
def test_a_stream_that_is_cut_leaves_no_half_file(tmp_path: Path, cut: int) -> None:
    """Wherever it is; and the next one goes on there, to the same end."""
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    (source / "a").write_bytes(os.urandom(100_000))
    (source / "b").write_bytes(os.urandom(200_000))
    here = look_into(source)
    found = difference.between(here, Holding())
    whole = b"".join(
        Giver(source, nobody).give(difference.wanted_of(found, here, Holding()))
    )

    with pytest.raises(TransportError):
        Intake(home, stream_of(whole[:cut]), is_file=False).take()
    there = look_into(home)
    rest = difference.wanted_of(difference.between(here, there), here, there)
    Intake(
        home, stream_of(b"".join(Giver(source, nobody).give(rest))), is_file=False
    ).take()

    assert all((source / n).read_bytes() == (home / n).read_bytes() for n in "ab")
    assert rest.size <= 300_000 - cut + 1_000
    assert sorted(path.name for path in home.iterdir()) == ["a", "b"]


def stream_of(data: bytes) -> io.BufferedReader:
    """Read bytes as from a box."""
    return io.BufferedReader(io.BytesIO(data))


def test_a_draft_of_another_file_is_not_gone_on_with(tmp_path: Path) -> None:
    """Of the same name, size and time: what came of it is torn, and told as such."""
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    (source / "a").write_bytes(b"new" * 1000)
    (size, at) = look_into(source).files["a"]
    drafts = home / ".pipeline-incoming"
    drafts.mkdir(parents=True)
    (drafts / draft_name("a", size, at)).write_bytes(b"old" * 500)
    wanted = Wanted(files={"a": (size, at, 1500)})
    given = b"".join(Giver(source, nobody).give(wanted))

    taken = Intake(home, stream_of(given), is_file=False).take()

    assert taken.torn == ("a",)
    assert not (home / "a").exists()


def test_a_full_disk_keeps_what_came_whole(tmp_path: Path) -> None:
    """And lets go of the draft that filled it."""
    with small_disk(tmp_path / "disk", size_mb=8) as disk:
        source = tmp_path / "source"
        source.mkdir()
        (source / "a").write_bytes(os.urandom(1_000_000))
        (source / "b").write_bytes(os.urandom(20_000_000))
        here = look_into(source)
        wanted = difference.wanted_of(
            difference.between(here, Holding()), here, Holding()
        )
        given = b"".join(Giver(source, nobody).give(wanted))

        with pytest.raises(HostError, match="the disk is full"):
            Intake(disk / "home", stream_of(given), is_file=False).take()

        assert (disk / "home" / "a").stat().st_size == 1_000_000
        there = look_into(disk / "home")
        assert (list(there.files), there.incoming) == (["a"], {})


@pytest.mark.parametrize("home", ["", "/", "data", "~/../x", "/a/../b"])
def test_a_home_is_a_place_of_its_own(home: str) -> None:
    """Nothing is ever written to what it could mean."""
    with pytest.raises(HostError):
        home_at(home)


@pytest.mark.parametrize(
    "lie",
    [
        Holding(kind="folder", files={"../x": (1, 1)}),
        Holding(kind="folder", files={"x": (1,)}),
        Holding(kind="folder", files={"x": (-1, 1)}),
        Holding(kind="folder", links={"x": "../y"}),
        Holding(kind="folder", folders=("/x",)),
    ],
)
def test_a_box_that_lies_about_its_files_is_refused(lie: Holding) -> None:
    """Before any of it is compared."""
    with pytest.raises(HostError):
        added([lie])


def test_a_socket_in_a_set_is_no_part_of_it(tmp_path: Path) -> None:
    """Nor a pipe, nor a link that leads nowhere; and nobody waits for them."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "x").touch()

    found = look_into(tmp_path)

    assert (list(found.files), found.links, found.outside) == (["x"], {}, ())
    with contextlib.suppress(OSError):
        os.close(os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK))
