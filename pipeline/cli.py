"""The one command. Everything heavy is imported by the verb that needs it.

The roof: the only place that prints an error, and the only one that ends the process.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import __version__
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

_EPILOG = """\
exit codes: 0 done, 2 pipeline.yaml is wrong, 3 a gate failed, 4 a stage failed,
5 the network, 6 the host refused, 7 a file is not what it was, 70 a bug of ours,
130 interrupted: a run that was detached from, or was stopped, is not done.

RUN may be any part of a run's name that no other run has; without it, the latest.
"""


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
        args = _parser().parse_args(argv)
        from pipeline import commands

        action = getattr(commands, args.verb)
        code: int = action(args, _find_root(Path(args.file) if args.file else None))
        return code
    finally:
        # Here, where a reader that is gone is met by the roof, and not at exit.
        print(end="", flush=True)


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pipeline",
        description="Run a graph of stages here or on a box behind SSH, seal each "
        "finished stage as a git commit, and mirror its results home.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_run(verbs)
    _add_watching(verbs)
    _add_steering(verbs)
    return parser


def _verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    sentence = f"{text[0].upper()}{text[1:]}."
    verb = verbs.add_parser(name, help=text, description=sentence)
    verb.add_argument(
        "--file", metavar="PATH", help="the pipeline.yaml, if not here or above"
    )
    return verb


def _add_run(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = _verb(verbs, "run", "start a run of the code as it stands, and watch it")
    run.add_argument(
        "--host", metavar="NAME", help="a host of pipeline.yaml; else here"
    )
    run.add_argument(
        "--set",
        metavar="PARAM=VALUE",
        action="append",
        default=[],
        help="set a param: seed=3, or train.epochs=5; may be given again",
    )
    run.add_argument("--jobs", type=int, metavar="N", help="stages at the same time")
    run.add_argument(
        "--detach", action="store_true", help="do not watch; the run needs nobody"
    )
    check = _verb(verbs, "check", "read pipeline.yaml and say what is wrong with it")
    check.set_defaults()


def _add_watching(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    attach = _verb(verbs, "attach", "watch a run; ^C detaches and the run goes on")
    _add_run_name(attach)
    status = _verb(verbs, "status", "show how a run stood when last seen; asks nobody")
    _add_run_name(status)
    _verb(verbs, "runs", "list the runs that were started from here")
    logs = _verb(verbs, "logs", "print what stages printed")
    logs.add_argument("stage", nargs="?", metavar="STAGE", help="only of this stage")
    logs.add_argument("--run", metavar="RUN", default="", help="of which run")
    logs.add_argument(
        "-f", "--follow", action="store_true", help="go on until the run ends"
    )
    pull = _verb(verbs, "pull", "bring a run's artifacts home and verify them")
    _add_run_name(pull)
    pull.add_argument("stages", nargs="*", metavar="STAGE", help="only of these stages")


def _add_steering(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    stop = _verb(verbs, "stop", "ask a run to stop; its sealed stages are safe")
    _add_run_name(stop)
    resume = _verb(verbs, "resume", "go on with a run that was stopped, failed or died")
    _add_run_name(resume)
    resume.add_argument("--detach", action="store_true", help="do not watch")


def _add_run_name(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("run", nargs="?", default="", metavar="RUN", help="the run")
