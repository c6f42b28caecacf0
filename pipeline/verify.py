"""Hold a run on its box against its seals: every file, every object. Reads only.

seals      what is sealed so far, from the run's branch
objects    each object of the branch and of the snapshot, hashed again   (recount)
manifest   of each seal against the digest in its trailer
files      in the worktree, against the manifest and the commit
store      the copies of large artifacts
"""

from __future__ import annotations

import hashlib
from dataclasses import field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from pipeline import artifact, codec
from pipeline.artifact import Artifact, Manifest
from pipeline.errors import HostError, PipelineError
from pipeline.frozen import dataclass
from pipeline.git import Git, tree_entries
from pipeline.ledger import read_seals
from pipeline.objects import blob_name, hash_name_of
from pipeline.pulse import size as spoken_size
from pipeline.recount import Recount
from pipeline.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.clock import Clock
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved
    from pipeline.seal import Seal

Where = Literal["run", "git", "store", "mirror", "pulled"]
_TOLD_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not what was sealed, and how it gets so again."""

    where: Where
    path: str
    wanted: str
    found: str
    heal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedStage:
    """A stage's seal with its list of files, for the laptop to hold its own against."""

    stage: str
    commit: str
    manifest: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The end: what was read. `tip` is where the run's branch stands."""

    stages: int
    files: int
    objects: int
    bytes: int
    tip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the answer; one with nothing said tells how far it is."""

    done: int = 0
    total: int = 0
    at: str = ""
    differs: Difference | None = None
    sealed: SealedStage | None = None
    counted: Counted | None = None


@dataclass(kw_only=True)
class _Stage:
    """What the commit of a seal holds: path below the stage's two folders -> object."""

    seal: Seal
    manifest: Manifest
    entries: Mapping[str, str] = field(default_factory=dict)


class Verification:
    """One pass over one run."""

    def __init__(
        self,
        paths: RunPaths,
        plan: Resolved,
        clock: Clock,
        say: Callable[[Line], None],
    ) -> None:
        """Look at the run of `plan` in `paths`, and say what is found as it comes."""
        self._paths = paths
        self._plan = plan
        self._clock = clock
        self._say = say
        self._git = Git(paths.box.code)
        self._store = Store(paths.box.store)
        self._told_at = float("-inf")
        self._done = self._total = self._files = self._objects = 0

    def run(self) -> None:
        """Check all there is; the last line counts."""
        tip = self._tip()
        stages = self._stages() if tip else []
        self._total = sum(
            one.size for s in stages for one in _all_files(s.manifest).values()
        )
        if tip:
            self._check_objects(tip)
        for stage in stages:
            seal = stage.seal
            sealed = SealedStage(
                stage=seal.stage, commit=seal.commit, manifest=stage.manifest
            )
            self._say(Line(sealed=sealed))
            self._check_files(stage)
        counted = Counted(
            stages=len(stages),
            files=self._files,
            objects=self._objects,
            bytes=self._done,
            tip=tip,
        )
        self._say(Line(counted=counted))

    def _tip(self) -> str:
        ref = f"refs/heads/{self._plan.branch}"
        said = self._git.ask("rev-parse", "--verify", "--quiet", ref)
        return said.out.decode().strip()

    def _stages(self) -> list[_Stage]:
        """Give the seal of each stage with what its commit holds."""
        try:
            seals = read_seals(self._git, self._plan.branch, self._plan.snapshot)
        except PipelineError as error:
            self._differs_in_git(self._plan.branch, error)
            return []
        newest = {seal.stage: seal for seal in seals}
        found = (self._stage(seal) for seal in newest.values())
        return [stage for stage in found if stage is not None]

    def _stage(self, seal: Seal) -> _Stage | None:
        base = PurePosixPath(self._plan.prefix)
        places = [str(base / kind / seal.stage) for kind in ("results", "artifacts")]
        name = f"results/{seal.stage}/manifest.json"
        try:
            listing = self._git.out("ls-tree", "-r", "-z", seal.commit, "--", *places)
            entries = {
                PurePosixPath(path).relative_to(base).as_posix(): one.name
                for path, one in tree_entries(listing)
            }
            text = self._git.out("cat-file", "blob", entries.get(name, "none"))
            manifest = codec.loads(Manifest, text, what=name)
        except PipelineError as error:
            self._differs_in_git(f"{seal.commit[:12]} ({seal.stage})", error)
            return None
        digest = "sha256:" + hashlib.sha256(text).hexdigest()
        if digest != seal.manifest:
            self._differs(
                "git", f"{seal.commit[:12]}: {name}", seal.manifest, digest, _NEW_RUN
            )
        return _Stage(seal=seal, manifest=manifest, entries=entries)

    def _check_objects(self, tip: str) -> None:
        """Hash the objects of the run again: what it sealed, and its snapshot."""
        recount = Recount(self._git, hash_name_of(tip), self._progress_of("git"))
        try:
            for name, found in recount.damaged(tip, self._plan.snapshot):
                self._differs("git", f"object {name}", "whole", found, _FROM_LAPTOP)
        except HostError as error:
            self._differs_in_git(self._plan.branch, error)
        self._objects = recount.count

    def _check_files(self, stage: _Stage) -> None:
        name = stage.seal.stage
        listed = _all_files(stage.manifest, name)
        for path, wanted in listed.items():
            self._check_file(stage, path, wanted)
        for path, oid in stage.entries.items():
            if path not in listed:
                self._check_blob(path, oid)
        large = (a for p, a in listed.items() if p not in stage.entries)
        for one in {a.sha256: a for a in large}.values():
            self._check_stored(one)

    def _check_file(self, stage: _Stage, path: str, wanted: Artifact) -> None:
        self._files += 1
        there = self._paths.base / path
        found = artifact.look(there, self._progress_of(path))
        if found != wanted:
            heal = self._heal(stage, path, wanted)
            self._differs("run", path, spoken(wanted), spoken(found), heal)

    def _check_blob(self, path: str, oid: str) -> None:
        """Hold what only the commit lists, such as metrics.json, against it."""
        self._files += 1
        there = self._paths.base / path
        if not there.is_file() or there.is_symlink():
            found = "not there"
        elif (name := blob_name(there, hash_name_of(oid))) != oid:
            found = f"git object {name[:12]}..."
        else:
            return
        wanted = f"git object {oid[:12]}..."
        self._differs("run", path, wanted, found, self._put_back())

    def _check_stored(self, wanted: Artifact) -> None:
        """A file need not be in the store; what is there must be what it is called."""
        place = self._store.folder / wanted.sha256
        if not place.exists():
            return
        self._files += 1
        self._total += wanted.size
        found = artifact.look(place, self._progress_of(f"store/{wanted.sha256[:12]}"))
        if found != wanted:
            heal = "remove it; a run that meets it drops it, too"
            where = f"store/{wanted.sha256}"
            self._differs("store", where, spoken(wanted), spoken(found), heal)

    def _heal(self, stage: _Stage, path: str, wanted: Artifact) -> str:
        if path in stage.entries:
            return self._put_back()
        if self._store.has(wanted):
            # A runner that takes up a run looks at the size of a large file only.
            return f"remove it; the store has it: pipeline resume {self._plan.run}"
        return _NEW_RUN

    def _put_back(self) -> str:
        return f"its commit has it: pipeline resume {self._plan.run}"

    def _progress_of(self, what: str) -> Callable[[int], None]:
        def told(count: int) -> None:
            self._done += count
            now = self._clock.monotonic()
            if now - self._told_at >= _TOLD_EVERY_S:
                self._told_at = now
                self._say(Line(done=self._done, total=self._total, at=what))

        return told

    def _differs_in_git(self, what: str, error: PipelineError) -> None:
        said = f"{error.message}: {error.hint.splitlines()[0]}" if error.hint else ""
        self._differs("git", what, "whole", said or error.message, _FROM_LAPTOP)

    def _differs(
        self, where: Where, path: str, wanted: str, found: str, heal: str
    ) -> None:
        difference = Difference(
            where=where, path=path, wanted=wanted, found=found, heal=heal
        )
        self._say(Line(differs=difference))


_NEW_RUN = "nothing else has it: a new `pipeline run` makes it again"
_FROM_LAPTOP = (
    "the branch in your own repository may be whole: git fsck there; "
    "else a new `pipeline run` makes it again"
)


def _all_files(manifest: Manifest, stage: str = "") -> dict[str, Artifact]:
    """Give all files of a stage by their paths below the pipeline's folder."""
    kinds = {"artifacts": manifest.artifacts, "results": manifest.results}
    return {
        f"{kind}/{stage}/{name}": one
        for kind, listed in kinds.items()
        for name, one in listed.items()
    }


def spoken(found: Artifact | OSError | None) -> str:
    """Say what a file is, or why that is not known."""
    if found is None:
        return "not there"
    if isinstance(found, OSError):
        return f"not to be read: {found.strerror}"
    return f"{spoken_size(found.size)} ({found.size} bytes), sha256 {found.sha256}"
