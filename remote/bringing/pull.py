"""Bring a run's artifacts home, and hold each against its manifest.

    list     what was sealed, from the seals themselves
    compare  what lies here already, by content
    gather   the rest, hidden, going on with what an earlier pull left
    verify   each file by its sha256, and only then move it to its place

Nothing half or wrong ever has its real name.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline import artifact, files, progress
from pipeline.clock import SystemClock
from pipeline.errors import HostError, IntegrityError, SpecError, TransportError
from pipeline.eventlines import read_events
from pipeline.frozen import dataclass
from pipeline.layout import is_safe_name
from pipeline.pulse import many, size
from remote.bringing.folders import lock_of, own_folder, prepare_mirror
from remote.bringing.landing import (
    INCOMING,
    Landing,
    check_room,
    clear,
    foreign,
    look_over,
    weigh,
)
from remote.bringing.manifests import (
    asked_manifests,
    check_names,
    is_blind,
    sealed_manifests,
)
from remote.bringing.sync import Sync
from remote.bringing.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.artifact import Artifact
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far

_PAUSES_S = (1.0, 2.0, 4.0)
Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What lies here now of what was asked for: every file, and how many bytes came."""

    files: tuple[tuple[str, str, Artifact], ...]
    fetched: int

    @property
    def size(self) -> int:
        """Give the bytes of all of them."""
        return sum(one.size for _, _, one in self.files)


def pull(
    far: Far,
    record: RunRecord,
    paths: LaptopPaths,
    stages: Sequence[str],
    told: Told = lambda *_: None,
) -> Pulled:
    """Bring the artifacts of sealed stages; a stage and a name for each.

    told: hears what is being done, and how many bytes of how many. Raise IntegrityError
    when one is not what its manifest says; the rest is here.
    """
    prepare_mirror(far, record, paths)
    own_folder(paths.artifacts)
    commits = _sealed(record, paths)
    unknown = sorted(set(stages) - set(commits))
    if unknown:
        message = f"stage {unknown[0]!r} is not sealed in run {record.run}"
        sealed = ", ".join(commits) or "none yet"
        raise SpecError(message, hint=f"sealed are: {sealed}")
    asked = {name: commits[name] for name in stages or commits}
    target = paths.artifacts / record.run
    target.mkdir(exist_ok=True)
    with _alone(paths, record.run):
        pulling = _Pull(Sync(far, record), target, told)
        try:
            return pulling.bring(asked, sealed_manifests(paths.root, record, asked))
        except TransportError as error:
            again = f"what came is kept; go on with: pipeline pull {record.run}"
            hint = f"{error.hint}\n{again}" if error.hint else again
            raise TransportError(error.message, hint=hint) from error


@contextlib.contextmanager
def _alone(paths: LaptopPaths, run: str) -> Iterator[None]:
    """Let no second pull of a run write where the first one does."""
    lock = files.open_lock(lock_of(paths, f"{run}.pull"))
    if lock is None:
        message = f"another `pipeline pull` of run {run} is at work here"
        raise HostError(message, hint="let it end, or end it; nothing is lost")
    try:
        yield
    finally:
        os.close(lock)


def _sealed(record: RunRecord, paths: LaptopPaths) -> dict[str, str]:
    """Give the stages that the story calls sealed; a manifest alone comes before."""
    story = paths.mirror(record.run).events
    state = progress.fold(read_events(story.read_bytes() if story.exists() else b""))
    sealed = {name: s.commit for name, s in state.stages.items() if s.commit}
    for name in sealed:
        if not is_safe_name(name):
            raise foreign(name)
    return sealed


class _Pull:
    """One pull into one folder."""

    def __init__(self, sync: Sync, target: Path, told: Told) -> None:
        self._sync = sync
        self._target = target
        self._told = told
        self._incoming = target / INCOMING
        self._clock = SystemClock()
        self._fetched = 0

    def bring(
        self, commits: dict[str, str], known: dict[str, artifact.Manifest]
    ) -> Pulled:
        unknown = [stage for stage in commits if stage not in known]
        with_parts = self._incoming / "manifests"
        manifests = {**known, **asked_manifests(self._sync, unknown, with_parts)}
        blind = is_blind(self._target.parent)
        listed: list[tuple[str, str, Artifact]] = []
        for stage in commits:
            check_names(stage, manifests[stage], is_blind=blind)
            here = manifests[stage].artifacts.items()
            listed += [(stage, name, one) for name, one in here]
        due = {f"{stage}/{name}": one for stage, name, one in self._lacking(listed)}
        if due:
            self._fetch(due)
        clear(self._incoming)
        return Pulled(files=tuple(listed), fetched=self._fetched)

    def _lacking(
        self, listed: list[tuple[str, str, Artifact]]
    ) -> Iterator[tuple[str, str, Artifact]]:
        """Yield what is not here, or is not what was sealed: by content."""
        total = sum(one.size for _, _, one in listed)
        done = 0
        for stage, name, wanted in listed:
            path = self._target / stage / name
            self._told("comparing", done, total)
            is_size = path.is_file() and path.stat().st_size == wanted.size
            if not is_size or artifact.look(path) != wanted:
                yield stage, name, wanted
            done += wanted.size

    def _fetch(self, due: dict[str, Artifact]) -> None:
        """Bring files; what is wrong is brought once more, from its beginning."""
        wrong = self._gather_and_place(due)
        if wrong:
            for name in wrong:
                files.remove_tree(self._incoming / "files" / name)
            wrong = self._gather_and_place({name: due[name] for name in wrong})
        if wrong:
            name, wanted = wrong[0], due[wrong[0]]
            stage, _, file = name.partition("/")
            message = f"{file!r} is not what stage {stage!r} sealed"
            if len(wrong) > 1:
                message += f", nor are {len(wrong) - 1} more"
            said = f"wanted {wanted.size} bytes, sha256 {wanted.sha256[:12]}..."
            hint = f"{said}\nit was not put into {self._target}; see: pipeline verify"
            clear(self._incoming)
            raise IntegrityError(message, hint=hint)

    def _gather_and_place(self, due: dict[str, Artifact]) -> list[str]:
        self._gather(due)
        landing = Landing(self._target, "artifacts")
        total, done, wrong = sum(one.size for one in due.values()), 0, []
        for name, wanted in due.items():
            self._told("verifying", done, total)
            path = self._incoming / "files" / name
            if artifact.look(path) == wanted:
                files.move(path, landing.place_of(name))
            else:
                wrong.append(name)
            done += wanted.size
        return wrong

    def _gather(self, due: dict[str, Artifact]) -> None:
        """Bring parts until all is here; as long as more comes, the line is tried."""
        total = sum(one.size for one in due.values())
        if self._incoming.is_symlink() or look_over(self._incoming)[1]:
            clear(self._incoming)
        self._incoming.mkdir(exist_ok=True)
        _, before = weigh(self._incoming)
        check_room(self._target, max(total - before, 0))
        self._fetched += max(total - before, 0)
        wanted = Wanted(folder="artifacts", names=tuple(due))
        tries = 0
        while True:
            try:
                self._sync.gather(
                    wanted,
                    self._incoming,
                    lambda done: self._told("fetching", min(done, total), total),
                )
            except TransportError:
                _, now = weigh(self._incoming)
                tries = 0 if now > before else tries + 1
                before = now
                if tries == len(_PAUSES_S):
                    raise
                self._told("the line broke, fetching", min(now, total), total)
                self._clock.sleep(_PAUSES_S[tries])
            else:
                return


def spoken(pulled: Pulled) -> str:
    """Say what is here, in a few words."""
    what = many(len(pulled.files), "file")
    came = f" ({size(pulled.fetched)} of it came now)" if pulled.fetched else ""
    return f"{what}, {size(pulled.size)} verified{came}"
