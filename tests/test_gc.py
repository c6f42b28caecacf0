"""`gc` lists what no kept run needs, and deletes that and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline import keeping
from pipeline.errors import HostError
from pipeline.keeping import RunLook
from pipeline.wire import Clearing
from tests.afar import SLOW, Remote
from tests.lab import Host, Lab
from tests.laptop import CHAIN, Laptop, wait_until
from tests.smalldisk import small_disk

DAY_S = 86400.0
NOW = 1000 * DAY_S
# The second stage's output is too large for git here, so it lies in the store.
LARGE = CHAIN.replace("name: chain", "name: chain\ngit: {max_file: 10kB}").replace(
    "echo two {seed} >>", "head -c 20000 /dev/zero >> $OUT/two.txt; echo two {seed} >>"
)


def look(run: str, days: float = 100.0, word: str = "done", **more: Any) -> RunLook:
    """See a run that began so many days ago, and ended at once."""
    at = NOW - days * DAY_S
    return RunLook(run=run, size=1, word=word, began_at=at, last_at=at, **more)


def goes(looks: list[RunLook], asked: Clearing, *stored: str) -> list[str]:
    """Decide; give the runs that go."""
    why = keeping.kept(looks, asked, stored, NOW)
    return [one.run for one in looks if one.run not in why]


# --- what is kept: the decision ------------------------------------------------------


def test_ten_runs_are_kept_whatever_their_age() -> None:
    """The newest; the others go when they are a month old."""
    looks = [look(f"r{n:02}", days=100 + n) for n in range(12)]

    assert goes(looks, Clearing()) == ["r10", "r11"]


def test_young_runs_are_kept_however_many() -> None:
    """A sweep of fifty runs is nothing to lose overnight."""
    assert goes([look(f"r{n:02}", days=1) for n in range(50)], Clearing()) == []


@pytest.mark.parametrize(
    ("asked", "gone"),
    [
        (Clearing(keep=1), ["b", "c"]),
        (Clearing(keep=0), ["a", "b", "c"]),
        (Clearing(keep_days=15.0), ["b", "c"]),
        (Clearing(keep_days=0.0), ["a", "b", "c"]),
        (Clearing(keep=1, keep_days=25.0), ["c"]),
        (Clearing(runs=("c",)), ["c"]),
        (Clearing(runs=("a", "b")), ["a", "b"]),
        (Clearing(runs=("nobody",)), []),
    ],
    ids=str,
)
def test_limits_are_as_they_are_said(asked: Clearing, gone: list[str]) -> None:
    """One alone is the only one; of two, a run is kept by either."""
    looks = [look("a", days=10), look("b", days=20), look("c", days=30)]

    assert goes(looks, asked) == gone


@pytest.mark.parametrize("word", ["running", "stopped", "dead", "unreadable"])
def test_what_is_not_over_is_kept(word: str) -> None:
    """At any age: it may go on, and a month of work with it."""
    assert goes([look("a", word=word), look("b")], Clearing(keep=0)) == ["b"]


@pytest.mark.parametrize("word", ["stopped", "dead", "unreadable", "failed"])
def test_what_is_named_goes(word: str) -> None:
    """Unless it runs."""
    assert goes([look("a", word=word)], Clearing(runs=("a",))) == ["a"]


def test_a_running_run_cannot_be_named() -> None:
    """It is to be stopped first."""
    with pytest.raises(HostError) as caught:
        goes([look("a", word="running")], Clearing(runs=("a",)))

    assert str(caught.value) == ("run a is running\n  stop it first: pipeline stop a")


def test_the_only_copy_of_a_kept_artifact_stays() -> None:
    """Until the store, or the kept run itself, has it too."""
    old = look("old", large={"aa": 9}, has=frozenset({"aa"}))
    new = look("new", days=1, large={"aa": 9})
    whole = look("new", days=1, large={"aa": 9}, has=frozenset({"aa"}))
    asked = Clearing(keep=1)

    assert goes([old, new], asked) == []
    assert goes([old, new], asked, "aa") == ["old"]
    assert goes([old, whole], asked) == ["old"]


def test_what_is_not_known_is_needed() -> None:
    """A run whose lists cannot be read keeps the whole store, and all environments."""
    known, unknown = look("a", large={"aa": 1}), look("b", is_known=False)
    assert keeping.needed_files([known]) == frozenset({"aa"})
    assert keeping.needed_files([known, unknown]) is None
    assert keeping.needed_environments([known]) == frozenset({""})
    assert keeping.needed_environments([known, look("c", environment=None)]) is None


# --- on a box ------------------------------------------------------------------------


class Runs:
    """Some runs of one pipeline on this machine, oldest first."""

    def __init__(self, laptop: Laptop, count: int) -> None:
        """Run it so many times, each with other params."""
        self.laptop = laptop
        laptop.write("pipeline.yaml", LARGE)
        laptop.commit("large")
        self.names = []
        for number in range(count):
            laptop.write("note.txt", f"uncommitted {number}\n")
            laptop.pipeline("run", "--set", f"seed={number}")
            self.names.append(laptop.run_id)
        self.box = laptop.run_folder().parent.parent

    def gc(self, *args: str, code: int = 0) -> dict[str, Any]:
        """Clear, and give what was said."""
        said = self.laptop.pipeline("gc", "--json", *args, code=code)
        found: dict[str, Any] = json.loads(said)
        return found

    def there(self) -> set[str]:
        """The runs that have a folder."""
        return {path.name for path in (self.box / "runs").iterdir()}

    def branches(self, git_dir: Path | None = None) -> list[str]:
        """All branches of the repository on the box, or of the laptop's own."""
        where = () if git_dir is None else ("--git-dir", str(git_dir))
        listing = self.laptop.git(*where, "branch", "--format=%(refname:short)")
        return sorted(listing.split())

    def stored(self) -> list[str]:
        """What lies in the store."""
        return [path.name for path in self._store()]

    def rest(self) -> None:
        """Let a minute pass for the store: what was put there just now is kept."""
        for path in self._store():
            at = path.stat().st_mtime - 60
            os.utime(path, (at, at))

    def _store(self) -> list[Path]:
        return [p for p in (self.box / "store").iterdir() if p.name != ".lock"]


@pytest.fixture
def runs(chain: Laptop) -> Runs:
    """Three runs, all done."""
    return Runs(chain, 3)


def test_without_yes_nothing_is_deleted(runs: Runs) -> None:
    """It is listed, the largest first, with the command that does it."""
    before = sorted(runs.box.rglob("*")), sorted(runs.laptop.repo.rglob("*"))

    said = runs.laptop.pipeline("gc", "--keep", "1")

    assert (sorted(runs.box.rglob("*")), sorted(runs.laptop.repo.rglob("*"))) == before
    assert "delete it with: pipeline gc --keep 1 --yes" in said
    for name in runs.names[:2]:
        assert f"run {name}" in said
    sizes = [one["size"] for one in runs.gc("--keep", "1")["items"]]
    assert sizes == sorted(sizes, reverse=True)


def test_with_yes_all_of_it_goes(runs: Runs) -> None:
    """Folder, branches there and here, mirror, record, store; the kept run is whole."""
    old, kept = runs.names[:2], runs.names[2]
    runs.laptop.pipeline("pull", old[0])
    assert len(runs.stored()) == 6
    runs.rest()

    runs.laptop.pipeline("gc", "--keep", "1", "--yes")

    assert runs.there() == {kept}
    assert runs.branches(runs.box / "code.git") == [f"run/{kept}", f"ship/{kept}"]
    assert runs.branches() == ["main", f"run/{kept}"]
    assert len(runs.stored()) == 2
    here = runs.laptop.repo
    assert [p.stem for p in (here / ".pipeline/runs").iterdir()] == [kept]
    assert (here / "results" / "latest").resolve().parent.parent.name == kept
    assert not list((here / "artifacts").glob("2*"))
    shipped = here / ".pipeline/snapshots.git/refs/heads/ship"
    assert [path.name for path in shipped.iterdir()] == [kept]
    assert "all whole" in runs.laptop.pipeline("verify")
    assert runs.gc("--keep", "1")["items"] == []


def test_a_run_follows_on_a_cleared_box(runs: Runs) -> None:
    """Though the snapshot that the laptop thinks is there is gone."""
    runs.laptop.pipeline("gc", "--keep", "0", "--yes")
    assert runs.there() == set()

    runs.laptop.pipeline("run")

    assert runs.laptop.seals() == ["one", "two", "three"]
    assert "all whole" in runs.laptop.pipeline("verify")


def test_the_objects_of_gone_runs_go(runs: Runs) -> None:
    """Once they are old enough that nobody can be writing them."""
    kept = runs.names[2]
    code = runs.box / "code.git"
    gone = runs.laptop.git("--git-dir", str(code), "rev-parse", f"run/{runs.names[0]}")
    for path in code.glob("objects/??/*"):
        os.utime(path, (1, 1))

    runs.laptop.pipeline("gc", "--keep", "1", "--yes")

    git = ("--git-dir", str(code))
    runs.laptop.git(*git, "fsck", "--no-dangling", "--full")
    runs.laptop.git(*git, "rev-parse", "--verify", f"run/{kept}^{{commit}}")
    said = runs.laptop.git(*git, "cat-file", "-t", gone, check=False)
    assert said != "commit"


def test_a_named_run_goes_alone(runs: Runs) -> None:
    """Whatever its age; a part of its name is enough."""
    runs.laptop.pipeline("gc", runs.names[1][-4:], "--yes")

    assert runs.there() == {runs.names[0], runs.names[2]}


def test_nothing_goes_by_default_while_runs_are_new(runs: Runs) -> None:
    """And it says how to let one go."""
    said = runs.laptop.pipeline("gc", "--yes")

    assert "0 B  deleted" in said
    assert "name one to let it go: pipeline gc RUN" in said
    assert len(runs.there()) == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--keep", "-1"), "--keep should be 0 or more, found -1"),
        (("--keep-days", "nan"), "--keep-days should be 0 or more, found nan"),
        (("nope",), "no run is called 'nope'"),
        (("", "--yes"), "a run is named by nothing at all"),
        (("--host", "moon"), "no host is called 'moon'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_meant_is_refused(
    chain: Laptop, args: tuple[str, ...], message: str
) -> None:
    """Before anything is asked."""
    chain.pipeline("run")

    assert message in chain.pipeline("gc", *args, code=2)


def test_limits_and_names_exclude_each_other(chain: Laptop) -> None:
    """It would not be clear what goes."""
    chain.pipeline("run")

    said = chain.pipeline("gc", chain.run_id, "--keep", "3", "--yes", code=2)

    assert "say the one or the other" in said


@pytest.mark.timeout(60)
def test_a_running_run_is_never_touched(laptop: Laptop) -> None:
    """Not by any limit, not by name; and it ends as if nothing had been."""
    laptop.write("pipeline.yaml", SLOW.replace("{ticks: 60}", "{ticks: 30}"))
    laptop.commit("slow")
    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_started slow")

    assert "0 B  deleted" in laptop.pipeline("gc", "--keep", "0", "--yes")
    said = laptop.pipeline("gc", laptop.run_id, "--yes", code=6)

    assert f"run {laptop.run_id} is running" in said
    assert "run ended: done" in laptop.pipeline("attach")
    assert laptop.seals() == ["quick", "slow"]


def test_a_checked_out_branch_stays(runs: Runs) -> None:
    """It is said, and the exit code tells; the rest goes."""
    name = runs.names[0]
    runs.laptop.git("checkout", "-q", "--force", f"run/{name}")

    found = runs.gc(name, "--yes", code=6)

    assert [one["name"] for one in found["left"]] == [f"branch run/{name}"]
    assert runs.there() == set(runs.names[1:])


def test_links_are_not_followed(runs: Runs, tmp_path: Path) -> None:
    """What a run, or a folder of ours, points to is somebody else's."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "data.csv").write_text("1\n")
    (runs.box / "runs" / runs.names[0] / "tree" / "data").symlink_to(theirs)
    (runs.box / "runs" / "20200101-0000-abcd").symlink_to(theirs)

    runs.laptop.pipeline("gc", "--keep", "0", "--yes")

    assert (theirs / "data.csv").read_text() == "1\n"


def test_a_run_its_box_lost_stays_here(runs: Runs) -> None:
    """It may be the last there is of it; to let it go, it is named."""
    name = runs.names[0]
    record = runs.laptop.repo / ".pipeline/runs" / f"{name}.json"
    text = json.loads(record.read_text())
    text["started_at"] = "2026-01-01T00:00:00.000000Z"
    record.write_text(json.dumps(text))
    shutil.rmtree(runs.box / "runs" / name)

    found = runs.gc("--yes")
    assert found["lost"] == [name]
    assert f"run/{name}" in runs.branches()

    runs.gc(name, "--yes")
    assert f"run/{name}" not in runs.branches()
    assert not record.exists()


# --- leftovers -----------------------------------------------------------------------


def test_what_a_cut_deletion_left_is_finished(runs: Runs) -> None:
    """The folder was renamed, and then the power failed."""
    name = runs.names[0]
    folder = runs.box / "runs" / name
    folder.rename(folder.with_name(f".gone-{name}.1"))
    for path in (runs.box / "code.git" / "refs/heads").glob(f"*/{name}"):
        os.utime(path, (1, 1))
    assert "is not on this box" in runs.laptop.pipeline("resume", name, code=None) or (
        runs.laptop.pipeline("verify", name, code=6)
    )

    found = runs.gc("--yes")

    assert {"leftover", "branch", "store"} <= {one["kind"] for one in found["gone"]}
    assert runs.there() == set(runs.names[1:])
    assert not [b for b in runs.branches(runs.box / "code.git") if name in b]


def test_a_run_that_never_came_to_be_goes(runs: Runs) -> None:
    """A begin that was cut left a folder without a plan; a young one may go on."""
    old, young = (runs.box / "runs" / f"20200101-000{n}-abcd" for n in (0, 1))
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (1, 1))

    runs.gc("--yes")

    assert not old.exists()
    assert young.exists()


def test_environments_nobody_uses_go(runs: Runs) -> None:
    """Those that a kept run names stay; what is young may be about to be used."""
    envs = runs.box / "envs"
    for name in ("aaaa", "bbbb", "cccc"):
        (envs / f"{name}.1" / "venv").mkdir(parents=True)
        (envs / name).symlink_to(f"{name}.1")
        (envs / f"{name}.lock").touch()
    (envs / ".known").mkdir()
    for name in ("aaaa", "bbbb"):
        os.utime(envs / f"{name}.1", (1, 1))
    plan = runs.box / "runs" / runs.names[2] / "plan.json"
    text = json.loads(plan.read_text())
    text["env"] = {"lock": "requirements.lock"}
    plan.write_text(json.dumps(text))
    assert [one for one in runs.gc()["items"] if one["kind"] == "environment"] == []
    (plan.parent / "environment").write_text("aaaa\n")

    runs.gc("--yes")

    left = sorted(path.name for path in envs.iterdir() if path.suffix != ".lock")
    assert left == [".known", "aaaa", "aaaa.1", "cccc", "cccc.1"]


def test_an_environment_that_is_built_now_stays(runs: Runs) -> None:
    """Whoever builds it holds its lock."""
    from pipeline.files import open_lock

    folder = runs.box / "envs" / "aaaa.1"
    folder.mkdir(parents=True)
    os.utime(folder, (1, 1))
    lock = open_lock(folder.with_name("aaaa.lock"))
    assert lock is not None

    found = runs.gc("--yes", code=6)

    os.close(lock)
    assert [one["why"] for one in found["left"]] == ["it is being built"]
    assert folder.exists()


def test_drafts_of_stages_that_are_done_go(runs: Runs) -> None:
    """Those of a try that failed before another was sealed."""
    attempts = runs.box / "runs" / runs.names[0] / "attempts"
    for name in ("one.7", "unsealed.1"):
        (attempts / name / "out").mkdir(parents=True)
        (attempts / name / "out" / "big.bin").write_bytes(b"x" * 200_000)

    found = runs.gc("--yes")

    assert [one["kind"] for one in found["gone"]] == ["draft"]
    assert not (attempts / "one.7").exists()
    assert (attempts / "unsealed.1" / "out" / "big.bin").exists()


def test_old_runners_go_when_nobody_runs(runs: Runs) -> None:
    """A young one may be what another laptop just sent."""
    old, young = (runs.box / "runner" / f"{name}.pyz" for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))

    runs.gc("--yes")

    assert not old.exists()
    assert young.exists()


def test_a_damaged_run_keeps_the_store(runs: Runs) -> None:
    """What it needs is not known, so nothing of the store goes."""
    manifest = runs.box / "runs" / runs.names[2] / "tree/results/two/manifest.json"
    manifest.write_text("junk")

    found = runs.gc(runs.names[0], "--yes")

    assert "store" not in {one["kind"] for one in found["gone"]}
    assert len(runs.stored()) == 6


@pytest.mark.timeout(60)
def test_a_full_disk_can_be_cleared(chain: Laptop, tmp_path: Path) -> None:
    """Deleting needs no room; then a run has its room again."""
    with small_disk(tmp_path / "small", size_mb=48) as home:
        chain.home = home
        chain.env["HOME"] = str(home)
        chain.pipeline("run")
        with contextlib.suppress(OSError):
            (chain.run_folder() / "checkpoints/big").write_bytes(b"x" * (64 << 20))
        said = chain.pipeline("run", "--force", code=6)
        assert "no room on the disk" in said or "o space left on device" in said

        chain.pipeline("gc", "--keep", "0", "--yes")

        chain.pipeline("run")
        assert chain.seals() == ["one", "two", "three"]


@pytest.mark.timeout(60)
def test_nothing_is_packed_away_from_a_running_run(chain: Laptop) -> None:
    """It may be sealing anew what a deleted run had sealed."""
    runs = Runs(chain, 1)
    chain.write("pipeline.yaml", SLOW.replace("name: slow", "name: chain"))
    chain.commit("slow")
    chain.pipeline("run", "--detach")
    chain.wait_for_event("stage_started slow")
    code = runs.box / "code.git"
    for path in code.glob("objects/??/*"):
        os.utime(path, (1, 1))
    before = set(code.glob("objects/??/*"))

    chain.pipeline("gc", runs.names[0], "--yes")

    assert before <= set(code.glob("objects/??/*"))
    assert len(runs.stored()) == 2
    chain.pipeline("stop")
    chain.wait_for_runner(lives=False)


# --- killed --------------------------------------------------------------------------


def clearing_pid(home: Path) -> int:
    """Find the process that clears for this home; 0 when there is none."""
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            is_ours = b"python" in words[0] and words[-2:] == [b"gc", b""]
            if is_ours and (folder / "cwd").readlink() == home:
                return int(folder.name)
    return 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_killed_clearing_is_finished_by_the_next(
    chain: Laptop, after_s: float
) -> None:
    """At whatever instant: the kept run stays whole, and the rest goes in the end."""
    runs = Runs(chain, 2)
    crowd = runs.box / "runs" / runs.names[0] / "checkpoints" / "crowd"
    crowd.mkdir()
    for number in range(3000):
        (crowd / str(number)).touch()
    process = chain.spawn("gc", "--keep", "1", "--yes")
    wait_until(lambda: clearing_pid(chain.home) > 0 or process.poll() is not None, "gc")
    time.sleep(after_s)  # the one thing to vary

    if pid := clearing_pid(chain.home):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=30)

    assert "all whole" in chain.pipeline("verify", runs.names[1])
    for path in (runs.box / "code.git" / "refs/heads").glob(f"*/{runs.names[0]}"):
        os.utime(path, (1, 1))
    chain.pipeline("gc", "--keep", "1", "--yes")
    assert runs.there() == {runs.names[1]}
    assert runs.branches(runs.box / "code.git") == [
        *(f"{kind}/{runs.names[1]}" for kind in ("run", "ship")),
    ]
    assert len(runs.stored()) == 2
    assert "all whole" in chain.pipeline("verify", runs.names[1])


# --- over a link ---------------------------------------------------------------------


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_host_is_cleared_too(remote: Remote, box: Host, lab: Lab) -> None:
    """There and here; runs of this machine are another matter."""
    remote.on(box, lab, LARGE)
    remote.pipeline("run")
    here = remote.run_id
    remote.pipeline("run", "--host", "gpu")
    far = remote.run_id

    said = remote.pipeline("gc", "--host", "gpu", "--keep", "0", "--yes")

    assert f"run {far}" in said
    assert here not in said
    assert box.exec("ls ~/.pipeline/*/runs ~/.pipeline/*/store").split("\n")[1] == ""
    assert not (remote.repo / "results" / far).exists()
    assert (remote.repo / "results" / here).exists()
    assert here in remote.pipeline("runs")
    assert far not in remote.pipeline("runs")
