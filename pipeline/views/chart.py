"""The declared graph: stages in order, and what leads from each to the next.

Pure. The text, the flowchart and the JSON of `pipeline graph` are drawn from one Chart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import codec, graph
from pipeline.frozen import dataclass
from pipeline.reading.mistakes import no_stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.codec import Json
    from pipeline.schema import Data, Pipeline, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What one stage has of another: its files, or only that it comes first."""

    source: str
    target: str
    files: tuple[str, ...] = ()

    @property
    def is_order_only(self) -> bool:
        """Tell whether it was written as `after`, and nothing is read."""
        return not self.files


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Stages in the order of a run, their edges, and the data sets they read."""

    name: str
    stages: tuple[Stage, ...]
    edges: tuple[Edge, ...]
    data: tuple[Data, ...]
    all_stages: int


def chart(pipeline: Pipeline, only: Sequence[str] = ()) -> Chart:
    """Give the graph of a pipeline: all of it, or `only` these and what they need."""
    stages = graph.order(pipeline.stages)
    if only:
        wanted = _needed(stages, only)
        stages = tuple(stage for stage in stages if stage.name in wanted)
    read = {ref.data for stage in stages for ref in stage.inputs}
    return Chart(
        name=pipeline.name,
        stages=stages,
        edges=tuple(edge for stage in stages for edge in _edges(stage)),
        data=tuple(data for data in pipeline.data if data.name in read),
        all_stages=len(pipeline.stages),
    )


def _needed(stages: Sequence[Stage], only: Sequence[str]) -> set[str]:
    """Give the names in `only`, and of all stages they stand on."""
    known = [stage.name for stage in stages]
    for name in only:
        if name not in known:
            raise no_stage(name, known)
    return graph.with_needs(stages, only)


def _edges(stage: Stage) -> Iterable[Edge]:
    """Give one edge for each stage that is needed, with all files it brings."""
    files: dict[str, list[str]] = {need: [] for need in stage.needs}
    for ref in stage.inputs:
        if ref.stage:
            files[ref.stage].append(ref.file)
    for need, brought in files.items():
        yield Edge(source=need, target=stage.name, files=tuple(brought))


def document(drawn: Chart) -> Json:
    """Give the graph as JSON tells it."""
    return {
        "name": drawn.name,
        "stages": [_stage(stage) for stage in drawn.stages],
        "edges": [
            {"from": edge.source, "to": edge.target, "files": list(edge.files)}
            for edge in drawn.edges
        ],
        "data": [{"name": data.name, "path": data.path} for data in drawn.data],
    }


def _stage(stage: Stage) -> Json:
    return {
        "name": stage.name,
        "run": stage.run,
        "sh": stage.sh,
        "needs": list(stage.needs),
        "after": list(stage.after),
        "inputs": [str(ref) for ref in stage.inputs],
        "outputs": list(stage.outputs),
        "collect": list(stage.collect),
        "params": codec.encode(stage.params),
        "gates": [str(gate) for gate in stage.gates],
        "cpus": stage.cpus,
        "gpus": stage.gpus,
        "retries": stage.retries,
        "timeout_s": stage.timeout_s,
        "on_failure": stage.on_failure,
    }
