"""The other side of an attempt: the process in which a stage module runs.

It is started from the .pyz with the environment's Python. The worktree comes right
behind the .pyz on the import path: before it, a `pipeline/` of the user's own would be
taken for the toolkit; farther back, an installed package or a checkout on PYTHONPATH
would be taken for the code of the snapshot.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
import os
import sys
import traceback
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline import codec
from pipeline.errors import IntegrityError, PipelineError, SpecError
from pipeline.frozen import dataclass
from pipeline.noting import note_from_now_on
from pipeline.stage import Pipe, StageContext

_FAILED = 1
_SPEC = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """order.json: what the child is asked to do. Paths are absolute, on the box."""

    stage: str
    module: str
    params: Mapping[str, Any]
    shared_params: Mapping[str, Any]
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    out: str
    results: str
    checkpoints: str
    paths: tuple[str, ...]
    reads: str = ""
    seed: int = 0
    device: str = "cpu"


def main(order_path: str) -> int:
    """Run one stage; the exit code says whether it raised."""
    order = codec.loads(Order, Path(order_path).read_bytes(), what="order.json")
    pipe = Pipe(int(os.environ["PIPELINE_REPORT_FD"]))
    sys.path[1:1] = order.paths
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    if order.reads:
        note_from_now_on(Path(order.reads), order.paths[-1])
    try:
        run_stage(order, pipe)
    except PipelineError as error:
        print(error, file=sys.stderr)
        pipe({"error": str(error)})
        return _SPEC if isinstance(error, SpecError) else _FAILED
    except Exception as error:  # noqa: BLE001 - a stage may raise anything at all
        traceback.print_exc()
        last = traceback.format_exception_only(type(error), error)[-1].strip()
        pipe({"error": last})
        return _FAILED
    return 0


def run_stage(order: Order, pipe: Pipe) -> None:
    """Import the module, build its Params, and run it."""
    module = importlib.import_module(order.module)
    run = getattr(module, "run", None)
    if not callable(run):
        message = f"module {order.module!r} has no run(params, ctx)"
        raise SpecError(message)
    params = build_params(module, order)
    context = StageContext(
        stage=order.stage,
        inputs={ref: Path(path) for ref, path in order.inputs.items()},
        outputs=frozenset(order.outputs),
        out=Path(order.out),
        results=Path(order.results),
        checkpoint_dir=Path(order.checkpoints),
        seed=order.seed,
        device=order.device,
        tell=pipe,
        log=logging.getLogger(order.stage),
    )
    run(params, context)


def build_params(module: Any, order: Order) -> Any:
    """Make the stage's Params; what does not fit is refused by name.

    The pipeline's own params reach a stage only where it has a field of that name.
    """
    kind = getattr(module, "Params", None)
    if kind is None or not dataclasses.is_dataclass(kind):
        if order.params:
            message = f"module {order.module!r} takes no params: it has no Params"
            raise SpecError(message)
        return None
    known = {f.name for f in dataclasses.fields(kind)}
    unknown = sorted(set(order.params) - known)
    if unknown:
        message = f"stage {order.stage!r} has no param {unknown[0]!r}"
        raise SpecError(message, hint=f"it has: {', '.join(sorted(known)) or 'none'}")
    shared = {k: v for k, v in order.shared_params.items() if k in known}
    given = {**shared, **order.params}
    return _typed(typing.cast("type[Any]", kind), given, order.stage)


def _typed(kind: type[Any], given: Mapping[str, Any], stage: str) -> Any:
    try:
        return codec.decode(kind, dict(given), what=f"params of stage {stage!r}")
    except IntegrityError as error:
        raise SpecError(error.message) from error
