"""Find the bundle that a run sealed: by its seals here, and where its files lie."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import codec
from pipeline.artifact import Manifest
from pipeline.blobs import Blobs
from pipeline.bundles.contents import MANIFEST, NAME, is_inside
from pipeline.commands.known import local_run
from pipeline.errors import GateFailed, IntegrityError, SpecError
from pipeline.frozen import dataclass
from pipeline.git import Git
from pipeline.layout import base_of
from pipeline.ledger import read_seals

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.artifact import Artifact
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.seal import Seal

_BUNDLE = re.compile(rf"((?:.*/)?{NAME.pattern})/{re.escape(MANIFEST)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedBundle:
    """A bundle among the artifacts of a sealed stage.

    place: its folder below those. files: what was sealed of it, by paths within it
    """

    seal: Seal
    place: str
    files: Mapping[str, Artifact]


def sealed_bundle(record: RunRecord, paths: LaptopPaths) -> SealedBundle:
    """Find the newest seal of a run that holds a bundle; its gates must have passed."""
    for seal, listed in _lists(record, paths):
        places = (_BUNDLE.fullmatch(name) for name in listed.artifacts)
        place = next((found[1] for found in places if found), "")
        if not place:
            continue
        if seal.verdict != "pass":
            message = f"stage {seal.stage!r} of run {record.run}: its gates failed"
            hint = f"which, and by how much: pipeline status {record.run}"
            raise GateFailed(message, hint=hint)
        files = {
            name.removeprefix(f"{place}/"): one
            for name, one in listed.artifacts.items()
            if name.startswith(f"{place}/") and is_inside(name)
        }
        return SealedBundle(seal=seal, place=place, files=files)
    message = f"run {record.run} has sealed no bundle, as far as is known here"
    hint = f"the stage `export` makes one; is it sealed? pipeline attach {record.run}"
    raise SpecError(message, hint=hint)


def home_of(found: SealedBundle, record: RunRecord, paths: LaptopPaths) -> Path:
    """Give the folder of a sealed bundle on this machine."""
    stage = found.seal.stage
    pulled = paths.artifacts / record.run / stage
    if record.host is None and not pulled.is_dir():
        return local_run(record).artifacts / stage / found.place
    if not pulled.is_dir():
        message = f"the artifacts of stage {stage!r} are still on {record.host_name}"
        hint = f"bring them home: pipeline pull {record.run} {stage}"
        raise SpecError(message, hint=hint)
    return pulled / found.place


def _lists(record: RunRecord, paths: LaptopPaths) -> Iterator[tuple[Seal, Manifest]]:
    """Give what each seal lists, the newest first, out of its commit.

    The list's digest must be the one that the seal says.
    """
    repository = Git(paths.root, is_git_dir=False, is_ours=False)
    blobs = Blobs(repository)
    try:
        seals = read_seals(repository, record.branch, record.snapshot)
        for seal in reversed(seals):
            path = f"{base_of(record.prefix)}results/{seal.stage}/manifest.json"
            text = blobs.read(f"{seal.commit}:{path}")
            if text is None:
                continue
            listed = codec.loads(Manifest, text, what=f"{seal.commit[:7]}:{path}")
            if listed.digest() != seal.manifest:
                message = f"{seal.commit[:7]}:{path} is not what the seal says"
                hint = f"see what else differs: pipeline verify {record.run}"
                raise IntegrityError(message, hint=hint)
            yield seal, listed
    finally:
        blobs.close()
