"""Bring a run's artifacts home, and hold each against its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import artifact, files, progress
from pipeline.errors import IntegrityError, SpecError
from pipeline.events import read_events
from pipeline.pulse import size
from remote.sync import Sync, Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far


def pull(
    far: Far, record: RunRecord, paths: LaptopPaths, stages: Sequence[str]
) -> tuple[int, str]:
    """Bring the artifacts of sealed stages; give how many files, and their size.

    Raise IntegrityError when one is not what its manifest says; the rest is here.
    """
    mirror = paths.mirror(record.run)
    sync = Sync(far, record)
    if record.host is not None:
        manifests = Wanted(folder="results", include=("manifest.json",))
        sync.bring(manifests, mirror.root)
    sealed = _sealed(record, paths)
    unknown = sorted(set(stages) - set(sealed))
    if unknown:
        message = f"stage {unknown[0]!r} is not sealed in run {record.run}"
        raise SpecError(message, hint=f"sealed are: {', '.join(sealed) or 'none yet'}")
    files.own_ignored_folder(paths.artifacts)
    target = paths.artifacts / record.run
    count, total = 0, 0
    for stage in stages or sealed:
        sync.bring(Wanted(folder="artifacts", below=stage), target)
        listed = artifact.read_manifest(mirror.manifest(stage)).artifacts
        for name, wanted in listed.items():
            path = target / stage / name
            if not path.is_file() or artifact.sha256_of(path) != wanted.sha256:
                message = f"{path} is not what stage {stage!r} sealed"
                hint = f"wanted {wanted.size} bytes, sha256 {wanted.sha256[:12]}..."
                raise IntegrityError(message, hint=hint)
            count, total = count + 1, total + wanted.size
    return count, size(total)


def _sealed(record: RunRecord, paths: LaptopPaths) -> list[str]:
    """Give the stages whose manifest is here: what is sealed has one."""
    mirror = paths.mirror(record.run)
    if mirror.events.exists():
        state = progress.fold(read_events(mirror.events.read_bytes()))
        names = list(state.stages)
    else:
        names = sorted(p.parent.name for p in mirror.root.glob("*/manifest.json"))
    return [name for name in names if mirror.manifest(name).exists()]
