"""The one command. Everything heavy is imported by the verb that needs it.

The roof: the only place that prints an error, and the only one that ends the process.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__, arguments
from pipeline.errors import (
    BUG,
    DONE,
    INTERRUPTED,
    NOT_AFFECTED,
    PipelineError,
    SpecError,
    trouble_here,
)

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from pipeline.layout import LaptopPaths


# Verbs whose code says how a run ended: unseen to its end, it is not done.
_WATCHING = ("run", "attach", "resume")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; give the exit code."""
    try:
        return _do(argv)
    except PipelineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough; nothing more can be said, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        verb = next(iter(sys.argv[1:] if argv is None else argv), "")
        return INTERRUPTED if verb in _WATCHING else DONE
    except OSError as error:
        trouble = trouble_here(error)
        print(trouble, file=sys.stderr)
        return trouble.exit_code
    except Exception as bug:  # noqa: BLE001 - the roof: whatever fell through is ours
        return _report_bug(bug)


def _do(argv: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name from a box may be no text at all; stderr is made so from the start.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        args = arguments.parser().parse_args(argv)
        verb = importlib.import_module(f"pipeline.commands.{args.verb}")
        code: int = verb.do(args, _root(args))
        return code
    finally:
        # Here, where a reader that is gone is met by the roof, and not at exit.
        print(end="", flush=True)


def _root(args: Namespace) -> LaptopPaths:
    """Find the folder a verb works in; a few need no pipeline.yaml to be there."""
    if getattr(args, "is_anywhere", False):
        from pipeline.layout import LaptopPaths

        return LaptopPaths(Path.cwd())
    return _find_root(Path(args.file) if args.file else None)


def _find_root(given: Path | None) -> LaptopPaths:
    """Find the folder of pipeline.yaml: the one named, or this one, or one above."""
    from pipeline.layout import PIPELINE_FILE, LaptopPaths

    if given is not None:
        if given.name != PIPELINE_FILE:
            given = given / PIPELINE_FILE
        if not given.is_file():
            message = f"{given} is not there"
            raise SpecError(message)
        return LaptopPaths(given.absolute().parent)
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / PIPELINE_FILE).is_file():
            return LaptopPaths(folder)
    message = f"no {PIPELINE_FILE} in {here}, nor above it"
    raise SpecError(message, hint="change to your repository, or name it with --file")


def _report_bug(bug: Exception) -> int:
    """Write a log that can be sent, and say where it is."""
    import platform
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="pipeline-bug-", suffix=".log", delete=False
    ) as log:
        log.write(f"pipeline {__version__}, python {platform.python_version()}, ")
        log.write(f"{platform.platform()}\nverb: {sys.argv[1:2]}\n\n")
        log.write("".join(traceback.format_exception(bug)))
    print(f"a bug of ours: {type(bug).__name__}: {bug}", file=sys.stderr)
    print(f"  {NOT_AFFECTED}", file=sys.stderr)
    print(f"  please send this file: {log.name}", file=sys.stderr)
    return BUG
