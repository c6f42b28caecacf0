"""A git folder of our own that sees the user's repository and leaves it untouched.

It borrows the user's objects, settings, ignore rules and a copy of the index, and keeps
what is new to itself: so a snapshot never writes into the user's `.git`, nor refreshes
his index. It is laid out by hand, since `git init` and `git config` would cost more
than all the rest. Attributes are silenced: here a file is the bytes that lie there.

Two things show through. Conditions of the user's settings (`includeIf gitdir:`) are
asked of our folder, which lies in his work tree; and when git must expand a sparse
index, it renews the times of the trees it meets, as any `git status` would.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline import files
from pipeline.errors import PipelineError, SpecError
from pipeline.frozen import dataclass
from pipeline.git import Git, refusal

if TYPE_CHECKING:
    from pipeline.git import Said

# What lies in $GIT_DIR/info/attributes wins over every .gitattributes.
RAW = b"* -text -ident -filter !eol !working-tree-encoding\n"
FOLDERS = ("info", "objects/info", "objects/pack", "refs/heads/ship")
QUESTIONS = (
    *("--is-bare-repository", "--is-inside-work-tree", "--git-dir", "--git-common-dir"),
    *("--show-object-format", "--show-prefix", "--show-toplevel"),
    *("--verify", "--quiet", "HEAD^{commit}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The user's repository, as seen from a folder of its work tree.

    `git_dir` is this work tree's own (HEAD, index), `common` what linked work trees
    share; `prefix` is the folder's path in it, `head` a commit or nothing.
    """

    top: Path
    git_dir: Path
    common: Path
    prefix: str
    head: str
    object_format: Literal["sha1", "sha256"]

    @property
    def shallow(self) -> tuple[str, ...]:
        """The commits at which history is cut off."""
        return tuple(_read(self.common / "shallow").decode().split())


def find(root: Path) -> Repository:
    """Find the repository whose work tree holds `root`."""
    said = Git(root, is_git_dir=False, is_ours=False).ask("rev-parse", *QUESTIONS)
    told = said.out.split(b"\n")
    # Without a commit the last answer is missing, and the command ends in 1.
    if said.code not in {0, 1} or len(told) not in {8, 9}:
        raise _not_found(root, said)
    git_dir, common, object_format, prefix, top = (os.fsdecode(t) for t in told[2:7])
    return Repository(
        top=Path(top),
        git_dir=(root / git_dir).resolve(),
        common=(root / common).resolve(),
        prefix=prefix.rstrip("/") or ".",
        head=told[7].decode(),
        # Git before 2.29 knows one format only, and gives the question back.
        object_format="sha256" if object_format == "sha256" else "sha1",
    )


def _not_found(root: Path, said: Said) -> PipelineError:
    if b"not a git repository" in said.err:
        return SpecError(f"{root} is not in a git repository", hint="git init")
    if said.out.startswith((b"true\n", b"false\nfalse\n")):
        message = f"{root} is in a bare repository or a .git folder: no files lie there"
        return SpecError(message, hint="start from a clone of it: git clone")
    if said.code in {0, 1}:
        return SpecError(
            f"the path of {str(root)!r} holds a line break", hint="move it"
        )
    return refusal(("rev-parse",), said)


def prepare(found: Repository, folder: Path) -> Git:
    """Lay out `folder` so that git sees the user's files, index and objects from it.

    What was kept there by earlier snapshots stays. Hold a lock meanwhile.
    """
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    said = {
        "HEAD": f"{found.head or 'ref: refs/heads/nothing'}\n".encode(),
        "config": _config(found),
        "info/attributes": RAW,
        "info/exclude": _read(found.common / "info" / "exclude"),
        "info/sparse-checkout": _read(found.git_dir / "info" / "sparse-checkout"),
        "objects/info/alternates": os.fsencode(found.common / "objects") + b"\n",
        "shallow": _read(found.common / "shallow"),
    }
    for name, data in said.items():
        _keep(folder / name, data)
    _copy_index(found.git_dir, folder)
    _sweep(folder)
    return Git(folder.absolute(), is_ours=False, work_tree=found.top)


def _config(found: Repository) -> bytes:
    """Take up the user's settings, and settle those which would bend a snapshot.

    Git reads the format and its extensions from the file itself, never from an include.
    """
    common = found.common / "config"
    sources = [common]
    own = found.git_dir / "config.worktree"
    if own.exists() and b"worktreeconfig" in _read(common).lower():
        sources.append(own)
    version, extensions = 0, ""
    if found.object_format != "sha1":
        version = 1
        extensions = f"[extensions]\n\tobjectformat = {found.object_format}\n"
    lines = [
        f"[core]\n\trepositoryformatversion = {version}\n{extensions}",
        *(f"[include]\n\tpath = {_quoted(source)}\n" for source in sources),
        # Logs would keep old snapshots alive. One pack is synced at once, where loose
        # objects are synced one by one, and renew the time of those the user has.
        "[core]\n\tlogAllRefUpdates = false\n[fastimport]\n\tunpackLimit = 0\n",
    ]
    return os.fsencode("".join(lines))


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _copy_index(git_dir: Path, folder: Path) -> None:
    """Copy the index with its time: git mistrusts entries as young as the index."""
    copy = folder / "index"
    shared = {path.name for path in git_dir.glob("sharedindex.*")}
    for name in shared - {path.name for path in folder.glob("sharedindex.*")}:
        _keep(folder / name, _read(git_dir / name))
    try:
        with (git_dir / "index").open("rb") as file:
            status = os.fstat(file.fileno())
            files.replace_bytes(copy, file.read())
    except FileNotFoundError:
        copy.unlink(missing_ok=True)
    else:
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))


def _sweep(folder: Path) -> None:
    """Remove what killed snapshots left half written."""
    for leftover in (*folder.glob("objects/pack/tmp_*"), *folder.glob("fast_import_*")):
        leftover.unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return b""


def _keep(path: Path, data: bytes) -> None:
    """Let `path` hold `data`: no data, no file."""
    if not data:
        path.unlink(missing_ok=True)
    elif _read(path) != data:
        files.replace_bytes(path, data)
