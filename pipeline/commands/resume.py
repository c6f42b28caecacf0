"""Go on with a run that was stopped, failed or died.

It is the same run with the same code and the same params: change either, and it is a
new `pipeline run`. Sealed stages stay, and their files are checked and put back where
they were lost. Every other stage starts again, in a fresh output folder and with its
$CHECKPOINTS still there. Whatever an earlier runner left alive is killed first. On a
run that is running already it is `attach`; of one that is done, files that were lost
are put back, and that is all.

It ends with the code of the run, as `run` and `attach` do. A failed gate is sealed, so
resuming ends with 3 again.

Examples:
  pipeline resume                  the run that was started last, and watch it
  pipeline resume a3f9 --detach    another one, without watching
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.commands.document import put
from pipeline.commands.known import far_of
from pipeline.commands.watching import watch
from pipeline.errors import DONE, SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Launch a runner for a run that is there, and watch it."""
    from remote.bringing.folders import prepare_mirror

    record = memory.find_run(paths, args.run)
    far = far_of(record)
    answer = far.resume(record.run, secrets=lambda: _named(record, paths))
    lived = answer.lives
    if answer.is_done:
        what = f"{answer.mended} of its files were put back"
        rest = what if answer.mended else "there is nothing to go on with"
        said = f"run {record.run} is done; {rest}"
        _tell(record, said, is_resumed=False, as_json=args.json)
        return DONE
    prepare_mirror(far, record, paths)
    if lived:
        print(f"run {record.run} is running already", file=sys.stderr)
    if not args.detach:
        return watch(far, record, paths, as_json=args.json)
    if args.json or not lived:
        said = f"run {record.run} was taken up again on {record.host_name}"
        _tell(record, said, is_resumed=not lived, as_json=args.json)
    return DONE


def _named(record: RunRecord, paths: LaptopPaths) -> set[str]:
    """Name the secrets that were said here: when the run began, or in pipeline.yaml."""
    from pipeline.reading import spec

    named = set(record.secrets)
    with contextlib.suppress(SpecError):
        named.update(spec.load(paths.pipeline_file).secrets)
    return named


def _tell(record: RunRecord, said: str, *, is_resumed: bool, as_json: bool) -> None:
    if as_json:
        host = record.host_name
        put({"run": record.run, "host": host, "is_resumed": is_resumed})
    else:
        print(said)
