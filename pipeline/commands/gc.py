"""List what no kept run needs, the largest first; delete it with --yes.

Kept are the runs that are running, those that may still go on (stopped, or dead), the
newest 10, and those younger than 30 days. --keep and --keep-days say other limits; one
of them said alone is the only limit. A RUN that is named goes whatever its age; it must
not be running.

With a run goes what only it needed: environments, large artifacts in the store,
branches, its snapshot; and here its mirror, what was pulled, and its branch. Without
--yes nothing is deleted. What lies here of a run that its box lost in some other way
stays, as it may be the last there is of it; it goes when the run is named.

It ends with 6 when something could not be deleted; the rest is gone.

Examples:
  pipeline gc                          what could go on this machine
  pipeline gc --host ec2 --keep 3      what could go there if three runs were kept
  pipeline gc a3f9 --yes               let one run go, and what only it needed
"""

from __future__ import annotations

import sys
from dataclasses import field
from typing import TYPE_CHECKING

from pipeline import codec, memory
from pipeline.commands.document import put
from pipeline.commands.known import host_named
from pipeline.errors import DONE, HostError, SpecError, TransportError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.keeping import Item, Kept
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.schema import Host
    from pipeline.wire import Clearing

_YOUNG_S = 3600.0
_MOST_KEPT = 5


@dataclass(kw_only=True)
class _Found:
    """What was found on the box and here, and what became of it."""

    items: list[Item] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    gone: list[Item] = field(default_factory=list)
    left: list[Item] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Clear one host, and what lies here of the runs that go."""
    from pipeline.wire import Clearing

    _check(args)
    named = [memory.find_run(paths, name) for name in dict.fromkeys(args.runs)]
    name = _host_name(args, named)
    records = [one for one in memory.read_runs(paths) if one.host_name == name]
    asked = Clearing(
        is_meant=args.yes,
        keep=-1 if args.keep is None else args.keep,
        keep_days=-1.0 if args.keep_days is None else args.keep_days,
        runs=tuple(one.run for one in named),
    )
    found = _Found()
    host = _host(name, records, paths)
    for project in _projects(name, records, named, paths):
        _clear_box(host, project, asked, found)
    _clear_here(records, asked, paths, found)
    _print(args, name, found)
    return HostError.exit_code if found.left else DONE


def _check(args: Namespace) -> None:
    if args.keep is not None and args.keep < 0:
        message = f"--keep should be 0 or more, found {args.keep}"
        raise SpecError(message)
    if args.keep_days is not None and not 0 <= args.keep_days < float("inf"):
        message = f"--keep-days should be 0 or more, found {args.keep_days:g}"
        raise SpecError(message)
    if "" in args.runs:
        message = "a run is named by nothing at all"
        hint = "a variable that is not set? name the run, or: pipeline gc latest"
        raise SpecError(message, hint=hint)
    if args.runs and (args.keep is not None or args.keep_days is not None):
        message = "runs are named, and --keep or --keep-days would choose others"
        raise SpecError(message, hint="say the one or the other")


def _host_name(args: Namespace, named: list[RunRecord]) -> str:
    """Say where to clear: on the host that is named, or on that of the named runs."""
    places = sorted({one.host_name for one in named} | ({args.host} - {None}))
    if len(places) > 1:
        message = f"that is on more than one host: {', '.join(places)}"
        raise SpecError(message, hint="clear one after the other")
    return places[0] if places else "local"


def _host(name: str, records: list[RunRecord], paths: LaptopPaths) -> Host | None:
    """Find the host as its latest run had it, or else in pipeline.yaml."""
    from pipeline.reading import spec

    if name == "local":
        return None
    if records:
        return records[-1].host
    return host_named(spec.load(paths.pipeline_file), name, paths)


def _projects(
    name: str, records: list[RunRecord], named: list[RunRecord], paths: LaptopPaths
) -> list[str]:
    """Give the folders on that host that runs were started into from here."""
    if named:
        return sorted({one.project for one in named})
    folders = {one.project for one in records}
    for path in (paths.memory / "hosts").glob(f"{name}.*.json"):
        project = path.name.removeprefix(f"{name}.").removesuffix(".json")
        if "." not in project:
            folders.add(project)
    return sorted(folders)


def _clear_box(host: Host | None, project: str, asked: Clearing, found: _Found) -> None:
    from pipeline.keeping import Told
    from remote import hosts
    from remote.far import Far
    from remote.watching.lines import lines

    far = Far(hosts.link_to(host), project, host)
    told = Told()
    for told in lines(far, lambda: far.clear(asked), Told):
        for one, place in (
            (told.item, found.items),
            (told.gone, found.gone),
            (told.left, found.left),
        ):
            if one is not None:
                place.append(one)
        if told.kept is not None:
            found.kept.append(told.kept)
        if told.at and sys.stderr.isatty():
            _show(told.at)
    if sys.stderr.isatty():
        _show("")
    if not told.ended:
        message = f"host {far.link.name!r}: the answer ended in the middle"
        raise TransportError(message, hint="what is deleted is gone; do it again")


def _show(at: str) -> None:
    from pipeline.views.tame import tame

    said = f"looking at {tame(at)}"[:100] if at else ""
    print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)


def _clear_here(
    records: list[RunRecord], asked: Clearing, paths: LaptopPaths, found: _Found
) -> None:
    """Look for what lies here of the runs that go.

    Of a run that its box lost by another way, this may be the last there is: it goes
    only when the run is named.
    """
    from pipeline.attic import Attic

    ours = {one.run for one in records}  # a box may say anything
    listed = found.gone if asked.is_meant else found.items
    gone = {one.name: "its run goes" for one in listed if one.kind == "run"}
    gone = {run: why for run, why in gone.items() if run in ours}
    there = {one.run for one in found.kept}
    there |= {one.name for one in [*found.items, *found.left] if one.kind == "run"}
    for one in records:
        if one.run in there | set(gone) or _is_young(one):
            continue
        if one.run in asked.runs:
            gone[one.run] = f"its run is not on {one.host_name} any more"
        elif not asked.runs:
            found.lost.append(one.run)
    attic = Attic(paths)
    items = attic.items(gone)
    found.items += items
    if asked.is_meant:
        left = list(attic.delete(items, set(gone)))
        found.left += left
        names = {one.name for one in left}
        found.gone += [one for one in items if one.name not in names]


def _is_young(record: RunRecord) -> bool:
    """Tell whether a run may be on its way to its box at this moment."""
    from pipeline.clock import SystemClock, parse_stamp

    age = SystemClock().now() - parse_stamp(record.started_at)
    return age.total_seconds() < _YOUNG_S


def _print(args: Namespace, name: str, found: _Found) -> None:
    if args.json:
        said = {
            "host": name,
            "is_deleted": args.yes,
            "items": _by_size(found.items),
            "gone": found.gone,
            "left": found.left,
            "kept": found.kept,
            "lost": found.lost,
        }
        put(codec.encode(said))
    elif args.yes:
        _print_gone(name, found)
    else:
        _print_items(args, name, found)
    if not args.json:
        _print_kept(found)
        _print_lost(name, found)


def _print_items(args: Namespace, name: str, found: _Found) -> None:
    from pipeline.pulse import size

    if not found.items:
        print(f"nothing can go on {name}: kept runs need all there is")
        return
    _print_rows(_by_size(found.items))
    total = size(sum(one.size for one in found.items))
    words = ["pipeline gc", *(args.runs or [])]
    if args.host:
        words.append(f"--host {args.host}")
    if args.keep is not None:
        words.append(f"--keep {args.keep}")
    if args.keep_days is not None:
        words.append(f"--keep-days {args.keep_days:g}")
    print(f"{total:>9}  in all, on {name} and here; nothing was deleted")
    print(f"  delete it with: {' '.join(words)} --yes")


def _print_gone(name: str, found: _Found) -> None:
    from pipeline.pulse import size
    from pipeline.views.tame import tame

    _print_rows(_by_size(found.gone))
    for one in found.left:
        print(f"not deleted: {_called(one)}: {tame(one.why)}")
    total = size(sum(one.size for one in found.gone))
    print(f"{total:>9}  deleted, on {name} and here")


def _print_rows(items: list[Item]) -> None:
    from pipeline.pulse import size
    from pipeline.views.tame import tame

    for one in items:
        print(f"{size(one.size):>9}  {_called(one):<44}  {tame(one.why)}")


def _called(item: Item) -> str:
    from pipeline.views.tame import tame

    if item.kind == "store":
        return f"store/{tame(item.name)[:12]}..."
    place = {"run": "run ", "here": "here: "}.get(item.kind, "")
    return f"{place}{tame(item.name)[:80]}"


def _print_kept(found: _Found) -> None:
    from pipeline.pulse import many, size

    if not found.kept:
        return
    kept = sorted(found.kept, key=lambda one: -one.size)
    what = many(len(kept), "run")
    print(f"kept: {what}, {size(sum(one.size for one in kept))}", end="")
    print("; name one to let it go: pipeline gc RUN")
    for one in kept[:_MOST_KEPT]:
        print(f"{size(one.size):>9}  {one.run}  {one.word}  ({one.why})")


def _print_lost(name: str, found: _Found) -> None:
    from pipeline.pulse import many

    if not found.lost:
        return
    what = many(len(found.lost), "run")
    print(f"{what} started from here not on {name} any more; what is here stays:")
    print(f"           {', '.join(found.lost[:_MOST_KEPT])}")


def _by_size(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda one: (-one.size, one.name))
