"""The same course on several processes, started by torchrun, one for each GPU.

What they need lies in a folder beside the checkpoint while they run. The first of them
tells each epoch as a line of JSON; when nobody listens any more they end.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from models.networks.objective import Weights
from models.training.architecture import Architecture
from models.training.augmentation import Nuisance
from models.training.learner import Epoch, Learner, Recipe
from models.training.lesson import Batch, Lesson
from stages.training.keeping import kept
from stages.training.material import Material
from stages.training.session import Session

ROOT = Path(__file__).resolve().parents[2]
MARK = "::epoch "


def go_together(
    session: Session, learner: Learner, material: Material, processes: int
) -> Iterator[Epoch]:
    """Go through the epochs that are left on so many processes; take up what they kept.

    Raise RuntimeError when one of them fails; its own words are in the log.
    """
    with tempfile.TemporaryDirectory(dir=session.place, prefix=".together-") as folder:
        job = Path(folder) / "job.pt"
        hand_over(job, session, material)
        with subprocess.Popen(
            _argv(processes, job),
            cwd=ROOT,
            env={**_near(session.device), **os.environ},
            stdout=subprocess.PIPE,
            text=True,
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if line.startswith(MARK):
                    yield Epoch.of(json.loads(line.removeprefix(MARK)))
                else:
                    sys.stdout.write(line)
    if child.returncode != 0:
        message = f"{processes} processes could not learn together: see the log above"
        raise RuntimeError(message)
    state, said = kept(session.checkpoint, session.belongs)
    if state is None:
        raise RuntimeError(f"{processes} processes left no checkpoint: {said}")
    learner.take_up(state)


def _near(device: str) -> dict[str, str]:
    """Let workers on this machine's CPUs meet without any network."""
    is_linux = sys.platform == "linux"
    return {"GLOO_SOCKET_IFNAME": "lo"} if device == "cpu" and is_linux else {}


def _argv(processes: int, job: Path) -> list[str]:
    """Ask torchrun for so many workers, on this machine alone."""
    return [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={processes}",
        "--module",
        "stages.training.worker",
        str(job),
    ]


def hand_over(path: Path, session: Session, material: Material) -> None:
    """Write all that a worker needs: tensors, numbers and text."""
    begins, lengths = (
        torch.from_numpy(each)
        for each in (material.lesson.begins, material.lesson.lengths)
    )
    lesson = material.lesson._replace(begins=begins, lengths=lengths)  # type: ignore[arg-type]
    held = {
        "plan": session.plan._asdict(),
        "recipe": _plain(session.recipe),
        "session": [session.device, session.compiled, str(session.place)],
        "belongs": session.belongs,
        "lesson": list(lesson),
        "unseen": list(material.unseen),
    }
    torch.save(held, path)


def received(path: Path) -> tuple[Session, Material]:
    """Read what `hand_over` wrote."""
    held: dict[str, Any] = torch.load(path, weights_only=True)
    plan = Architecture.of(held["plan"])
    recipe = held["recipe"]
    weights, nuisance = Weights(*recipe["weights"]), Nuisance(*recipe["nuisance"])
    device, compiled, place = held["session"]
    session = Session(
        plan,
        Recipe(**{**recipe, "weights": weights, "nuisance": nuisance}),
        device,
        compiled,
        Path(place),
        held["belongs"],
    )
    frames, labels, begins, lengths, behaviours = held["lesson"]
    lesson = Lesson(frames, labels, begins.numpy(), lengths.numpy(), behaviours)
    return session, Material(lesson, Batch(*held["unseen"]))


def _plain(recipe: Recipe) -> dict[str, Any]:
    """Give a recipe as plain values."""
    said = recipe._asdict()
    return {**said, "weights": list(recipe.weights), "nuisance": list(recipe.nuisance)}
