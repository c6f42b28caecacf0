"""Options that several verbs share: the same words, the same help, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.parser import Parser, Verbs


def add_verb(
    verbs: Verbs, name: str, text: str, *, is_anywhere: bool = False
) -> Parser:
    """Add a verb; one that works `is_anywhere` needs no pipeline.yaml."""
    verb = verbs.add(name, text)
    if is_anywhere:
        verb.set_defaults(is_anywhere=True)
    else:
        verb.add_argument(
            "--file", metavar="PATH", help="the pipeline.yaml, if not here or above"
        )
    return verb


def add_run_name(verb: Parser) -> None:
    """Let a verb be told which run; the latest where it is not."""
    verb.add_argument(
        "run", nargs="?", default="", metavar="RUN", help="which run; else the latest"
    )


def add_host(verb: Parser, what: str = "a host of pipeline.yaml; else here") -> None:
    """Let a verb be told which host, and the key that this one has."""
    verb.add_argument("--host", metavar="HOST", help=what)
    verb.add_argument(
        "--accept-host-key",
        metavar="SHA256",
        action="append",
        default=[],
        help="the fingerprint of its key, where that is not known here yet",
    )


def add_set(verb: Parser) -> None:
    """Let a verb be told other params than those of pipeline.yaml."""
    verb.add_argument(
        "--set",
        metavar="PARAM=VALUE",
        action="append",
        default=[],
        help="set a param: seed=3, or train.epochs=5; may be given again",
    )


def add_choice(verb: Parser) -> None:
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


def add_json(verb: Parser, what: str = "print one JSON document, for scripts") -> None:
    """Let a verb speak to a script; docs/json.md says how."""
    verb.add_argument("--json", action="store_true", help=what)
