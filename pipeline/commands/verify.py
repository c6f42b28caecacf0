"""Hold every file of a run against its seals, on its box and here; change nothing.

Read again are: each file that a seal lists, in the run's own folder and in the store;
each git object of the run's branch and of its snapshot; and here the mirror, what was
pulled, and the branch. Of what differs it says what it should be, what it is, and what
heals it. Of a run that goes on, what is sealed so far is held.

It ends with 7 when something differs.

Examples:
  pipeline verify           the run that was started last
  pipeline verify a3f9      another one
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline import codec, memory
from pipeline.commands.document import put
from pipeline.commands.known import far_of
from pipeline.errors import DONE, IntegrityError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.verify import Line
    from remote.verify import Found

_PLACES = {
    "run": "",
    "git": "git: ",
    "store": "",
    "mirror": "here: ",
    "pulled": "here: ",
}


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Verify a run; end with 7 when something is not what was sealed."""
    from remote.verify import verify

    record = memory.find_run(paths, args.run)
    is_told = sys.stderr.isatty() and not args.json
    found = verify(far_of(record), record, paths, _tell if is_told else _pass)
    if is_told:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    if args.json:
        said = {"run": record.run, "host": record.host_name, **_plain(found)}
        put(codec.encode(said))
    else:
        _print(record, found)
    return IntegrityError.exit_code if found.differences else DONE


def _plain(found: Found) -> dict[str, object]:
    return {
        "is_whole": not found.differences,
        "counted": found.counted,
        "files_here": found.files_here,
        "differences": found.differences,
    }


def _tell(line: Line) -> None:
    from pipeline.pulse import size
    from pipeline.views.tame import tame

    said = f"verified {size(line.done)} of {size(line.total)}: {tame(line.at)}"
    print(f"\r\x1b[K{said[:100]}", end="", file=sys.stderr, flush=True)


def _pass(line: Line) -> None:
    """Say nothing: nobody watches."""


def _print(record: RunRecord, found: Found) -> None:
    from pipeline.views.tame import tame

    for one in found.differences:
        print(f"{_PLACES[one.where]}{tame(one.path)} is not what was sealed")
        print(f"  should be: {tame(one.wanted)}")
        print(f"  is:        {tame(one.found)}")
        print(f"  to heal:   {tame(one.heal)}")
    print(_summary(record, found))


def _summary(record: RunRecord, found: Found) -> str:
    from pipeline.pulse import many, size

    counted = found.counted
    if not counted.stages and not found.differences:
        return f"run {record.run} on {record.host_name}: nothing is sealed yet"
    files = counted.files + found.files_here
    read = (
        f"{many(counted.stages, 'sealed stage')}, {many(files, 'file')}, "
        f"{many(counted.objects, 'git object')}, {size(counted.bytes)} hashed"
    )
    wrong = len(found.differences)
    verdict = f"{many(wrong, 'difference')}" if wrong else "all whole"
    return f"run {record.run} on {record.host_name}: {read}: {verdict}"
