"""What may be said on the command line: each verb with its options.

Nothing is done here. `cli` acts on what was said; help, completion and the pages of
docs/ are made from the same words. What a verb promises is the docstring of its file
in `commands/`; what stands here is one line of it, and each option.

A metavar says what a value is, to people and to completion: RUN, STAGE, HOST, PATH.
"""

from __future__ import annotations

import argparse

from pipeline.parser import Parser, Verbs


def declare(said: str | None = None) -> Verbs:
    """Declare all verbs, and the options of the one that was `said`, or of all."""
    verbs = Verbs(said)
    _add_run(verbs)
    _add_watching(verbs)
    _add_steering(verbs)
    _add_understanding(verbs)
    _add_keeping(verbs)
    _add_set_up(verbs)
    return verbs


def _verb(verbs: Verbs, name: str, text: str, *, is_anywhere: bool = False) -> Parser:
    """Add a verb; one that works `is_anywhere` needs no pipeline.yaml."""
    verb = verbs.add(name, text)
    if is_anywhere:
        verb.set_defaults(is_anywhere=True)
    else:
        verb.add_argument(
            "--file", metavar="PATH", help="the pipeline.yaml, if not here or above"
        )
    return verb


def _add_host(verb: Parser, what: str = "a host of pipeline.yaml; else here") -> None:
    verb.add_argument("--host", metavar="HOST", help=what)


def _add_set(verb: Parser) -> None:
    verb.add_argument(
        "--set",
        metavar="PARAM=VALUE",
        action="append",
        default=[],
        help="set a param: seed=3, or train.epochs=5; may be given again",
    )


def _add_json(verb: Parser, what: str = "print one JSON document, for scripts") -> None:
    """Let a verb speak to a script; docs/json.md says how."""
    verb.add_argument("--json", action="store_true", help=what)


def _add_run(verbs: Verbs) -> None:
    run = _verb(verbs, "run", "start a run of the code as it stands, and watch it")
    _add_host(run)
    _add_set(run)
    run.add_argument("--jobs", type=int, metavar="N", help="stages at the same time")
    _add_choice(run)
    run.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would be done and what would travel; start nothing",
    )
    run.add_argument(
        "--detach", action="store_true", help="do not watch; the run needs nobody"
    )
    _add_json(run, "print each event as a line of JSON")
    _add_check(verbs)


def _add_check(verbs: Verbs) -> None:
    check = _verb(verbs, "check", "read pipeline.yaml and say what is wrong with it")
    _add_host(check, "with what a run on this host needs")
    _add_set(check)
    _add_json(check)


def _add_choice(verb: Parser) -> None:
    """Let a verb say which stages it means."""
    verb.add_argument(
        "--force",
        metavar="STAGE",
        nargs="?",
        const="*",
        action="append",
        default=[],
        help="execute it whatever was sealed before; without STAGE, all of them",
    )
    verb.add_argument(
        "--only",
        metavar="STAGE",
        action="append",
        default=[],
        help="only this one; what it needs must be sealed already; may be given again",
    )
    verb.add_argument(
        "--from",
        dest="since",
        metavar="STAGE",
        help="execute this one and all that depends on it",
    )
    verb.add_argument(
        "--until", metavar="STAGE", help="only this one and what it needs"
    )


def _add_watching(verbs: Verbs) -> None:
    attach = _verb(verbs, "attach", "watch a run; ^C detaches and the run goes on")
    _add_run_name(attach)
    _add_json(attach, "print each event as a line of JSON")
    status = _verb(verbs, "status", "show how a run stood when last seen; asks nobody")
    _add_run_name(status)
    _add_json(status)
    runs = _verb(verbs, "runs", "list the runs that were started from here")
    _add_json(runs)
    logs = _verb(verbs, "logs", "print what stages printed")
    logs.add_argument("stage", nargs="?", metavar="STAGE", help="only of this stage")
    logs.add_argument("--run", metavar="RUN", default="", help="of which run")
    logs.add_argument(
        "-f", "--follow", action="store_true", help="go on until the run ends"
    )
    _add_json(logs, "print each line as an object with its stage")
    pull = _verb(verbs, "pull", "bring a run's artifacts home and verify them")
    _add_run_name(pull)
    pull.add_argument("stages", nargs="*", metavar="STAGE", help="only of these stages")
    _add_json(pull)


def _add_steering(verbs: Verbs) -> None:
    stop = _verb(verbs, "stop", "ask a run to stop; its sealed stages are safe")
    _add_run_name(stop)
    _add_json(stop)
    resume = _verb(verbs, "resume", "go on with a run that was stopped, failed or died")
    _add_run_name(resume)
    resume.add_argument("--detach", action="store_true", help="do not watch")
    _add_json(resume, "print each event as a line of JSON")


def _add_understanding(verbs: Verbs) -> None:
    plan = _verb(verbs, "plan", "say what a run would do with each stage, and why")
    _add_host(plan)
    _add_set(plan)
    _add_choice(plan)
    _add_json(plan)
    text = "say what changed since a stage was sealed, and what to and from"
    explain = _verb(verbs, "explain", text)
    explain.add_argument("stage", metavar="STAGE", help="which stage")
    explain.add_argument(
        "run",
        nargs="?",
        default="",
        metavar="RUN",
        help="compare with its seal in this run; else with its newest one",
    )
    _add_host(explain)
    _add_set(explain)
    _add_json(explain)
    graph = _verb(verbs, "graph", "draw the graph that pipeline.yaml declares")
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
    debug = _verb(verbs, "debug", text)
    debug.add_argument("stage", metavar="STAGE", help="the stage")
    _add_run_name(debug)
    text = "open a shell in a run's worktree, or run a command there"
    shell = _verb(verbs, "shell", text)
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


def _add_keeping(verbs: Verbs) -> None:
    text = "hold every file of a run against its seals; changes nothing"
    verify = _verb(verbs, "verify", text)
    _add_run_name(verify)
    _add_json(verify)
    text = "list what no kept run needs, largest first; delete it with --yes"
    clear = _verb(verbs, "gc", text)
    clear.add_argument(
        "runs", nargs="*", metavar="RUN", help="these runs, whatever their age"
    )
    _add_host(clear, "on this host; else here")
    clear.add_argument("--yes", action="store_true", help="delete what is listed")
    clear.add_argument(
        "--keep", type=int, metavar="N", help="keep the newest N runs; else 10"
    )
    clear.add_argument(
        "--keep-days",
        type=float,
        metavar="DAYS",
        help="keep runs younger than that; else 30",
    )
    _add_json(clear)


def _add_set_up(verbs: Verbs) -> None:
    text = "write a first pipeline.yaml from what this repository holds"
    init = _verb(verbs, "init", text, is_anywhere=True)
    init.add_argument("--print", action="store_true", help="print it, write nothing")
    init.add_argument(
        "--yes", action="store_true", help="for scripts; nothing is asked in any case"
    )
    text = "print a script that lets a shell complete this command"
    completion = _verb(verbs, "completion", text, is_anywhere=True)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="which one")
    text = "print the JSON Schema of pipeline.yaml, for editors"
    schema = _verb(verbs, "schema", text, is_anywhere=True)
    schema.add_argument(
        "--write", action="store_true", help="put it at .pipeline/schema.json instead"
    )
    text = "show this overview, or the manual of a verb"
    manual = _verb(verbs, "help", text, is_anywhere=True)
    manual.add_argument("of", nargs="?", metavar="VERB", help="the verb")


def _add_run_name(verb: Parser) -> None:
    verb.add_argument(
        "run", nargs="?", default="", metavar="RUN", help="which run; else the latest"
    )
