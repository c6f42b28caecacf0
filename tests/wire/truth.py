"""What must hold: during a fault, after it, and when everything has come home."""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

from pipeline.layout import EVENTS, HEARTBEAT, LOG, PROGRESS
from tests.laptop import wait_until
from tests.wire.ground import STAGES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.wire.scene import Scene

GROWING, LIVE = (EVENTS, LOG), (PROGRESS, HEARTBEAT)
_GONE_S = 12.0  # until sshd has noticed that nobody is at the other end


def not_a_prefix(scene: Scene) -> Iterator[str]:
    """Give what lies in the mirror and is no part of what the box has."""
    try:
        here, there = scene.results, scene.far_results
    except ValueError:
        return  # no run was begun
    for path in _files(here):
        name = path.relative_to(here).as_posix()
        if path.name in LIVE or _is_hidden(path, here):
            continue
        mine = path.read_bytes()  # first: the box's goes on
        theirs = _read(there / name)
        if theirs is None:
            yield f"{name} is ahead of the box"
        elif path.name in GROWING and not theirs.startswith(mine):
            yield f"{name} is no prefix of the box's"
        elif path.name not in GROWING and mine != theirs:
            yield f"{name} is torn: {len(mine)} of {len(theirs)} bytes"


def not_at_home(scene: Scene, whole: Mapping[str, str]) -> Iterator[str]:
    """Give what is not as after a run that nothing happened to."""
    here, there = scene.results, scene.far_results
    for path in _files(there):
        name = path.relative_to(there)
        is_empty_log = path.name in GROWING and not path.stat().st_size
        if not is_empty_log and _read(here / name) != path.read_bytes():
            yield f"{name} did not come home"
    for where, repository in (("here", None), ("on the box", scene.code)):
        trees = scene.trees(repository)
        for stage in STAGES:
            if trees.get(stage) != whole[stage]:
                yield f"{stage}: {where}, not the tree of an undisturbed run"
    for artifact, digest in digests(scene).items():
        if whole.get(artifact) != digest:
            yield f"{artifact}: not what an undisturbed run made"


def digests(scene: Scene) -> dict[str, str]:
    """Hash what was pulled."""
    folder = scene.artifacts
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in _files(folder)
    }


def sealed_wrongly(scene: Scene, before: list[str]) -> Iterator[str]:
    """Give what was sealed twice, or is no more; `before` were there at the fault."""
    sealed = [seal for run in scene.runs_on_box() for seal in scene.seals_of(run)]
    names = sorted(seal.partition(" ")[2] for seal in sealed)
    if names != sorted(STAGES):
        yield f"sealed: {', '.join(names)}"
    if lost := set(before) - set(sealed):
        yield f"lost: {', '.join(lost)}"


def left_behind(scene: Scene) -> Iterator[str]:
    """Give processes that nobody will end, and drafts that nobody will remove."""
    scene.hang_up()
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not scene.here() and not scene.there(), "", _GONE_S)
    yield from (f"lives here: {text[:120]}" for text in scene.here().values())
    yield from (f"lives on the box: {text[:120]}" for text in scene.there().values())
    yield from drafts(scene)


def drafts(scene: Scene) -> Iterator[str]:
    """Give what lies about half made."""
    for folder in (scene.repo / "results", scene.repo / "artifacts"):
        for path in sorted(folder.rglob("*")):
            if _is_hidden(path, folder):
                yield f"a draft: {path.relative_to(folder)}"
    # Those of the laptop's own repository are git's, and the user's `git gc` ends them.
    packs = scene.drafts_of_packs()
    yield from (f"a draft in code.git: {path.name}" for path in packs)


def _is_hidden(path: Path, below: Path) -> bool:
    """Tell what is on its way, or was left there: no run gives such names."""
    parts = path.relative_to(below).parts
    return path.name != ".gitignore" and any(part.startswith(".") for part in parts)


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file())


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
