"""Bundles as a person sees them: lines of text, from values alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pipeline.bundles.contents import COMMIT
from pipeline.pulse import many, size
from pipeline.views.tame import tame

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.bundles.manifest import Manifest
    from pipeline.bundles.rerun import Rerun
    from pipeline.bundles.shelf import Kept
    from pipeline.bundles.whole import Fault

_WIDE = {"onnx": 7, "coreml": 9, "hailo": 8}
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def verified(
    folder: Path, manifest: Manifest | None, found: Sequence[Fault], ran: Rerun | None
) -> Iterator[str]:
    """Say what was looked at and run, what was not, and what is wrong."""
    yield f"bundle {manifest.hash if manifest else 'unknown'}, in {tame(str(folder))}"
    for one in found:
        yield f"  {tame(one.path)}: {tame(one.what)}"
    if manifest is not None and ran is not None and ran.windows:
        yield from (f"  {tame(line)}" for line in _ran(manifest, ran))
    if found:
        more = "" if ran is not None else "; nothing of it was run"
        yield f"not passed: {many(len(found), 'fault')}{more}"


def _ran(manifest: Manifest, ran: Rerun) -> Iterator[str]:
    files = manifest.files.values()
    total = size(sum(one.size for one in files))
    yield f"files   {len(files)}, {total}, each as the manifest says"
    shape = "x".join(map(str, manifest.shape))
    yield f"graph   static, {shape}; cut {_cut(manifest)}"
    windows = many(ran.windows, "window")
    yield (
        f"onnx    ran: {windows}, {ran.codes_differing} of {ran.codes} codes differ, "
        f"logits by {ran.logits:.1e}"
    )
    yield (
        f"host    ran behind encoder.onnx: {ran.host_codes_differing} of {ran.codes} "
        f"codes differ, logits by {ran.host_logits:.1e}"
    )
    yield from _claims(manifest, ("coreml", "hailo"))


def _claims(manifest: Manifest, targets: Sequence[str]) -> Iterator[str]:
    for name in targets:
        claim = manifest.targets[name]
        more = "" if claim.said.startswith(claim.state) else f"{claim.state}: "
        yield f"{name:<7} {more}{claim.said}"


def _cut(manifest: Manifest) -> str:
    refused = manifest.refused
    if refused is None:
        return "nowhere: nothing in it is refused"
    return f"at {refused.cut!r}, before {refused.op} {refused.name!r}"


def rows(kept: Sequence[Kept]) -> Iterator[str]:
    """Give a table with a line for each bundle."""
    targets = "  ".join(f"{name:<{wide}}" for name, wide in _WIDE.items())
    yield f"{'bundle':<16}  {'taken':<16}  {'size':>8}  {'model':<8}  {targets}  commit"
    for one in kept:
        head = f"{one.hash}  {taken(one)}  {size(one.size):>8}"
        if one.manifest is None:
            yield f"{head}  cannot be read: pipeline pack verify {one.hash[:8]}"
            continue
        model = f"{one.manifest.quantiser} {one.manifest.codes}"
        claims = one.manifest.targets
        states = {name: claims[name].state for name in claims}
        said = "  ".join(f"{states.get(n, '-'):<{wide}}" for n, wide in _WIDE.items())
        yield f"{head}  {tame(model):<8}  {said}  {commit(one)[:7]}"


def whole(one: Kept) -> Iterator[str]:
    """Give all there is to know of one bundle, short of running it."""
    yield f"{one.hash}  {tame(str(one.folder))}"
    manifest = one.manifest
    if manifest is None:
        yield f"  {tame(one.why)}"
        return
    parity = manifest.parity
    yield f"  labels  {tame(', '.join(manifest.labels))}"
    yield f"  cut     {tame(_cut(manifest))}"
    yield (
        f"  parity  when made: {many(parity.windows, 'window')}, "
        f"{parity.codes_differing} of {parity.codes} codes differed, "
        f"logits by {parity.logits:.1e}"
    )
    yield from (f"  {tame(line)}" for line in _claims(manifest, [*manifest.targets]))
    tools = ", ".join(f"{name} {found}" for name, found in manifest.tools.items())
    yield f"  tools   {tame(tools)}"
    for name, file in sorted(manifest.files.items()):
        yield f"  {size(file.size):>9}  {tame(name)}"


def going(gone: Sequence[Kept]) -> Iterator[str]:
    """List the bundles that would go."""
    for one in gone:
        yield f"{size(one.size):>9}  {one.hash}  taken {taken(one)}"


def moment(one: Kept) -> datetime:
    """Tell when a bundle was put on the shelf."""
    return datetime.fromtimestamp(one.taken_at, tz=timezone.utc)


def taken(one: Kept) -> str:
    """Write that as people read it, by the local clock."""
    return f"{moment(one).astimezone():%Y-%m-%d %H:%M}"


def commit(one: Kept) -> str:
    """Give the commit that a bundle was made at, or nothing."""
    try:
        text = (one.folder / COMMIT).read_text(errors="replace").strip()
    except OSError:
        return ""
    return text if _COMMIT.fullmatch(text) else ""
