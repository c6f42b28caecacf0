"""Bring a run's artifacts home, and hold each against its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import artifact, progress
from pipeline.errors import IntegrityError, SpecError
from pipeline.events import read_events
from pipeline.layout import is_safe_name
from pipeline.pulse import size
from remote.folders import own_folder, prepare_mirror
from remote.sync import Sync, Wanted, check_inside, foreign

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.artifact import Artifact
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far


def pull(
    far: Far, record: RunRecord, paths: LaptopPaths, stages: Sequence[str]
) -> tuple[int, str]:
    """Bring the artifacts of sealed stages; give how many files, and their size.

    Raise IntegrityError when one is not what its manifest says; the rest is here.
    """
    prepare_mirror(far, record, paths)
    own_folder(paths.artifacts)
    mirror = paths.mirror(record.run)
    sealed = _sealed(record, paths)
    unknown = sorted(set(stages) - set(sealed))
    if unknown:
        message = f"stage {unknown[0]!r} is not sealed in run {record.run}"
        raise SpecError(message, hint=f"sealed are: {', '.join(sealed) or 'none yet'}")
    sync = Sync(far, record)
    if record.host is not None:
        manifests = Wanted(folder="results", include=("manifest.json",))
        sync.bring(manifests, mirror.root)
    target = paths.artifacts / record.run
    count, total = 0, 0
    for stage in stages or sealed:
        sync.bring(Wanted(folder="artifacts", below=stage), target)
        for found in _verified(mirror.manifest(stage), stage, target):
            count, total = count + 1, total + found.size
    return count, size(total)


def _verified(manifest: Path, stage: str, target: Path) -> Iterator[Artifact]:
    """Hold what came against the manifest, file by file."""
    for name, wanted in artifact.read_manifest(manifest).artifacts.items():
        check_inside(name)
        path = target / stage / name
        if not path.is_file() or artifact.sha256_of(path) != wanted.sha256:
            message = f"{path} is not what stage {stage!r} sealed"
            hint = f"wanted {wanted.size} bytes, sha256 {wanted.sha256[:12]}..."
            raise IntegrityError(message, hint=hint)
        yield wanted


def _sealed(record: RunRecord, paths: LaptopPaths) -> list[str]:
    """Give the stages that the story calls sealed; a manifest alone comes before."""
    story = paths.mirror(record.run).events
    state = progress.fold(read_events(story.read_bytes() if story.exists() else b""))
    sealed = [name for name, stage in state.stages.items() if stage.commit]
    for name in sealed:
        if not is_safe_name(name):
            raise foreign(name)
    return sealed
