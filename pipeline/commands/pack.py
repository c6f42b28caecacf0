"""Take a bundle out of a run, verify it again, list, clear and archive bundles.

create   take the bundle that a run sealed into artifacts/bundles/<hash>
verify   look at every file, and run the model on its golden vectors once more
list     what lies in artifacts/bundles, the newest first
clean    list the bundles beyond the newest N; delete them with --yes
archive  write one file of a bundle: the same bundle, the same bytes

A bundle is named by its hash, by how that begins, or by the path of its folder. What is
taken is held against the run's seal, file by file; artifacts of a box are pulled first.

verify passes only on what it ran. --target coreml and hailo end with 6 where nothing
here can run those, which says nothing against the bundle. It ends with 7 when a file is
not what the manifest says, when a model gives other numbers, or a claim is not borne
out. Nothing in a bundle is executed but its graphs, once their operators are known.

Examples:
  pipeline pack create                     of the run that was started last
  pipeline pack verify 3a5b --target hailo
  pipeline pack clean --keep 5 --yes
  pipeline pack archive 3a5b --format zip
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import codec, files
from pipeline.bundles import packed
from pipeline.bundles.contents import hash_of
from pipeline.bundles.shelf import Shelf
from pipeline.bundles.whole import faults, seen
from pipeline.commands.document import put
from pipeline.errors import DONE, HostError, IntegrityError, SpecError
from pipeline.pulse import many, size
from pipeline.views import bundles as views

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Sequence

    from pipeline.bundles.manifest import Manifest
    from pipeline.bundles.rerun import Rerun
    from pipeline.bundles.shelf import Kept
    from pipeline.bundles.whole import Fault
    from pipeline.layout import LaptopPaths

# Which option belongs to which act.
_OPTIONS = {
    "target": "verify",
    "verbose": "list",
    "keep": "clean",
    "yes": "clean",
    "format": "archive",
    "output": "archive",
}


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Do one of the five."""
    _check(args)
    shelf = Shelf(paths.artifacts)
    if args.act == "create":
        return _create(args, paths, shelf)
    if args.act == "verify":
        return _verify(args, shelf)
    if args.act == "list":
        return _list(args, shelf)
    if args.act == "clean":
        return _clean(args, shelf)
    return _archive(args, shelf)


def _check(args: Namespace) -> None:
    for option, act in _OPTIONS.items():
        if getattr(args, option) not in (None, False) and args.act != act:
            message = f"--{option} is for pack {act}, not for pack {args.act}"
            raise SpecError(message, hint="see: pipeline pack --help")
    if args.act in ("verify", "archive") and not args.what:
        message = f"pack {args.act}: say which bundle"
        raise SpecError(message, hint="see them all with: pipeline pack list")
    if args.act in ("list", "clean") and args.what:
        message = f"pack {args.act} takes no name, found {args.what!r}"
        raise SpecError(message, hint="see: pipeline pack --help")
    if args.act == "clean" and (args.keep is None or args.keep < 0):
        message = "pack clean: say how many to keep, 0 or more"
        raise SpecError(message, hint="as in: pipeline pack clean --keep 5")


def _create(args: Namespace, paths: LaptopPaths, shelf: Shelf) -> int:
    from pipeline import memory
    from pipeline.commands.taking import home_of, sealed_bundle

    record = memory.find_run(paths, args.what)
    found = sealed_bundle(record, paths)
    name = hash_of(found.files)
    is_new = name not in shelf.names()
    if is_new:
        shelf.take(name, home_of(found, record, paths), found.files)
    folder = shelf.root / name
    try:
        manifest = seen(folder)
    except IntegrityError as error:
        if is_new:
            shelf.drop(name)
            raise
        hint = f"remove it, and take it again: rm -r {folder}"
        raise IntegrityError(error.message, hint=hint) from error
    if args.json:
        said = {"run": record.run, "stage": found.seal.stage, "seal": found.seal.commit}
        put({**said, "hash": name, "folder": str(folder), "is_new": is_new})
        return DONE
    total = size(sum(one.size for one in manifest.files.values()))
    what = f"{total}, as it was sealed" if is_new else "was here already, whole"
    print(f"bundle {name} of run {record.run}: {what}")
    print(f"  it lies in {folder}")
    print(f"  run it again: pipeline pack verify {name[:8]}")
    return DONE


def _verify(args: Namespace, shelf: Shelf) -> int:
    folder = shelf.find(args.what)
    ran, not_run = None, ""
    try:
        manifest, found = faults(folder)
        if manifest is not None and not found:
            ran = _rerun(folder, manifest)
            found = list(ran.faults)
    except FileNotFoundError as error:
        message = f"{error.filename} went away while it was read: nothing has passed"
        raise IntegrityError(message, hint="see: pipeline pack list") from error
    if manifest is not None and not found and args.target in ("coreml", "hailo"):
        not_run = manifest.targets[args.target].said or "not run here"
    if args.json:
        put(_verified(folder, manifest, found, ran, not_run))
    else:
        _print(views.verified(folder, manifest, found, ran))
    if found:
        return IntegrityError.exit_code
    if not_run:
        message = f"target {args.target} is not proved: {not_run}"
        hint = "nothing is known against it; what was run gave its golden vectors"
        raise HostError(message, hint=hint)
    if not args.json:
        print("passed: every file is whole, and what was run gave its golden vectors")
    return DONE


def _rerun(folder: Path, manifest: Manifest) -> Rerun:
    """Run it; what cannot be run here has not passed."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it would tell its makers what runs
    try:
        from pipeline.bundles.rerun import rerun
    except ImportError as error:
        message = f"{error.name} is not installed here: nothing of the bundle was run"
        hint = "every file is whole; what runs it is the extra `export` of pipeline"
        raise HostError(message, hint=hint) from error
    return rerun(folder, manifest)


def _verified(
    folder: Path,
    manifest: Manifest | None,
    found: Sequence[Fault],
    ran: Rerun | None,
    not_run: str,
) -> codec.Json:
    counted = ran._asdict() if ran is not None else {}
    counted.pop("faults", None)
    return codec.encode(
        {
            "hash": manifest.hash if manifest else None,
            "folder": str(folder),
            "has_passed": not found and not not_run,
            "faults": found,
            "ran": counted or None,
            "targets": manifest.targets if manifest else {},
        }
    )


def _list(args: Namespace, shelf: Shelf) -> int:
    kept = shelf.all()
    if args.json:
        put({"bundles": [_plain(one) for one in kept]})
        return DONE
    if not kept:
        print(f"no bundle lies in {shelf.root}")
        print("  take one out of a run: pipeline pack create")
        return DONE
    _print(views.rows(kept))
    for one in kept if args.verbose else ():
        print()
        _print(views.whole(one))
    return DONE


def _plain(one: Kept) -> codec.Json:
    from pipeline.clock import stamp

    manifest = one.manifest
    told = {
        "hash": one.hash,
        "folder": str(one.folder),
        "taken_at": stamp(views.moment(one)),
        "size": one.size,
        "why": one.why,
        "commit": views.commit(one) or None,
        "quantiser": manifest.quantiser if manifest else None,
        "codes": manifest.codes if manifest else None,
        "labels": manifest.labels if manifest else (),
        "targets": manifest.targets if manifest else {},
    }
    return codec.encode(told)


def _clean(args: Namespace, shelf: Shelf) -> int:
    gone = shelf.all()[args.keep :]
    for one in gone if args.yes else ():
        shelf.drop(one.hash)
    if args.json:
        items = [{"hash": one.hash, "size": one.size} for one in gone]
        put(codec.encode({"is_deleted": bool(args.yes), "items": items}))
        return DONE
    if not gone:
        print(f"nothing can go: at most {many(args.keep, 'bundle')} lie here")
        return DONE
    _print(views.going(gone))
    total = size(sum(one.size for one in gone))
    if args.yes:
        print(f"{total:>9}  deleted, {many(len(gone), 'bundle')}")
        return DONE
    print(f"{total:>9}  in all, {many(len(gone), 'bundle')}; nothing was deleted")
    print(f"  delete them with: pipeline pack clean --keep {args.keep} --yes")
    return DONE


def _archive(args: Namespace, shelf: Shelf) -> int:
    manifest = seen(folder := shelf.find(args.what))
    form = args.format or "tar.gz"
    target = Path(args.output or f"{manifest.hash}.{form}")
    data = packed.packed(folder, manifest, form)
    is_there = target.exists() or target.is_symlink()
    if is_there and not (target.is_file() and target.read_bytes() == data):
        message = f"{target} is there already, and is something else"
        raise SpecError(message, hint="name another place with --output")
    files.replace_bytes(target, data)
    sha256 = hashlib.sha256(data).hexdigest()
    if args.json:
        put({"hash": manifest.hash, "path": str(target), "sha256": sha256})
    else:
        print(f"bundle {manifest.hash}: {size(len(data))}, in {target}")
        print(f"  sha256 {sha256}")
    return DONE


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)
