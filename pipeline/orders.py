"""What to start for an attempt: its command, its environment, its inputs."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import artifact, child, codec, files, plan, reads, template
from pipeline.errors import SpecError, StageFailed
from pipeline.fence import MARK
from pipeline.fingerprint import ANYTHING, CHANGING
from pipeline.inventory import is_linked
from pipeline.secrets import values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.artifact import Manifest
    from pipeline.attempt import AttemptPaths
    from pipeline.decision import Decision
    from pipeline.environments.environment import Environment
    from pipeline.fingerprint import Parts
    from pipeline.resources import Share
    from pipeline.schema import Input, Stage
    from pipeline.seal import Seal
    from pipeline.workshop import Workshop


class Orders:
    """One stage's orders in one run, on the share of the box it holds."""

    def __init__(self, stage: Stage, workshop: Workshop, share: Share) -> None:
        """Order `stage`."""
        self._stage = stage
        self._workshop = workshop
        self._plan = workshop.plan
        self._device = "cuda" if share.gpus else "cpu"
        self._gpus = share.gpus
        self._params = {**self._plan.pipeline.params, **stage.params}

    @property
    def _checkpoints(self) -> Path:
        return self._workshop.paths.checkpoints / self._stage.name

    @property
    def _seed(self) -> int:
        seed = self._params.get("seed", 0)
        return seed if isinstance(seed, int) else 0

    def command(self, attempt: AttemptPaths) -> tuple[list[str], dict[str, str]]:
        """Give what to start, and in which environment."""
        inputs = self._inputs()
        environment = self._environment(attempt)
        if self._stage.run:
            files.replace_text(attempt.order, codec.dumps(self._child(attempt, inputs)))
            head = [self._found.python, self._workshop.self_argv[-1], "child"]
            return [*head, str(attempt.order)], environment
        script, given = self._script({**self._params, **inputs})
        # A line that fails in the middle must not pass for a stage that went well.
        return ["sh", "-e", "-c", script], {**environment, **given}

    def _script(self, values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Fill the command; a value never becomes part of the shell's own text."""
        names = template.placeholders(self._stage.sh)
        missing = [name for name in names if name not in values]
        if missing:
            message = f"stage {self._stage.name!r} has no {{{missing[0]}}} to fill in"
            raise SpecError(message)
        places = {name: f"PIPELINE_VALUE_{i}" for i, name in enumerate(names, 1)}
        references = {name: f'"${{{place}}}"' for name, place in places.items()}
        given = {place: as_text(values[name]) for name, place in places.items()}
        return template.fill(self._stage.sh, references), given

    def _child(self, attempt: AttemptPaths, inputs: Mapping[str, str]) -> child.Order:
        paths = self._workshop.paths
        return child.Order(
            stage=self._stage.name,
            module=self._stage.run,
            params=self._stage.params,
            shared_params=self._plan.pipeline.params,
            inputs=inputs,
            outputs=self._stage.outputs,
            out=str(attempt.out),
            results=str(attempt.results),
            checkpoints=str(self._checkpoints),
            paths=(str(paths.base), str(paths.tree)),
            reads=str(attempt.reads),
            seed=self._seed,
            device=self._device,
        )

    def _inputs(self) -> dict[str, str]:
        found = {}
        for ref in self._stage.inputs:
            path = self._workshop.input_path(ref)
            if not (path.exists() or self._may_lack(ref)):
                message = f"stage {self._stage.name!r} needs {str(ref)!r}: not there"
                raise StageFailed(message, hint=f"looked for {path}")
            found[str(ref)] = str(path)
        return found

    def _may_lack(self, ref: Input) -> bool:
        """Tell whether an input is an optional data set that the run has not."""
        sets = self._plan.pipeline.data
        return any(
            one.name == ref.data
            and one.is_optional
            and not is_linked(self._workshop.paths, one)
            for one in sets
        )

    def _environment(self, attempt: AttemptPaths) -> dict[str, str]:
        """Give the stage's environment: the box's own, less what would bend git."""
        self._checkpoints.mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        ours = {
            "OUT": str(attempt.out),
            "RESULTS": str(attempt.results),
            "CHECKPOINTS": str(self._checkpoints),
            "PIPELINE_RUN": self._plan.run,
            "PIPELINE_STAGE": self._stage.name,
            "PIPELINE_SEED": str(self._seed),
            "PIPELINE_COMMIT": self._plan.snapshot,
            "PYTHONUNBUFFERED": "1",
            "PYTHONHASHSEED": "0",
            MARK: str(attempt.root),
            **values.given(self._stage, self._workshop.secrets),
        }
        if self._stage.gpus:
            ours["CUDA_VISIBLE_DEVICES"] = ",".join(self._gpus)
        return {**self._found.over(kept), **ours}

    @property
    def _found(self) -> Environment:
        found = self._workshop.environment
        assert found is not None, "an environment comes before any stage"
        return found

    def sources(self) -> dict[str, Mapping[str, str]]:
        """Give what is behind each input now; of a sealed stage, by its manifest."""
        return {str(ref): self._source(ref) for ref in self._stage.inputs}

    def _source(self, ref: Input) -> Mapping[str, str]:
        if ref.data:
            return self._planner.data(ref.data)
        sealed = artifact.read_manifest(self._workshop.results.manifest(ref.stage))
        return sealed.meant_by(ref.file)

    @property
    def _planner(self) -> plan.Planner:
        planner = self._workshop.planner
        assert planner is not None, "an environment comes before any stage"
        return planner

    def decide(self) -> tuple[Decision, Seal | None]:
        """Decide between an older seal and executing the stage."""
        return self._planner.decide(self._stage, self.sources())

    def last(self) -> Manifest | None:
        """Give what the stage made when it last had these params: it may again."""
        return self._planner.last_like(self._stage)

    def parts(self) -> Parts:
        """Gather the parts of the fingerprint, of the present inputs."""
        return self._planner.parts(self._stage, self.sources())

    def still(self, parts: Parts) -> Parts:
        """Give the parts when the stage has ended: data may have changed meanwhile.

        Nobody knows which of it was read, so that such a seal is reused by nobody.
        """
        changed = {
            str(ref): {CHANGING: ""}
            for ref in self._stage.inputs
            if ref.data and self._source(ref) != parts.inputs[str(ref)]
        }
        return replace(parts, inputs={**parts.inputs, **changed}) if changed else parts

    def reads(
        self, attempt: AttemptPaths, parts: Parts, began_ns: int
    ) -> dict[str, str]:
        """Say what a module stage read besides; a command is known by its code."""
        if not self._stage.run:
            return {}
        noted = reads.noted(attempt.reads)
        if self._stage.code:  # it says what the programs count as that it starts
            noted = [path for path in noted if path != ANYTHING]
        tree = self._workshop.paths.tree
        return reads.settled(
            noted,
            now=self._planner.now,
            code=parts.files,
            tree=tree,
            known=self._is_own(),
            began_ns=began_ns,
        )

    def _is_own(self) -> Callable[[str], bool]:
        """Tell what a stage may read without a word: its inputs, and our own files."""
        tree = self._workshop.paths.tree
        inputs = tuple(
            str(self._workshop.input_path(ref).relative_to(tree))
            for ref in self._stage.inputs
        )

        def is_own(path: str) -> bool:
            return any(path == one or path.startswith(f"{one}/") for one in inputs)

        return is_own


def as_text(value: object) -> str:
    """Write a param as a command line would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else codec.dumps(value)
