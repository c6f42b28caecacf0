"""Verify a run: on its box, and what of it lies here."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact
from pipeline.errors import TransportError
from pipeline.frozen import dataclass
from pipeline.git import Git
from pipeline.layout import is_safe_name
from pipeline.verify import Counted, Difference, Line, spoken
from remote.bringing.landing import check_inside, foreign
from remote.watching.lines import lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.artifact import Artifact
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.verify import SealedStage, Where
    from remote.far import Far


@dataclass(kw_only=True)
class Found:
    """What a verification found, there and here."""

    counted: Counted
    differences: list[Difference] = field(default_factory=list)
    files_here: int = 0


def verify(
    far: Far, record: RunRecord, paths: LaptopPaths, told: Callable[[Line], None]
) -> Found:
    """Hold a run against its seals, on the box and here; `told` hears how far it is.

    Nothing is changed anywhere.
    """
    sealed: list[SealedStage] = []
    differences: list[Difference] = []
    counted: Counted | None = None
    for line in lines(far, lambda: far.verify(record.run), Line):
        if line.differs:
            differences.append(line.differs)
        elif line.sealed:
            sealed.append(line.sealed)
        elif line.counted:
            counted = line.counted
        else:
            told(line)
    if counted is None:
        message = f"host {far.link.name!r}: the answer ended in the middle"
        raise TransportError(message, hint="nothing was changed; do it again")
    found = Found(counted=counted, differences=differences)
    here = _Here(record, paths, found)
    for stage in sealed:
        here.check(stage)
    here.check_branch({counted.tip, record.snapshot, *(s.commit for s in sealed)})
    return found


class _Here:
    """What of a run lies on the laptop: the mirror, what was pulled, the branch."""

    def __init__(self, record: RunRecord, paths: LaptopPaths, found: Found) -> None:
        self._record = record
        self._paths = paths
        self._found = found

    def check(self, stage: SealedStage) -> None:
        """Look at what came home of one stage; what did not come is no difference."""
        if not is_safe_name(stage.stage):
            raise foreign(stage.stage)
        run = self._record.run
        if self._record.host is not None:  # of a run of this machine it is a link
            home = self._paths.mirror(run).stage(stage.stage)
            heal = f"remove it, then: pipeline attach {run}"
            self._check("mirror", home, stage.manifest.results, heal)
        pulled = self._paths.artifacts / run / stage.stage
        heal = f"pipeline pull {run} {stage.stage}"
        self._check("pulled", pulled, stage.manifest.artifacts, heal)

    def _check(
        self, where: Where, home: Path, listed: Mapping[str, Artifact], heal: str
    ) -> None:
        for name, wanted in listed.items():
            check_inside(name)
            path = home / name
            if not path.exists():
                continue
            self._found.files_here += 1
            is_behind = artifact.look(path)
            if is_behind != wanted:
                self._differs(where, path, spoken(wanted), spoken(is_behind), heal)

    def check_branch(self, known: set[str]) -> None:
        """Hold the branch in the user's repository against the commits of the run."""
        branch = self._record.branch
        repository = Git(self._paths.root, is_git_dir=False, is_ours=False)
        tip = repository.resolve(f"refs/heads/{branch}")
        if not tip or tip in known or self._is_behind(repository, tip, known):
            return
        heal = f"git branch -m {branch} mine, then: pipeline attach {self._record.run}"
        wanted = "a commit of the run"
        self._differs("git", Path(branch), wanted, f"{tip[:12]}, which is none", heal)

    def _is_behind(self, repository: Git, tip: str, known: set[str]) -> bool:
        """Tell whether a commit the run is known by stands on `tip`, or came later."""
        return any(
            not repository.ask("merge-base", "--is-ancestor", tip, commit).code
            for commit in known
            if commit
        )

    def _differs(
        self, where: Where, path: Path, wanted: str, found: str, heal: str
    ) -> None:
        shown = path
        if path.is_absolute() and path.is_relative_to(self._paths.root):
            shown = path.relative_to(self._paths.root)
        self._found.differences.append(
            Difference(
                where=where, path=str(shown), wanted=wanted, found=found, heal=heal
            )
        )
