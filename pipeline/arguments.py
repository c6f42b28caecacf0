"""What may be said on the command line: each verb with its options.

Nothing is done here. `cli` acts on what was said; help, completion and the pages of
docs/ are made from the same words. What a verb promises is the docstring of its file
in `commands/`; what stands here is one line of it, and each option.

A metavar says what a value is, to people and to completion: RUN, STAGE, HOST, PATH.
"""

from __future__ import annotations

import argparse

from pipeline.afterwards import add_afterwards
from pipeline.options import (
    add_choice,
    add_host,
    add_json,
    add_run_name,
    add_set,
    add_verb,
)
from pipeline.parser import Verbs


def declare(said: str | None = None) -> Verbs:
    """Declare all verbs, and the options of the one that was `said`, or of all."""
    verbs = Verbs(said)
    _add_run(verbs)
    _add_watching(verbs)
    _add_steering(verbs)
    _add_understanding(verbs)
    _add_tdd(verbs)
    add_afterwards(verbs)
    _add_doctor(verbs)
    _add_set_up(verbs)
    return verbs


def _add_run(verbs: Verbs) -> None:
    run = add_verb(verbs, "run", "start a run of the code as it stands, and watch it")
    add_host(run)
    add_set(run)
    run.add_argument("--jobs", type=int, metavar="N", help="stages at the same time")
    add_choice(run)
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be done and what would travel; start nothing",
    )
    run.add_argument(
        "--queue", action="store_true", help="wait behind the runs that are there"
    )
    run.add_argument(
        "--detach", action="store_true", help="do not watch; the run needs nobody"
    )
    add_json(run, "print each event as a line of JSON")
    _add_check(verbs)


def _add_check(verbs: Verbs) -> None:
    check = add_verb(verbs, "check", "read pipeline.yaml and say what is wrong with it")
    # No box is asked, so there is no key to accept.
    what = "with what a run on this host needs"
    check.add_argument("--host", metavar="HOST", help=what)
    add_set(check)
    add_json(check)


def _add_watching(verbs: Verbs) -> None:
    attach = add_verb(verbs, "attach", "watch a run; ^C detaches and the run goes on")
    add_run_name(attach)
    attach.add_argument(
        "--all", action="store_true", help="all runs that have not ended, at once"
    )
    add_json(attach, "print each event as a line of JSON")
    status = add_verb(
        verbs, "status", "show how a run stood when last seen; asks nobody"
    )
    add_run_name(status)
    add_json(status)
    _add_runs(verbs)
    logs = add_verb(verbs, "logs", "print what stages printed")
    logs.add_argument("stage", nargs="?", metavar="STAGE", help="only of this stage")
    logs.add_argument("--run", metavar="RUN", default="", help="of which run")
    logs.add_argument(
        "-f", "--follow", action="store_true", help="go on until the run ends"
    )
    add_json(logs, "print each line as an object with its stage")
    pull = add_verb(verbs, "pull", "bring a run's artifacts home and verify them")
    add_run_name(pull)
    pull.add_argument("stages", nargs="*", metavar="STAGE", help="only of these stages")
    add_json(pull)


def _add_runs(verbs: Verbs) -> None:
    text = "list the runs that were started from here, or lie on a box"
    runs = add_verb(verbs, "runs", text)
    add_host(runs, "ask this host for the runs that lie there")
    runs.add_argument(
        "--all", action="store_true", help="of all projects, not of this one alone"
    )
    add_json(runs)
    text = "take up a run that was started elsewhere"
    adopt = add_verb(verbs, "adopt", text)
    add_run_name(adopt)
    add_host(adopt, "the host that the run is on; local is this machine")
    add_json(adopt)


def _add_steering(verbs: Verbs) -> None:
    stop = add_verb(verbs, "stop", "ask a run to stop; its sealed stages are safe")
    add_run_name(stop)
    add_json(stop)
    resume = add_verb(
        verbs, "resume", "go on with a run that was stopped, failed or died"
    )
    add_run_name(resume)
    resume.add_argument("--detach", action="store_true", help="do not watch")
    add_json(resume, "print each event as a line of JSON")


def _add_understanding(verbs: Verbs) -> None:
    plan = add_verb(verbs, "plan", "say what a run would do with each stage, and why")
    add_host(plan)
    add_set(plan)
    add_choice(plan)
    add_json(plan)
    text = "say what changed since a stage was sealed, and what to and from"
    explain = add_verb(verbs, "explain", text)
    explain.add_argument("stage", metavar="STAGE", help="which stage")
    explain.add_argument(
        "run",
        nargs="?",
        default="",
        metavar="RUN",
        help="compare with its seal in this run; else with its newest one",
    )
    add_host(explain)
    add_set(explain)
    add_json(explain)
    graph = add_verb(verbs, "graph", "draw the graph that pipeline.yaml declares")
    graph.add_argument(
        "stages", nargs="*", metavar="STAGE", help="only these and what they need"
    )
    shape = graph.add_mutually_exclusive_group()
    shape.add_argument(
        "--mermaid", action="store_true", help="as a flowchart that GitHub draws"
    )
    shape.add_argument(
        "--json", action="store_true", help="print one JSON document, for scripts"
    )
    _add_looking_inside(verbs)


def _add_looking_inside(verbs: Verbs) -> None:
    text = "run one stage of a run alone, in the foreground; seals nothing"
    debug = add_verb(verbs, "debug", text)
    debug.add_argument("stage", metavar="STAGE", help="the stage")
    add_run_name(debug)
    text = "open a shell in a run's worktree, or run a command there"
    shell = add_verb(verbs, "shell", text)
    shell.add_argument(
        "--forward",
        metavar="[LOCAL:]PORT",
        action="append",
        default=[],
        help="reach this port of the host from here, while it is open",
    )
    shell.add_argument(
        "where",
        metavar="RUN|HOST",
        nargs="?",
        default="",
        help="a run, or a host's newest",
    )
    shell.add_argument(
        "words", metavar="CMD", nargs=argparse.REMAINDER, help="run this; else a shell"
    )


def _add_tdd(verbs: Verbs) -> None:
    text = "capture evidence that tests fail without code and pass with it"
    tdd = add_verb(verbs, "tdd", text, is_anywhere=True)
    tdd.add_argument("phase", choices=("red", "green", "refactor"), help="which one")
    tdd.add_argument(
        "--tests",
        metavar="PATH",
        action="append",
        default=[],
        help="a file, folder or node id of pytest; may be given again",
    )
    tdd.add_argument(
        "--target",
        metavar="PATH",
        action="append",
        default=[],
        help="the code that they test; red empties its functions, in the copy",
    )
    tdd.add_argument("--name", metavar="NAME", help="what the evidence is called")
    tdd.add_argument("--marks", metavar="EXPR", help="only these tests, as pytest's -m")
    tdd.add_argument("--python", metavar="PATH", help="the Python that has pytest")
    tdd.add_argument(
        "--file", metavar="PATH", help="the pipeline.yaml, if not here or above"
    )


def _add_doctor(verbs: Verbs) -> None:
    text = "say what a run on a host would lack, and what to type"
    doctor = add_verb(verbs, "doctor", text, is_anywhere=True)
    add_host(doctor, "a host of pipeline.yaml, or what ssh calls it; else here")
    add_json(doctor)
    doctor.add_argument(
        "--file", metavar="PATH", help="the pipeline.yaml, if not here or above"
    )


def _add_set_up(verbs: Verbs) -> None:
    text = "write a first pipeline.yaml from what this repository holds"
    init = add_verb(verbs, "init", text, is_anywhere=True)
    init.add_argument("--print", action="store_true", help="print it, write nothing")
    init.add_argument(
        "--yes", action="store_true", help="for scripts; nothing is asked in any case"
    )
    text = "print a script that lets a shell complete this command"
    completion = add_verb(verbs, "completion", text, is_anywhere=True)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="which one")
    text = "print the JSON Schema of pipeline.yaml, for editors"
    schema = add_verb(verbs, "schema", text, is_anywhere=True)
    schema.add_argument(
        "--write", action="store_true", help="put it at .pipeline/schema.json instead"
    )
    text = "show this overview, or the manual of a verb"
    manual = add_verb(verbs, "help", text, is_anywhere=True)
    manual.add_argument("of", nargs="?", metavar="VERB", help="the verb")
