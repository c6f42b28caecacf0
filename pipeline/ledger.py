"""What reads and writes seals: the commits that make stages done.

A seal is a commit on the run's branch whose trailers say all there is to say; `git log`
on any clone is the whole history. Its tree is the one before it, with only the stage's
own folders replaced, so the same outputs always give the same tree.
"""

from __future__ import annotations

import contextlib
import os
import threading
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import files, git
from pipeline.errors import HostError
from pipeline.frozen import dataclass
from pipeline.seal import LOG_FORMAT, parse_log, parse_seal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pipeline.git import Entry, Git
    from pipeline.objects import Objects
    from pipeline.seal import Seal

# The user's own rules must not touch a sealed file: an LFS rule would turn a figure
# into a pointer, `text` would change line ends. Diffs stay, being what seals are for.
ATTRIBUTES = "* -filter -text -ident -working-tree-encoding -merge\n"


def read_seals(repository: Git, branch: str, snapshot: str) -> list[Seal]:
    """Give the seals of a run, oldest first; none when the branch is not there."""
    if not repository.resolve(f"refs/heads/{branch}"):
        return []
    listing = repository.out(
        *("log", "-z", "--reverse", LOG_FORMAT),
        *(f"refs/heads/{branch}", f"^{snapshot}", "--"),
    )
    seals = (parse_seal(*record) for record in parse_log(listing))
    return [seal for seal in seals if seal]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFiles:
    """What a seal adds: which files, by their paths below two folders."""

    results_folder: Path
    results: Iterable[str]
    artifacts_folder: Path
    artifacts: Iterable[str]


class Ledger:
    """The one writer of a run's branch."""

    def __init__(
        self,
        repository: Git,
        objects: Objects,
        *,
        branch: str,
        snapshot: str,
        prefix: PurePosixPath,
    ) -> None:
        """Take up the branch where it stands, or begin it at the snapshot."""
        self._git = repository
        self._objects = objects
        self._ref = f"refs/heads/{branch}"
        self._snapshot = snapshot
        self._base = tuple(part for part in prefix.parts if part != ".")
        self._turn = threading.Lock()
        # Left by a power cut: the branch's only writer is we, who hold the run's lock.
        (repository.folder / f"{self._ref}.lock").unlink(missing_ok=True)
        self.tip = repository.resolve(self._ref)
        if not self.tip:
            repository.out("update-ref", self._ref, snapshot, "0" * len(snapshot))
            self.tip = snapshot
        self._levels: dict[tuple[str, ...], dict[str, Entry]] = {}
        self._written_here: dict[str, dict[str, Entry]] = {}
        self._load((), f"{self.tip}^{{tree}}")

    @contextlib.contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        """Forget what a failed seal prepared: it must not come with the next one."""
        try:
            yield
        except BaseException:
            self._levels.clear()
            self._load((), f"{self.tip}^{{tree}}")
            raise

    def _load(self, place: tuple[str, ...], tree: str) -> None:
        """Read the levels of the tree that seals change, and no others."""
        level = git.read_tree(self._git, tree)
        self._levels[place] = level
        for name in self._ways(place):
            deeper = (*place, name)
            below = level.get(name)
            if below is not None and below.kind == "tree":
                self._load(deeper, below.name)
            else:
                self._levels[deeper] = {}
                if len(place) < len(self._base):
                    message = f"the snapshot has no folder {'/'.join(self._base)}"
                    raise HostError(message)

    def _below(self, kind: str) -> tuple[str, ...]:
        return (*self._base, kind)

    def _ways(self, place: tuple[str, ...]) -> tuple[str, ...]:
        depth = len(place)
        if depth < len(self._base):
            return (self._base[depth],)
        return ("results", "artifacts") if depth == len(self._base) else ()

    def seals(self) -> dict[str, Seal]:
        """Give the seal of each sealed stage of this run, oldest first."""
        return dict(self._sealed)

    def sealed_at(self, stage: str) -> int:
        """Tell when a stage was sealed in this run."""
        return self._sealed[stage].at

    def trees_of(self, stage: str) -> dict[str, str]:
        """Name the trees of a sealed stage as they stand; nothing where it has none."""
        found = {
            kind: self._levels[self._below(kind)].get(stage)
            for kind in ("results", "artifacts")
        }
        return {kind: entry.name if entry else "" for kind, entry in found.items()}

    @cached_property
    def _sealed(self) -> dict[str, Seal]:
        """Asked of the branch once: from then on its only writer is we."""
        if self.tip == self._snapshot:
            return {}
        branch = self._ref.removeprefix("refs/heads/")
        found = read_seals(self._git, branch, self._snapshot)
        return {seal.stage: seal for seal in found}

    def seal(
        self,
        seal: Seal,
        made: StageFiles,
        *,
        at: int,
        before_move: Callable[[], None] = lambda: None,
    ) -> str:
        """Commit a stage's files; on return the stage is done. Give the commit.

        before_move: called when the objects are written and the ref is not moved.
        """
        with self._turn, self._undone_on_error():
            self._put("results", seal.stage, made.results_folder, made.results)
            self._put("artifacts", seal.stage, made.artifacts_folder, made.artifacts)
            return self._sealed_as(seal, at, before_move)

    def _sealed_as(self, seal: Seal, at: int, before_move: Callable[[], None]) -> str:
        known = self._sealed
        commit = self._written_commit(seal.message(), at=at)
        before_move()
        self._move(commit)
        known[seal.stage] = replace(seal, commit=commit, at=at)
        return commit

    def reuse(
        self,
        seal: Seal,
        trees: Mapping[str, str],
        *,
        at: int,
        before_move: Callable[[], None] = lambda: None,
    ) -> str:
        """Seal a stage with the trees of an older seal; give the commit.

        trees: of `results` and of `artifacts`, by the name of the object; nothing where
        there is none.
        """
        with self._turn, self._undone_on_error():
            for kind, tree in trees.items():
                level = self._levels[self._below(kind)]
                level.pop(seal.stage, None)
                if tree:
                    level[seal.stage] = git.folder_entry(tree)
                    level[".gitattributes"] = self._attributes
            return self._sealed_as(seal, at, before_move)

    def close_run(
        self,
        message: str,
        story: Mapping[str, Path | None],
        *,
        at: int,
        before_move: Callable[[], None] = lambda: None,
    ) -> str:
        """Commit the story itself: files by their place below the results folder.

        None is a file that is there no more: an earlier end may have had it.
        """
        with self._turn, self._undone_on_error():
            level = self._levels[self._below("results")]
            for name, path in story.items():
                stage, slash, file = name.partition("/")
                if path is None:
                    level.pop(name, None)
                elif slash:
                    self._add_to(level, stage, {file: self._file(path)})
                else:
                    level[name] = self._file(path)
            commit = self._written_commit(message, at=at)
            before_move()
            return self._move(commit)

    def _add_to(
        self, level: dict[str, Entry], stage: str, more: Mapping[str, Entry]
    ) -> None:
        known = level.get(stage)
        below = self._read_tree(known.name) if known else {}
        level[stage] = git.folder_entry(self._objects.tree({**below, **more}))

    def _read_tree(self, tree: str) -> dict[str, Entry]:
        """Give what a tree holds: one of ours without asking git."""
        if tree not in self._written_here:
            self._written_here[tree] = git.read_tree(self._git, tree)
        return self._written_here[tree]

    def _put(self, kind: str, stage: str, folder: Path, names: Iterable[str]) -> None:
        level = self._levels[self._below(kind)]
        level.pop(stage, None)
        tree = self._nested(folder, sorted(names))
        if tree:
            level[stage] = git.folder_entry(tree)
            level[".gitattributes"] = self._attributes

    @cached_property
    def _attributes(self) -> Entry:
        path = self._git.folder / "pipeline.gitattributes"
        if not path.exists() or path.read_text() != ATTRIBUTES:  # torn by a power cut
            files.replace_text(path, ATTRIBUTES, durable=True)
        return git.file_entry(self._objects.blob(path))

    def _nested(self, folder: Path, names: list[str]) -> str:
        """Write the tree of `names` below `folder`; nothing when there are none."""
        level: dict[str, Entry] = {}
        below: dict[str, list[str]] = {}
        for name in names:
            head, slash, rest = name.partition("/")
            if slash:
                below.setdefault(head, []).append(rest)
            else:
                level[name] = self._file(folder / name)
        for head, rests in below.items():
            level[head] = git.folder_entry(self._nested(folder / head, rests))
        if not level:
            return ""
        tree = self._objects.tree(level)
        self._written_here[tree] = level
        return tree

    def _file(self, path: Path) -> Entry:
        oid = self._objects.blob(path)
        return git.file_entry(oid, is_executable=os.access(path, os.X_OK))

    def _written_commit(self, message: str, *, at: int) -> str:
        tree = self._written(())
        return self._objects.commit(tree, self.tip, message, at=at)

    def _move(self, commit: str) -> str:
        # Compare and swap: were anybody else to move the branch, neither would be lost.
        self._objects.move(self._ref, commit, self.tip)
        self.tip = commit
        return commit

    def _written(self, place: tuple[str, ...]) -> str:
        """Write the changed levels from the bottom up; give the tree on top."""
        level = self._levels[place]
        for name in self._ways(place):
            deeper = (*place, name)
            below = self._levels[deeper]
            if below:
                level[name] = git.folder_entry(self._written(deeper))
            else:
                level.pop(name, None)
        return self._objects.tree(level)
