"""What a run sealed of each stage, as the laptop knows it: from the seals themselves.

The commits came home with the run's branch, so mostly nothing is asked of the box.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pipeline import artifact, codec, files
from pipeline.artifact import Manifest
from pipeline.blobs import Blobs
from pipeline.errors import HostError, TransportError
from pipeline.git import Git
from pipeline.layout import base_of, is_safe_name
from remote.bringing.landing import check_inside, foreign
from remote.bringing.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.memory import RunRecord
    from remote.bringing.sync import Sync

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def sealed_manifests(
    root: Path, record: RunRecord, commits: Mapping[str, str]
) -> dict[str, Manifest]:
    """Read the manifest of each stage out of its seal; what is not here is left out."""
    found: dict[str, Manifest] = {}
    blobs = Blobs(Git(root, is_git_dir=False, is_ours=False))
    try:
        for stage, commit in commits.items():
            if not _COMMIT.fullmatch(commit):
                continue
            path = f"{base_of(record.prefix)}results/{stage}/manifest.json"
            text = blobs.read(f"{commit}:{path}")
            if text is not None:
                found[stage] = codec.loads(Manifest, text, what=f"{commit[:7]}:{path}")
    finally:
        blobs.close()
    return found


def asked_manifests(
    sync: Sync, stages: list[str], incoming: Path
) -> dict[str, Manifest]:
    """Ask the box for the manifests of stages whose seals did not come home."""
    if not stages:
        return {}
    names = tuple(f"{stage}/manifest.json" for stage in stages)
    files.remove_tree(incoming)
    sync.gather(Wanted(folder="results", names=names), incoming)
    found: dict[str, Manifest] = {}
    for stage, name in zip(stages, names, strict=True):
        path = incoming / "files" / name
        if path.is_symlink() or not path.is_file():
            message = f"the manifest of stage {stage!r} did not come home"
            raise TransportError(message, hint="do it again")
        found[stage] = artifact.read_manifest(path)
    files.remove_tree(incoming)
    return found


def check_names(stage: str, manifest: Manifest, *, is_blind: bool) -> None:
    """Refuse a list that leads outside, or that this machine's disk cannot hold.

    is_blind: the disk takes `A` and `a` for one name.
    """
    if not is_safe_name(stage):
        raise foreign(stage)
    seen: dict[str, str] = {}
    for name, one in manifest.artifacts.items():
        check_inside(name)
        if one.size < 0:
            raise foreign(name)
        same = unicodedata.normalize("NFC", name).casefold() if is_blind else name
        if same in seen:
            message = f"stage {stage!r} has both {seen[same]!r} and {name!r}"
            hint = "this machine's disk takes them for one file; pull on another"
            raise HostError(message, hint=hint)
        seen[same] = name


def is_blind(folder: Path) -> bool:
    """Tell whether the disk of a folder takes large letters for small ones."""
    other = folder.with_name(folder.name.swapcase())
    return other.name != folder.name and other.exists() and other.samefile(folder)
