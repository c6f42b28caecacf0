"""What may be said on the command line: each verb with its options.

Nothing is done here. `cli` acts on what was said; completion and the pages of docs/ are
made from the same words.
"""

from __future__ import annotations

import argparse

from pipeline import __version__

_EPILOG = """\
exit codes: 0 done, 2 pipeline.yaml is wrong, 3 a gate failed, 4 a stage failed,
5 the network, 6 the host refused, 7 a file is not what it was, 70 a bug of ours,
130 interrupted: a run that was detached from, or was stopped, is not done.

RUN may be any part of a run's name that no other run has; without it, the latest.
"""


def parser() -> argparse.ArgumentParser:
    """Make the parser of the whole command."""
    whole = argparse.ArgumentParser(
        prog="pipeline",
        description="Run a graph of stages here or on a box behind SSH, seal each "
        "finished stage as a git commit, and mirror its results home.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=__version__)
    verbs = whole.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_run(verbs)
    _add_watching(verbs)
    _add_steering(verbs)
    return whole


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
