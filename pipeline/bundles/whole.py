"""Is a bundle what its manifest says, file by file? Nothing of it is run or parsed."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import artifact
from pipeline.bundles import manifest as manifests
from pipeline.bundles.contents import (
    ALWAYS,
    COMMIT,
    COREML,
    HEF,
    LABELS,
    MANIFEST,
    NAME,
    VERSION,
    hash_of,
    is_inside,
)
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from pipeline.bundles.manifest import Manifest

MOST_FILES, MOST_BYTES = 10_000, 1_000_000_000
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64}|unknown)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that is not as it must be: which file, and what of it."""

    path: str
    what: str


def faults(folder: Path) -> tuple[Manifest | None, list[Fault]]:
    """Look at every file of a bundle; give its manifest, where that can be read."""
    try:
        manifest = manifests.read(folder)
    except IntegrityError as error:
        return None, [Fault(path=MANIFEST, what=error.message)]
    found = list(_of_files(folder, manifest))
    return manifest, found or list(_of_words(folder, manifest))


def listed(folder: Path) -> dict[str, artifact.Artifact]:
    """Hash every file of a folder that becomes a bundle."""
    return {n: one for n, one in artifact.survey(folder).items() if n != MANIFEST}


def seen(folder: Path) -> Manifest:
    """Give the manifest of a bundle that is whole; raise IntegrityError otherwise."""
    manifest, found = faults(folder)
    if found or manifest is None:
        message = f"{folder}: {found[0].path} {found[0].what}"
        more = f"and {len(found) - 1} more" if len(found) > 1 else ""
        raise IntegrityError(message, hint=more)
    return manifest


def _of_files(folder: Path, manifest: Manifest) -> Iterator[Fault]:
    """Hold what lies there against the list."""
    there, listed = _there(folder), manifest.files
    total = sum(one.size for one in listed.values())
    if max(len(there), len(listed)) > MOST_FILES or total > MOST_BYTES:
        yield Fault(path=".", what="larger than a bundle can be")
        return
    yield from _of_kinds(there, listed)
    for name in sorted({*ALWAYS} - listed.keys()):
        yield Fault(path=name, what="is missing in the manifest")
    for name, wanted in listed.items():
        if stat.S_ISREG(there.get(name, stat.S_IFREG)):
            why = _differs(folder, name, wanted, is_there=name in there)
            if why:
                yield Fault(path=name, what=why)
    if hash_of(listed) != manifest.hash:
        what = f"it says hash {manifest.hash}, and its files make {hash_of(listed)}"
        yield Fault(path=MANIFEST, what=what)


def _of_kinds(there: Mapping[str, int], listed: Collection[str]) -> Iterator[Fault]:
    """Find what is no plain file, or is not listed."""
    for name, mode in there.items():
        if stat.S_ISLNK(mode):
            yield Fault(path=name, what="is a link, which no bundle has")
        elif not stat.S_ISREG(mode):
            yield Fault(path=name, what="is neither a file nor a folder")
        elif name != MANIFEST and name not in listed:
            yield Fault(path=name, what="is not in the manifest")


def _there(folder: Path) -> dict[str, int]:
    """Give the mode of everything below a folder that is no folder; follow no link."""
    found: dict[str, int] = {}
    for place, folders, names in os.walk(folder):
        for name in sorted([*folders, *names]):
            path = Path(place, name)
            mode = path.lstat().st_mode
            if not stat.S_ISDIR(mode):
                found[path.relative_to(folder).as_posix()] = mode
        if len(found) > MOST_FILES:
            break
    return found


def _differs(
    folder: Path, name: str, wanted: artifact.Artifact, *, is_there: bool
) -> str:
    """Say how a file differs from what is listed, or nothing."""
    if not is_inside(name):
        return "leads out of the bundle"
    if not is_there:
        return "is not there"
    path = folder / name
    size = path.stat().st_size
    if size != wanted.size:
        return f"has {size} bytes, and should have {wanted.size}"
    return "" if artifact.sha256_of(path) == wanted.sha256 else "has other content"


def _of_words(folder: Path, manifest: Manifest) -> Iterator[Fault]:
    """Hold what the small files and the claims say against each other."""
    if folder.name != manifest.hash and NAME.fullmatch(folder.name):
        yield Fault(path=".", what=f"is bundle {manifest.hash}, under another name")
    if (folder / VERSION).read_bytes() != f"{manifests.FORMAT}\n".encode():
        yield Fault(path=VERSION, what=f"should say {manifests.FORMAT}")
    if not _COMMIT.fullmatch((folder / COMMIT).read_text(errors="replace")):
        yield Fault(path=COMMIT, what="does not name a commit")
    if len(manifest.shape) != 4 or min(manifest.shape) < 1 or not manifest.labels:
        yield Fault(path=MANIFEST, what="its shape or its labels are none")
    if _labels(folder) != manifest.labels:
        yield Fault(path=LABELS, what="does not say the manifest's labels in order")
    yield from _of_claims(manifest)


def _labels(folder: Path) -> tuple[str, ...] | None:
    """Read the names of behaviours, by their numbers from 0 on."""
    try:
        said = json.loads((folder / LABELS).read_bytes())
        return tuple(said[str(number)] for number in range(len(said)))
    except (ValueError, RecursionError, KeyError, TypeError):
        return None


def _of_claims(manifest: Manifest) -> Iterator[Fault]:
    """Find claims that the files do not bear out."""
    has_coreml = any(name.startswith(f"{COREML}/") for name in manifest.files)
    allowed = {
        "onnx": {"ran"},
        "coreml": {"converted"} if has_coreml else {"pending"},
        "hailo": {"compiled"} if HEF in manifest.files else {"pending"},
    }
    for target in manifest.targets.keys() | allowed.keys():
        claim = manifest.targets.get(target)
        if target not in allowed or claim is None:
            yield Fault(path=MANIFEST, what=f"its targets are wrong: {target}")
        elif claim.state not in allowed[target]:
            there = f"the files make it {' or '.join(allowed[target])}"
            what = f"it claims {target} {claim.state}, and {there}"
            yield Fault(path=MANIFEST, what=what)
