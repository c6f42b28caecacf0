"""Verbs that keep what runs made: they hold it to its seals, clear, carry and pack it.

As `arguments`, of which this is a part: what may be said, and nothing is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.options import add_host, add_json, add_run_name, add_verb

if TYPE_CHECKING:
    from pipeline.parser import Verbs


def add_afterwards(verbs: Verbs) -> None:
    """Declare verify, gc, data and pack."""
    _add_runs(verbs)
    _add_data(verbs)
    _add_pack(verbs)


def _add_runs(verbs: Verbs) -> None:
    text = "hold every file of a run against its seals; changes nothing"
    verify = add_verb(verbs, "verify", text)
    add_run_name(verify)
    add_json(verify)
    text = "list what no kept run needs, largest first; delete it with --yes"
    clear = add_verb(verbs, "gc", text)
    clear.add_argument(
        "runs", nargs="*", metavar="RUN", help="these runs, whatever their age"
    )
    add_host(clear, "on this host; else here")
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
    add_json(clear)


def _add_data(verbs: Verbs) -> None:
    text = "compare data sets here and on a box; push them, or pull them home"
    data = add_verb(verbs, "data", text)
    data.add_argument("act", choices=("status", "push", "pull"), help="what to do")
    data.add_argument(
        "names", nargs="*", metavar="DATA", help="only these sets of pipeline.yaml"
    )
    add_host(data, "the host; status without it says what lies here")
    data.add_argument(
        "--verify", action="store_true", help="have both sides read all of it (status)"
    )
    data.add_argument(
        "--delete", action="store_true", help="list what only the taking side has"
    )
    data.add_argument("--yes", action="store_true", help="and delete what is listed")
    add_json(data)


def _add_pack(verbs: Verbs) -> None:
    text = "take a run's bundle, verify it again, list, clear and archive"
    pack = add_verb(verbs, "pack", text, is_anywhere=True)
    acts = ("create", "verify", "list", "clean", "archive")
    pack.add_argument("act", choices=acts, help="what to do")
    pack.add_argument(
        "what",
        nargs="?",
        default="",
        metavar="RUN|BUNDLE",
        help="create: a run, else the latest; verify, archive: a hash or a folder",
    )
    pack.add_argument(
        "--target",
        choices=("onnx", "coreml", "hailo"),
        help="verify: pass only if this one was run",
    )
    pack.add_argument(
        "--verbose", action="store_true", help="list: all of each bundle, every file"
    )
    pack.add_argument(
        "--keep", type=int, metavar="N", help="clean: the newest N stay; must be said"
    )
    pack.add_argument("--yes", action="store_true", help="clean: delete what is listed")
    pack.add_argument(
        "--format", choices=("zip", "tar.gz"), help="archive: which kind; else tar.gz"
    )
    pack.add_argument(
        "--output", metavar="PATH", help="archive: where to; else here, by its hash"
    )
    add_json(pack)
    pack.add_argument(
        "--file", metavar="PATH", help="the pipeline.yaml, if not here or above"
    )
