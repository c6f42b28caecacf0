"""Write a first pipeline.yaml that works, from what this repository seems to hold.

It looks at names and at the texts of scripts, notebooks, Makefiles and lists of
requirements; nothing is imported or run, and nothing is asked. What is a guess says so
in a comment at its line. A pipeline.yaml that is there already is never written over.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import DONE, SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.proposals.findings import Findings
    from pipeline.proposals.proposal import Proposed


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Look, propose, write, and say what comes next."""
    from pipeline.proposals import findings, joining, roles, welcome
    from pipeline.reading import grammar

    target = paths.pipeline_file
    if not args.print and (target.exists() or target.is_symlink()):
        message = f"{target.name} is here already, and is not written over"
        raise SpecError(message, hint="see what it would be: pipeline init --print")
    found = findings.look(paths.root)
    stages = joining.propose(found, _python_word(found))
    others = [*roles.left_over(found, {s.source for s in stages}), *found.others]
    text = welcome.text_of(found, stages, others=others)
    if args.print:
        print(text, end="")
        return DONE
    with target.open("x", encoding="utf-8") as file:
        file.write(text)
    grammar.refresh(paths)
    _say(target.name, found, stages)
    return DONE


def _python_word(found: Findings) -> str:
    """Say `python`, unless the Python of the stages goes by `python3` alone."""
    has_plain = (Path(sys.executable).parent / "python").exists()
    return "python" if found.venv or has_plain else "python3"


def _say(name: str, found: Findings, stages: list[Proposed]) -> None:
    able = [stage for stage in stages if not stage.lacks]
    print(f"wrote {name}" + ("" if able else ": a template of two stages"))
    for stage in stages:
        what = f"left as a comment: {stage.lacks}" if stage.lacks else "stage"
        print(f"  {stage.source}: {what}" + ("" if stage.lacks else f" {stage.name}"))
    for path in found.data:
        print(f"  {path}/: data, linked into every run")
    for other in found.others:
        print(f"  {other}: not read")
    if any(stage.collect or stage.after for stage in able):
        print("  paths and order are guesses; each line says so")
    for folder in found.taken:
        print(f"  {folder}/ is tracked in git, and runs come home there: move it first")
    if not found.has_commits:
        print("  no commit yet: the first run will do without; make one when you like")
    print("next: pipeline check\n      pipeline run")
