"""Read pipeline.yaml and the modules of its stages, and say every mistake at once.

Each mistake has its place, its line with a mark below, and where one can be computed
the name that was meant. Modules are read and never imported: that they are there, that
they have run(params, ctx), and that the params fit their Params. No host is asked.

With --host, data must have a path for that host; what the host itself lacks is told by
`pipeline doctor --host`. --set is tried as `run` would take it.

Examples:
  pipeline check
  pipeline check --host ec2 --set train.epochs=5
  pipeline check --json | jq '.mistakes[].line'
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pipeline.commands.document import put
from pipeline.errors import DONE, SpecError

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.schema import Pipeline


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Read; every mistake is an error by then."""
    from pipeline.commands.known import host_named
    from pipeline.reading import fit, grammar, module, overlooked, spec

    grammar.refresh(paths)
    try:
        pipeline = spec.load(
            paths.pipeline_file, overrides=args.set, host=args.host or ""
        )
        host_named(pipeline, args.host, paths)
    except SpecError as error:
        if not args.json:
            raise
        print(error, file=sys.stderr)
        put({"file": str(paths.pipeline_file), "mistakes": _mistakes(error)})
        return error.exit_code
    notes = list(fit.elsewhere(pipeline.stages, module.folders(paths.root)))
    notes += overlooked.notes(pipeline, paths.root)
    if args.json:
        counts: dict[str, Json] = {**_counts(pipeline)}
        file = str(paths.pipeline_file)
        put({"file": file, "mistakes": [], "notes": notes, **counts})
        return DONE
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    said = [_many(many, what) for what, many in _counts(pipeline).items() if many]
    print(f"{paths.pipeline_file.name}: {', '.join(said)}; no mistake found")
    return DONE


def _mistakes(error: SpecError) -> list[Json]:
    """Give each mistake with its place; one about the whole file has none."""
    from pipeline.reading.mistakes import NOWHERE, Mistake, Mistaken

    whole = Mistake(NOWHERE, error.message, error.hint)
    mistakes = error.mistakes if isinstance(error, Mistaken) else (whole,)
    return [
        {
            "line": one.mark.line or None,
            "column": one.mark.column or None,
            "origin": one.mark.origin or None,
            "sentence": one.sentence,
            "hint": one.hint or None,
        }
        for one in mistakes
    ]


def _counts(pipeline: Pipeline) -> dict[str, int]:
    return {
        "stages": len(pipeline.stages),
        "inputs": sum(len(stage.inputs) for stage in pipeline.stages),
        "outputs": sum(len(stage.outputs) for stage in pipeline.stages),
        "gates": sum(len(stage.gates) for stage in pipeline.stages),
        "hosts": len(pipeline.hosts),
    }


def _many(many: int, what: str) -> str:
    return f"{many} {what.removesuffix('s') if many == 1 else what}"
