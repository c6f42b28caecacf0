"""The one command. Everything heavy is imported by the verb that needs it.

The roof: the only place that prints an error, and the only one that ends the process.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__, arguments, consent, manual, parser
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
    from collections.abc import Sequence

    from pipeline.layout import LaptopPaths


# Verbs whose code says how a run ended: unseen to its end, it is not done.
_WATCHING = ("run", "attach", "resume")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says; give the exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    try:
        return _do(words)
    except PipelineError as error:
        return _refuse(error, words)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough; nothing more can be said, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED if next(iter(words), "") in _WATCHING else DONE
    except OSError as error:
        return _refuse(trouble_here(error), words)
    except Exception as bug:  # noqa: BLE001 - the roof: whatever fell through is ours
        return _report_bug(bug)


def _do(words: Sequence[str]) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name from a box may be no text at all; stderr is made so from the start.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if words[:1] in (["--version"], ["--help"], ["-h"]):
            print(__version__ if words[0] == "--version" else _overview())
            return DONE
        args = _read(words)
        consent.accept(getattr(args, "accept_host_key", ()))
        verb = importlib.import_module(f"pipeline.commands.{args.verb}")
        code: int = verb.do(args, _root(args))
        return code
    finally:
        # Here, where a reader that is gone is met by the roof, and not at exit.
        print(end="", flush=True)


def _overview() -> str:
    return manual.overview(arguments.declare("").lines).rstrip("\n")


def _read(words: Sequence[str]) -> Namespace:
    """Read the command line."""
    if not words:
        hint = "see: pipeline --help; a first run: pipeline run"
        raise SpecError("pipeline: say what to do", hint=hint)
    if words[0] == "candidates":
        # A command line that is still being typed: argparse would take some of it.
        verb, shell, typed = words[0], "".join(words[1:2]), words[2:]
        return Namespace(verb=verb, shell=shell, words=typed, is_anywhere=True)
    return parser.read(arguments.declare(words[0]), words)


def _refuse(error: PipelineError, words: Sequence[str]) -> int:
    """Say what went wrong: to a person, and to a script that asked for JSON."""
    from pipeline.views.tame import tame_text

    # A box may have said part of it.
    print(tame_text(str(error)), file=sys.stderr)
    # What follows `shell` is another program's.
    if "--json" in words and words[0] != "shell":
        from pipeline import codec

        body = {
            "exit_code": error.exit_code,
            "message": error.message,
            "hint": error.hint,
            "is_transient": error.is_transient,
        }
        with contextlib.suppress(OSError):
            print(codec.dumps({"error": body}), flush=True)
    return error.exit_code


def _root(args: Namespace) -> LaptopPaths:
    """Find the folder a verb works in; a few need no pipeline.yaml to be there."""
    is_anywhere, given = (
        getattr(args, "is_anywhere", False),
        getattr(args, "file", None),
    )
    if given or not is_anywhere:
        return _find_root(Path(given) if given else None)
    if hasattr(args, "file"):  # one that is there is used
        with contextlib.suppress(SpecError):
            return _find_root(None)
    from pipeline.layout import LaptopPaths

    return LaptopPaths(Path.cwd())


def _find_root(given: Path | None) -> LaptopPaths:
    """Find the folder of pipeline.yaml: the one named, or this one, or one above."""
    from pipeline.layout import PIPELINE_FILE, LaptopPaths

    if given is not None:
        if given.name != PIPELINE_FILE:
            given = given / PIPELINE_FILE
        if not (given.exists() or given.is_symlink()):
            message = f"{given} is not there"
            raise SpecError(message)
        return LaptopPaths(given.absolute().parent)
    here = Path.cwd()
    for folder in (here, *here.parents):
        file = folder / PIPELINE_FILE
        if file.exists() or file.is_symlink():  # what it is worth, spec says
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
