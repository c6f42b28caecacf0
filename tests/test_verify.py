"""`verify` names all that is not what was sealed, and changes nothing."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.afar import SLOW, Remote
from tests.laptop import CHAIN, Laptop
from tests.repos import trace

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab import Host, Lab

# The second stage's output is too large for git here, so it lies in the store.
LARGE = CHAIN.replace("name: chain", "name: chain\ngit: {max_file: 10kB}").replace(
    "echo two {seed} >>", "head -c 20000 /dev/zero >> $OUT/two.txt; echo two {seed} >>"
)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A run of three stages that is done, and the folders it lies in."""

    laptop: Laptop
    tree: Path
    box: Path

    def differences(self, *, code: int = 7) -> list[dict[str, Any]]:
        """Verify, and give what differs."""
        said = json.loads(self.laptop.pipeline("verify", "--json", code=code))
        assert said["is_whole"] is (code == 0)
        found: list[dict[str, Any]] = said["differences"]
        return found

    def only(self) -> dict[str, Any]:
        """Verify, and give the one thing that differs."""
        (one,) = self.differences()
        return one

    def git(self, *args: str) -> str:
        """Ask the repository on the box."""
        return self.laptop.git("--git-dir", str(self.box / "code.git"), *args)

    def stored(self) -> Path:
        """Give the file in the store."""
        path = self.tree / "artifacts" / "two" / "two.txt"
        return self.box / "store" / hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def sealed(chain: Laptop) -> Sealed:
    """The chain, run to its end."""
    chain.write("pipeline.yaml", LARGE)
    chain.commit("large")
    chain.pipeline("run")
    tree = chain.run_folder() / "tree"
    return Sealed(chain, tree, chain.run_folder().parent.parent)


def test_a_whole_run_is_whole(sealed: Sealed) -> None:
    """Said in one line, with how much was read."""
    said = sealed.laptop.pipeline("verify")

    assert "3 sealed stages" in said
    assert said.rstrip().endswith("all whole")
    assert said.count("\n") == 1


def test_it_changes_nothing(sealed: Sealed) -> None:
    """Neither on the box nor here, whatever it finds."""
    (sealed.tree / "artifacts/one/one.txt").write_text("spoiled\n")
    (sealed.tree / "artifacts/two/two.txt").unlink()
    before = trace(sealed.box), trace(sealed.laptop.repo)

    sealed.laptop.pipeline("verify", code=7)

    assert (trace(sealed.box), trace(sealed.laptop.repo)) == before


def test_a_changed_file_is_named(sealed: Sealed) -> None:
    """What it should be, what it is, and what puts it right."""
    (sealed.tree / "artifacts/one/one.txt").write_text("two\n")

    said = sealed.laptop.pipeline("verify", code=7)

    run = sealed.laptop.run_id
    wanted, found = (hashlib.sha256(t).hexdigest() for t in (b"one\n", b"two\n"))
    assert said.splitlines()[:4] == [
        "artifacts/one/one.txt is not what was sealed",
        f"  should be: 4 B (4 bytes), sha256 {wanted}",
        f"  is:        4 B (4 bytes), sha256 {found}",
        f"  to heal:   its commit has it: pipeline resume {run}",
    ]
    assert said.splitlines()[4].endswith("1 difference")


@pytest.mark.parametrize(
    "name", ["three/metrics.json", "three/manifest.json", "three/curve.svg"]
)
def test_every_sealed_file_of_results_counts(sealed: Sealed, name: str) -> None:
    """Those for people, and those we wrote ourselves."""
    (sealed.tree / "results" / name).write_text("{}")

    one = sealed.only()

    assert (one["where"], one["path"]) == ("run", f"results/{name}")
    assert "pipeline resume" in one["heal"]


@pytest.mark.parametrize("kind", ["missing", "folder", "link", "short"])
def test_a_lost_file_is_named(sealed: Sealed, kind: str) -> None:
    """Also where something else has its name; a link to the same bytes is no file."""
    path = sealed.tree / "artifacts/three/three.txt"
    text = path.read_text()
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.with_name("other").write_text(text)
        path.symlink_to("other")
    elif kind == "short":
        path.write_text(text[:-1])

    one = sealed.only()

    assert one["path"] == "artifacts/three/three.txt"
    assert one["found"] == "not there" or kind == "short"


def test_a_large_file_heals_from_the_store(sealed: Sealed) -> None:
    """Git has it not, and the store does."""
    (sealed.tree / "artifacts/two/two.txt").unlink()

    one = sealed.only()

    assert one["heal"].startswith("remove it; the store has it: pipeline resume")


def test_a_large_file_that_is_nowhere_is_said(sealed: Sealed) -> None:
    """Only a new run makes it again."""
    sealed.stored().unlink()
    (sealed.tree / "artifacts/two/two.txt").unlink()

    assert sealed.only()["heal"].startswith("nothing else has it")


def test_a_damaged_store_is_said(sealed: Sealed) -> None:
    """Each run's own copy is apart from it."""
    stored = sealed.stored()
    stored.chmod(0o600)
    stored.write_bytes(b"x" * stored.stat().st_size)

    one = sealed.only()

    assert (one["where"], one["path"]) == ("store", f"store/{stored.name}")


def test_a_store_without_it_is_whole(sealed: Sealed) -> None:
    """Cleared is not damaged."""
    sealed.stored().unlink()

    assert sealed.differences(code=0) == []


@pytest.mark.parametrize("harm", ["missing", "junk", "other"])
def test_a_damaged_object_is_named(sealed: Sealed, harm: str) -> None:
    """With its path; the rest is looked at all the same."""
    run = sealed.laptop.run_id
    oid = sealed.git("rev-parse", f"run/{run}:results/three/curve.svg")
    other = sealed.git("rev-parse", f"run/{run}:artifacts/one/one.txt")
    objects = sealed.box / "code.git" / "objects"
    path = objects / oid[:2] / oid[2:]
    path.chmod(0o644)
    if harm == "missing":
        path.unlink()
    elif harm == "junk":
        path.write_bytes(b"junk")
    else:
        path.write_bytes((objects / other[:2] / other[2:]).read_bytes())
    (sealed.tree / "artifacts/one/one.txt").unlink()

    found = sealed.differences()

    assert [one["where"] for one in found] == ["git", "run"]
    assert found[0]["path"] == f"object {oid} (results/three/curve.svg)"


def test_a_torn_branch_is_no_crash(sealed: Sealed) -> None:
    """A commit that is gone takes the history with it, and that is what is said."""
    run = sealed.laptop.run_id
    tip = sealed.git("rev-parse", f"run/{run}")
    (sealed.box / "code.git" / "objects" / tip[:2] / tip[2:]).unlink()

    found = sealed.differences()

    assert {one["where"] for one in found} == {"git"}


def test_a_seal_that_lies_is_found(sealed: Sealed) -> None:
    """The digest in its trailer stands for the list of its files."""
    run, folder = sealed.laptop.run_id, sealed.laptop.repo
    tip = sealed.git("rev-parse", f"run/{run}^")
    text = sealed.git("cat-file", "commit", tip)
    digest = text.partition("Manifest: sha256:")[2][:64]
    message = text.partition("\n\n")[2].replace(digest, "0" * 64)
    (folder / "lie").write_text(message)
    parent, tree = (sealed.git("rev-parse", f"{tip}{end}") for end in ("^", "^{tree}"))
    lie = sealed.git("commit-tree", tree, "-p", parent, "-F", str(folder / "lie"))
    sealed.git("update-ref", f"refs/heads/run/{run}", lie)

    found = [one for one in sealed.differences() if "manifest.json" in one["path"]]

    assert found[0]["wanted"] == "sha256:" + "0" * 64
    assert found[0]["found"] == f"sha256:{digest}"


def test_a_pulled_file_is_held_too(sealed: Sealed) -> None:
    """What was not pulled is no difference."""
    sealed.laptop.pipeline("pull", sealed.laptop.run_id, "one")
    assert sealed.differences(code=0) == []
    path = sealed.laptop.repo / "artifacts" / sealed.laptop.run_id / "one" / "one.txt"
    path.write_text("spoiled\n")

    one = sealed.only()

    assert one["where"] == "pulled"
    assert one["path"] == str(path.relative_to(sealed.laptop.repo))
    assert one["heal"].endswith(f"pipeline pull {sealed.laptop.run_id} one")


def test_a_branch_that_was_moved_is_said(sealed: Sealed) -> None:
    """The user's own copy of it should only ever hold the run's commits."""
    laptop = sealed.laptop
    laptop.git("branch", "-f", f"run/{laptop.run_id}", laptop.commit("something else"))

    one = sealed.only()

    assert (one["where"], one["path"]) == ("git", f"run/{laptop.run_id}")


def test_a_branch_that_is_behind_is_whole(sealed: Sealed) -> None:
    """The next attach brings the rest."""
    branch = f"run/{sealed.laptop.run_id}"
    sealed.laptop.git("branch", "-f", branch, f"{branch}~2")

    assert sealed.differences(code=0) == []


def test_names_are_shown_tamed(laptop: Laptop) -> None:
    """A file's name may hold an escape; it moves nothing in a terminal."""
    laptop.write(
        "pipeline.yaml",
        "name: odd\nstages:\n  odd:\n"
        "    sh: echo x > $OUT/x.txt; echo y > \"$OUT/$(printf 'a\\033[31mb')\"\n"
        "    outputs: [x.txt]\n",
    )
    laptop.commit("odd")
    laptop.pipeline("run")
    (laptop.run_folder() / "tree/artifacts/odd/a\x1b[31mb").unlink()

    said = laptop.pipeline("verify", code=7)

    assert "\x1b" not in said
    assert "artifacts/odd/ab is not what was sealed" in said


def test_a_run_without_a_seal_has_nothing_to_verify(laptop: Laptop) -> None:
    """It failed at once."""
    laptop.write(
        "pipeline.yaml", "name: no\nstages:\n  a: {sh: exit 1, outputs: [x.txt]}\n"
    )
    laptop.commit("no")
    laptop.pipeline("run", code=4)

    assert "nothing is sealed yet" in laptop.pipeline("verify")


@pytest.mark.timeout(60)
def test_a_running_run_is_verified_so_far(laptop: Laptop) -> None:
    """What is sealed is looked at, and the run goes on."""
    laptop.write("pipeline.yaml", SLOW)
    laptop.commit("slow")
    laptop.pipeline("run", "--detach")
    laptop.wait_for_event("stage_started slow")

    said = laptop.pipeline("verify")

    assert "1 sealed stage," in said
    assert said.rstrip().endswith("all whole")
    laptop.pipeline("stop")
    laptop.wait_for_runner(lives=False)


@pytest.mark.lab
@pytest.mark.timeout(120)
def test_a_run_on_a_box_is_verified_there_and_here(
    remote: Remote, box: Host, lab: Lab
) -> None:
    """Its files on the box, and the mirror against the same lists."""
    remote.on(box, lab, (remote.repo / "pipeline.yaml").read_text())
    remote.pipeline("run", "--host", "gpu")
    assert "all whole" in remote.pipeline("verify")
    run = remote.run_id
    box.exec(f"echo x > ~/.pipeline/*/runs/{run}/tree/artifacts/one/one.txt")
    (remote.results / "three" / "curve.svg").write_text("<svg>other</svg>")

    found = json.loads(remote.pipeline("verify", "--json", code=7))["differences"]

    assert [(one["where"], one["path"]) for one in found] == [
        ("run", "artifacts/one/one.txt"),
        ("mirror", os.path.join("results", run, "three", "curve.svg")),
    ]
    assert found[1]["heal"].endswith(f"pipeline attach {run}")
