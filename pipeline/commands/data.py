"""Say how data sets lie here and on a box; push them there, or pull them home.

status   how each set stands to its home there: same, differs, partly, missing
push     send what that home lacks, and what differs
pull     bring home what is missing here, and what differs

Files are compared by size and time, and by what they hashed to where that is known;
--verify has both sides read all of them. What was cut off goes on where it ended. A
file gets its name when it is whole; afterwards the side that took it reads it again,
and holds it against its sha256. Without DATA all sets are meant that have a home
there. Without --host, status says what lies here.

Nothing is deleted. With --delete it is listed what only the other side has, and with
--yes too that is deleted. A set that a run uses at this moment is left alone.

Examples:
  pipeline data status --host ec2
  pipeline data push dogs --host ec2
  pipeline data pull --host ec2 --delete
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.commands.document import put
from pipeline.commands.known import host_named
from pipeline.errors import DONE, HostError, SpecError, TransportError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from pipeline.layout import LaptopPaths
    from pipeline.schema import Data, Host, Pipeline
    from remote.data.sides import Here, There
    from remote.data.standing import Standing
    from remote.data.transfer import Moved, Place

_MOST_NAMED = 5
_MOST_LISTED = 20


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Compare, push or pull."""
    from pipeline.reading import spec

    pipeline = spec.load(paths.pipeline_file)
    host = host_named(pipeline, args.host, paths)
    sets = _named(pipeline, args.names)
    if args.act == "status":
        return _status(args, pipeline, sets, host, paths)
    if host is None:
        known = [one.name for one in pipeline.hosts]
        message = f"data {args.act} needs a host other than this machine"
        hint = f"say which: --host {' or '.join(known) or 'NAME'}"
        raise SpecError(message, hint=hint)
    return _move(args, pipeline, sets, host, paths)


def _named(pipeline: Pipeline, names: Sequence[str]) -> list[Data]:
    """Give the data sets that are meant."""
    known = {one.name: one for one in pipeline.data}
    for name in names:
        if name not in known:
            message = f"no data set is called {name!r}"
            hint = (
                f"known are: {', '.join(known) or 'none; see data: of pipeline.yaml'}"
            )
            raise SpecError(message, hint=hint)
    return [known[name] for name in dict.fromkeys(names)] or list(pipeline.data)


def _place(data: Data, host: Host | None, paths: LaptopPaths) -> Place:
    from remote.data.transfer import Place

    here = data.hosts.get("local", str(paths.root / data.path))
    there = data.hosts.get(host.name, "") if host else ""
    return Place(name=data.name, here=here, there=there, is_optional=data.is_optional)


def _sides(
    pipeline: Pipeline, host: Host | None, paths: LaptopPaths
) -> tuple[Here, There | None]:
    from remote import hosts
    from remote.data.hashing import here
    from remote.data.sides import There
    from remote.far import Far
    from remote.roster import project_here

    project = project_here(pipeline.name, paths)
    if host is None:
        return here(project), None
    return here(project), There(Far(hosts.link_to(host), project, host))


def _status(
    args: Namespace,
    pipeline: Pipeline,
    sets: list[Data],
    host: Host | None,
    paths: LaptopPaths,
) -> int:
    from remote.data import standing

    here, there = _sides(pipeline, host, paths)
    places = [_place(one, host, paths) for one in sets]
    err = None if args.json else sys.stderr
    found = standing.standings(places, here, there, verify=args.verify, err=err)
    notes = _overlooked(pipeline, paths)
    if args.json:
        name = host.name if host else "local"
        document = [one.document() for one in found]
        put({"host": name, "sets": document, "overlooked": list(notes)})
        return DONE
    for one in found:
        print("\n".join(_page(one, host, paths)))
    if not found:
        print("pipeline.yaml names no data set")
    for note in notes:
        print(f"note: {note}")
    return DONE


def _overlooked(pipeline: Pipeline, paths: LaptopPaths) -> list[str]:
    from pipeline.reading import overlooked

    return overlooked.notes(pipeline, paths.root)


def _page(one: Standing, host: Host | None, paths: LaptopPaths) -> Iterator[str]:
    """Give the lines about one set."""
    from pipeline.pulse import many, size
    from pipeline.views.tame import tame

    name = host.name if host else ""
    yield f"{one.place.name}: {one.said(name)}"
    wide = len(f"on {name}") if host else len("hashed")
    home = one.place.here.removeprefix(f"{paths.root}/")
    yield f"  {'here':<{wide}}  {one.amount_here}   {tame(home)}"
    if host is None:
        yield f"  hashed  {one.hashed}"
    elif one.place.there:
        there = tame(one.place.there)
        yield f"  {f'on {name}':<{wide}}  {one.amount_there}   {there}"
    if one.push.files or one.push.size:
        goes = f"; {size(one.push.had)} of it are there already" if one.push.had else ""
        what = f"{many(one.push.files, 'file')}, {size(one.push.size)}"
        yield f"  a push sends {what}{goes}"
    if one.touched:
        yield f"  {many(one.touched, 'file')} by their times alone: --verify tells"
    if one.extra:
        yield f"  only on {name}: {_some(one.extra)}"
    if one.outside:
        yield f"  links that lead out of it, and never travel: {_some(one.outside)}"
    if one.used_by:
        yield f"  used by {', '.join(map(tame, one.used_by))}, running on {name}"


def _some(names: Sequence[str]) -> str:
    from pipeline.views.tame import tame

    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(tame(name) for name in names[:_MOST_NAMED]) + more


def _move(
    args: Namespace,
    pipeline: Pipeline,
    sets: list[Data],
    host: Host,
    paths: LaptopPaths,
) -> int:
    """Move one set after the other; what went wrong with one is told at the end."""
    from remote.data.transfer import Transfer

    places = _with_homes([_place(one, host, paths) for one in sets], args, host)
    here, there = _sides(pipeline, host, paths)
    assert there is not None, "a host is another machine"
    err = None if args.json else sys.stderr
    transfer = Transfer(here, there, is_push=args.act == "push", err=err)
    holdings = here.look({one.name: one.here for one in places})
    theirs = there.look({one.name: one.there for one in places})
    is_dropping = args.delete and args.yes
    done: list[Moved] = []
    failed: HostError | None = None
    sources = holdings if args.act == "push" else theirs
    for one in places:
        if one.is_optional and not args.names and sources[one.name].kind == "missing":
            continue
        try:
            moved = transfer.move(
                one, holdings[one.name], theirs[one.name], is_dropping=is_dropping
            )
        except TransportError as error:
            hint = error.hint or "what came is kept; do it again, and it goes on there"
            raise TransportError(error.message, hint=hint) from error
        except HostError as error:
            if len(places) > 1:
                print(error, file=sys.stderr)
            failed = failed or error
            continue
        done.append(moved)
        if not args.json:
            print("\n".join(_said(moved, args, host)))
    if args.json:
        sets_done = [one.document() for one in done]
        put({"host": host.name, "act": args.act, "sets": sets_done})
    if failed is not None:
        raise failed
    return DONE


def _with_homes(places: list[Place], args: Namespace, host: Host) -> list[Place]:
    """Leave out the sets that have no home there; refuse one that was named."""
    found = [one for one in places if one.there]
    lost = [one.name for one in places if not one.there]
    if lost and (args.names or not found):
        message = f"data {lost[0]!r} has no home on {host.name!r}"
        hint = f"say where it is to lie: data.{lost[0]}.{host.name}: PATH"
        raise SpecError(message, hint=hint)
    if not found:
        message = "pipeline.yaml names no data set"
        raise SpecError(message, hint="add it: data.NAME.path: PATH")
    return found


def _said(moved: Moved, args: Namespace, host: Host) -> Iterator[str]:
    """Say what was done for one set."""
    from pipeline.clock import spoken
    from pipeline.pulse import many, size
    from pipeline.views.tame import tame

    where = f"on {host.name}" if args.act == "push" else "here"
    way = f"to {host.name}" if args.act == "push" else f"from {host.name}"
    same = f"{many(moved.same, 'file')} the same already"
    if moved.files or moved.links:
        links = f" and {moved.links} links" if moved.links else ""
        what = f"{many(moved.files, 'file')}{links}, {size(moved.bytes)}"
        said = f"{moved.name}: {what} {way}"
        less = f", {size(moved.sent)} of it now" if moved.sent < moved.bytes else ""
        yield f"{said} in {spoken(moved.took_s)}{less}; all verified; {same}"
    else:
        yield f"{moved.name}: nothing to do, {same}"
    if not moved.extra:
        return
    if moved.dropped:
        yield f"  {many(moved.dropped, 'file')} deleted {where}"
    elif args.delete:
        for name in moved.extra[:_MOST_LISTED]:
            yield f"  would go {where}: {tame(name)}"
        if len(moved.extra) > _MOST_LISTED:
            yield f"  and {len(moved.extra) - _MOST_LISTED} more"
        words = ["pipeline data", args.act, *args.names, "--host", host.name]
        yield f"  delete them with: {' '.join(words)} --delete --yes"
    else:
        yield f"  {many(len(moved.extra), 'file')} only {where}, which stay"
