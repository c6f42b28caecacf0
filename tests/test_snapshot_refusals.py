"""What may not travel is refused by name, before a byte of it is read."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.errors import PipelineError, SpecError
from pipeline.git import Git
from pipeline.schema import ShipRules
from pipeline.snapshots.disk import Change
from pipeline.snapshots.fastimport import LARGE, write
from tests.repos import Repo, run_git

NOBODY = 65534


def nested(repo: Repo) -> None:
    """Put repositories into the work tree: full, empty, and among our own results."""
    Repo.make(repo.path / "lib" / "full")
    Repo.make(repo.path / "results" / "ours")
    run_git(repo.path, "init", "-q", "lib/empty")


def dirty_module(repo: Repo) -> None:
    """Make submodules dirty in each way."""
    library = Repo.make(repo.path.parent / "library")
    for name in ("ahead", "changed", "grown"):
        repo.git("submodule", "add", "-q", str(library.path), name)
    repo.commit()
    Repo(repo.path / "ahead", repo.path).commit({"new": "x\n"})
    repo.write("changed/pipeline.yaml", "changed\n")
    repo.write("changed/new")
    repo.write("grown/new")


def secrets(repo: Repo) -> None:
    """Lay out secrets, new and tracked, among what only looks like one."""
    repo.commit({"certs/old.pem": "x\n", ".env.example": "x\n"})
    for name in (".env", "keys/id_rsa", "keys/id_rsa.pub", "id_map.py"):
        repo.write(name)
    (repo.path / "link.key").symlink_to("elsewhere")


def large(repo: Repo) -> None:
    """Write more than may travel: new, changed, staged."""
    repo.commit({"grown": "x"})
    repo.write("grown", b"g" * 700)
    repo.write("staged", b"s" * 300)
    repo.git("add", "staged")
    for n in range(6):
        repo.write(f"data/{n}.bin", b"d" * (10 + n))


def special(repo: Repo) -> None:
    """Put a pipe and a socket where git knows a file."""
    repo.commit({"pipe": "x\n", "socket": "x\n"})
    for name in ("pipe", "socket"):
        (repo.path / name).unlink()
    os.mkfifo(repo.path / "pipe")
    here = os.open(".", os.O_RDONLY)
    os.chdir(repo.path)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as end:
        end.bind("socket")
    os.fchdir(here)
    os.close(here)


def everything(repo: Repo) -> None:
    """Be wrong in more ways than one."""
    Repo.make(repo.path / "lib")
    repo.write(".env")
    repo.write("data", b"d" * 1500)


REFUSED = [
    (
        nested,
        (
            "'lib/empty' is a git repository of its own, and would not travel\n"
            "  add it to .gitignore, or make it a submodule\n"
            "'lib/full' is a git repository of its own, and would not travel\n"
            "  add it to .gitignore, or make it a submodule"
        ),
    ),
    (
        dirty_module,
        (
            "submodule 'ahead' holds what would not travel: another commit\n"
            "  commit there, then note that commit here with git add; or undo it\n"
            "submodule 'changed' holds what would not travel: changes, new files\n"
            "  commit there, then note that commit here with git add; or undo it\n"
            "submodule 'grown' holds what would not travel: new files\n"
            "  commit there, then note that commit here with git add; or undo it"
        ),
    ),
    (
        secrets,
        (
            "looks like a secret, and is not shipped: '.env', 'keys/id_rsa'\n"
            "  add it to .gitignore, or list it in ship.allow\n"
            "looks like a secret, and git tracks it: 'certs/old.pem'\n"
            "  list it in ship.allow, or: git rm --cached"
        ),
    ),
    (
        large,
        (
            "1.1 kB are new since the last commit, and ship.max_size is 1.0 kB\n"
            "      700 B  'grown'\n"
            "      300 B  'staged'\n"
            "       15 B  'data/5.bin'\n"
            "       14 B  'data/4.bin'\n"
            "       13 B  'data/3.bin'\n"
            "  add to .gitignore, use `data:`, or raise ship.max_size"
        ),
    ),
    (
        special,
        (
            "neither a file nor a link: 'pipe', 'socket'\n"
            "  git cannot keep it; move it away"
        ),
    ),
    (
        everything,
        (
            "'lib' is a git repository of its own, and would not travel\n"
            "  add it to .gitignore, or make it a submodule\n"
            "looks like a secret, and is not shipped: '.env'\n"
            "  add it to .gitignore, or list it in ship.allow\n"
            "1.5 kB are new since the last commit, and ship.max_size is 1.0 kB\n"
            "     1.5 kB  'data'\n"
            "        4 B  '.env'\n"
            "  add to .gitignore, use `data:`, or raise ship.max_size"
        ),
    ),
]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A repository with one commit."""
    return Repo.make(tmp_path / "repo")


@pytest.mark.parametrize(
    ("arrange", "message"), REFUSED, ids=lambda row: getattr(row, "__name__", "")
)
def test_what_may_not_travel_is_refused(
    repo: Repo, arrange: Callable[[Repo], None], message: str
) -> None:
    """The whole message; and nothing was written, not even to our own folder."""
    arrange(repo)

    with pytest.raises(SpecError) as caught:
        repo.take(ShipRules(max_size=1000))

    assert str(caught.value) == message
    assert list((repo.scratch / "objects" / "pack").iterdir()) == []
    assert list((repo.scratch / "refs" / "heads" / "ship").iterdir()) == []


def test_a_repository_in_a_files_place_is_refused(repo: Repo) -> None:
    """Git tells of it in another way than of a new folder."""
    repo.commit({"was-file": "x\n"})
    (repo.path / "was-file").unlink()
    Repo.make(repo.path / "was-file")

    with pytest.raises(SpecError, match="'was-file' is a git repository of its own"):
        repo.take()


def test_no_repository(tmp_path: Path) -> None:
    """Said as what to do."""
    with pytest.raises(SpecError) as caught:
        Repo(tmp_path, tmp_path).take()

    assert str(caught.value) == f"{tmp_path} is not in a git repository\n  git init"


@pytest.mark.parametrize("inside", ["bare.git", "repo/.git", "repo/.git/objects"])
def test_no_work_tree(repo: Repo, tmp_path: Path, inside: str) -> None:
    """A bare repository has no files to ship, nor has the inside of a .git."""
    run_git(tmp_path, "init", "-q", "--bare", "bare.git")

    with pytest.raises(SpecError) as caught:
        Repo(tmp_path, tmp_path / inside).take()

    assert str(caught.value) == (
        f"{tmp_path / inside} is in a bare repository or a .git folder: no files lie "
        "there\n  start from a clone of it: git clone"
    )


def test_a_path_with_a_line_break(tmp_path: Path) -> None:
    """Git's own files cannot name such a folder."""
    repo = Repo.make(tmp_path / "line\nbreak")

    with pytest.raises(SpecError, match="holds a line break"):
        repo.take()


def test_a_damaged_repository_is_told_in_the_words_of_git(repo: Repo) -> None:
    """Never a snapshot of half of it."""
    (repo.path / ".git" / "index").write_bytes(b"DIRC no index at all" * 10)

    with pytest.raises(PipelineError, match="git ls-files ended in 128"):
        repo.take()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may enter."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def as_nobody(action: Callable[[], object]) -> str:
    """Do it without the rights of root, and give the error it ended in."""
    reading, writing = os.pipe()
    if not os.fork():
        try:
            if not os.getuid():
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writing, repr(action()).encode())
        except BaseException as error:  # noqa: BLE001 - told to the parent
            os.write(writing, str(error).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as said:
        text = said.read()
    os.wait()
    return text


def test_what_cannot_be_read_is_refused(open_folder: Path) -> None:
    """Files and folders, named before anything is read."""
    repo = Repo.make(open_folder / "repo")
    repo.write("closed/inside")
    repo.write("file").chmod(0)
    repo.write("pipeline.yaml", "changed\n").chmod(0)
    (repo.path / "closed").chmod(0)
    for path in (open_folder, *open_folder.rglob("*")):
        if not os.getuid():
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    said = as_nobody(repo.take)

    (repo.path / "closed").chmod(0o755)
    assert said == (
        "permission to read is denied: 'closed', 'file', 'pipeline.yaml'\n"
        "  chmod u+r, or add it to .gitignore"
    )


@pytest.mark.parametrize("size", [10, LARGE * 2])
@pytest.mark.parametrize("how", ["vanished", "became a link"])
def test_a_file_that_changes_meanwhile_is_told(repo: Repo, how: str, size: int) -> None:
    """Nothing is committed, and no git is left waiting for the rest."""
    path = repo.write("b", b"x" * size)
    head = repo.take().commit
    git = Git(repo.scratch)
    path.unlink()
    if how == "became a link":
        path.symlink_to("pipeline.yaml")
    changes = [
        Change(path="pipeline.yaml", mode="100644"),
        Change(path="b", mode="100644"),
    ]

    with pytest.raises(SpecError) as caught:
        write(git, repo.path, head, changes, "refs/heads/ship/r2")

    assert caught.value.message.startswith("'b' changed while it was read: ")
    assert not (repo.scratch / "refs" / "heads" / "ship" / "r2").exists()


def test_a_file_that_grows_travels_as_it_was(repo: Repo) -> None:
    """A log that is written all the time does not stop a run."""
    repo.write("log", b"1\n" * LARGE)
    with (repo.path / "log").open("ab") as log:
        log.write(b"2\n")
        snapshot = repo.take()

    assert repo.held(snapshot)["log"][1].startswith(b"1\n")
