"""What to start for an attempt: its command, its environment, its inputs."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import artifact, child, codec, files, template
from pipeline.errors import SpecError, StageFailed
from pipeline.fence import MARK
from pipeline.fingerprint import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.layout import AttemptPaths
    from pipeline.resources import Share
    from pipeline.schema import Input, Stage
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
            head = [self._workshop.python, self._workshop.self_argv[-1], "child"]
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
            seed=self._seed,
            device=self._device,
        )

    def _inputs(self) -> dict[str, str]:
        found = {}
        for ref in self._stage.inputs:
            path = self._workshop.input_path(ref)
            if not path.exists():
                message = f"stage {self._stage.name!r} needs {str(ref)!r}: not there"
                raise StageFailed(message, hint=f"looked for {path}")
            found[str(ref)] = str(path)
        return found

    def _environment(self, attempt: AttemptPaths) -> dict[str, str]:
        """Give the stage's environment: the box's own, less what would bend git."""
        self._checkpoints.mkdir(exist_ok=True)
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        ours = {
            "PATH": self._path(kept.get("PATH", os.defpath)),
            "OUT": str(attempt.out),
            "RESULTS": str(attempt.results),
            "CHECKPOINTS": str(self._checkpoints),
            "PIPELINE_RUN": self._plan.run,
            "PIPELINE_STAGE": self._stage.name,
            "PIPELINE_SEED": str(self._seed),
            "PYTHONUNBUFFERED": "1",
            "PYTHONHASHSEED": "0",
            MARK: str(attempt.root),
        }
        if self._stage.gpus:
            ours["CUDA_VISIBLE_DEVICES"] = ",".join(self._gpus)
        return {**kept, **ours}

    def _path(self, path: str) -> str:
        """Put the environment's own programs first, wherever its Python was found."""
        found = shutil.which(self._workshop.python)
        return f"{Path(found).absolute().parent}{os.pathsep}{path}" if found else path

    def fingerprint(self) -> str:
        """Name what the stage makes of its present inputs."""
        return fingerprint(
            self._stage,
            code=self._workshop.code,
            params=self._params,
            inputs={str(ref): self._input_hash(ref) for ref in self._stage.inputs},
            environment=self._workshop.python,
            device=self._device,
        )

    def _input_hash(self, ref: Input) -> str:
        """Hash what is behind an input; of a sealed stage, by its manifest."""
        if ref.data:
            return self._data_hash(ref)
        sealed = artifact.read_manifest(self._workshop.results.manifest(ref.stage))
        below = ref.file.rstrip("/") + "/"
        behind = {
            name: file.sha256
            for name, file in sealed.artifacts.items()
            if name == ref.file or name.startswith(below)
        }
        return hashlib.sha256(codec.dumps(behind).encode()).hexdigest()

    def _data_hash(self, ref: Input) -> str:
        """Tell data apart by version, or by the look of its files.

        Sizes and times stand for the content, which would take minutes to read: data
        that was merely touched counts as changed, never the other way round.
        """
        data = next(d for d in self._plan.pipeline.data if d.name == ref.data)
        if data.by == "version":
            return f"version:{data.version}"
        look = [list(row) for row in _looks(self._workshop.input_path(ref))]
        return "stat:" + hashlib.sha256(codec.dumps(look).encode()).hexdigest()


def _looks(root: Path) -> Iterator[tuple[str, int, int]]:
    """Say how the files of a data set look; a link counts as what it points to."""
    if root.is_file():
        yield ".", root.stat().st_size, root.stat().st_mtime_ns
    for place, folders, names in os.walk(root, followlinks=True):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names)):
            if path.exists():
                status = path.stat()
                relative = path.relative_to(root).as_posix()
                yield relative, status.st_size, status.st_mtime_ns


def as_text(value: object) -> str:
    """Write a param as a command line would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else codec.dumps(value)
