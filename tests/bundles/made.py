"""A small bundle, really exported, and copies of it that may be spoilt."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.leakage.scale import fitted
from models.training.architecture import Architecture, built
from pipeline.bundles import contents
from pipeline.bundles import manifest as manifests
from pipeline.bundles.manifest import Manifest
from pipeline.bundles.whole import listed
from stages import export, trained
from stages.trained import Trained
from tests.stages.conftest import Reports, staged

LABELS = ("stand", "walk", "trot", "lie")
COMMIT = "c0ffee" + "0" * 34


def inputs(folder: Path, **architecture: Any) -> dict[str, Path]:
    """Write what the stages before would have made, of a network with odd averages."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = Architecture(len(LABELS), **{"codes": 32, "width": 8, **architecture})
    rng = np.random.default_rng(3)
    size, middle = rng.uniform(0.5, 20.0, (9, 2, 1)), rng.normal(0.0, 5.0, (9, 2, 1))
    raw = (rng.normal(size=(24, 9, 2, 100)) * size + middle).astype(np.float32)
    scale, network = fitted(raw), built(plan)
    with torch.no_grad():
        for _ in range(2):
            network(torch.from_numpy(scale.applied(raw[:6])))
    config = {"architecture": plan._asdict()}
    model = Trained(network.eval(), scale, LABELS, 100.0, config)
    refs = references(folder)
    paths = [*refs.values()]
    trained.write(paths[0], model)
    np.savez(paths[1], calibration=raw[:16], golden=raw[16:])
    paths[2].write_text(json.dumps({"temperature": 1.3, "threshold": 0.2}))
    return refs


def references(folder: Path) -> dict[str, Path]:
    """Give the inputs of the stage, as pipeline.yaml names them."""
    refs = ("train/model.pt", "train/sample.npz", "calibration/calibration.json")
    return {ref: folder / ref.rpartition("/")[2] for ref in refs}


def exported(root: Path, given: dict[str, Path], **params: Any) -> tuple[Path, Reports]:
    """Run the stage; give the folder of its bundle, and what it told."""
    ctx, reports = staged(root, "export", given, ("bundle.json",))
    export.run(export.Params(profile="tiny", **params), ctx)
    name = json.loads((ctx.out / "bundle.json").read_text())["hash"]
    return ctx.out / name, reports


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export one bundle for all tests and all workers; it is only to be read."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with (base / "bundle.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = base / "bundle"
        if not (root / "is_whole").exists():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PIPELINE_COMMIT", COMMIT)
                exported(root, inputs(root / "in"))
            (root / "is_whole").touch()
    (folder,) = (path for path in (root / "out").iterdir() if path.is_dir())
    return folder


@pytest.fixture
def given(made: Path, tmp_path: Path) -> dict[str, Path]:
    """Copies of what it was made of."""
    shutil.copytree(made.parent.parent / "in", tmp_path / "in")
    return references(tmp_path / "in")


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    """A copy of it, of the same name."""
    return Path(shutil.copytree(made, tmp_path / "copy" / made.name))


def signed_again(folder: Path, **said: Any) -> Manifest:
    """Have the manifest say what now lies there, and what else is wanted."""
    now = listed(folder)
    claims = {"files": now, "hash": contents.hash_of(now), **said}
    manifest = replace(manifests.read(folder), **claims).signed()
    (folder / contents.MANIFEST).write_text(manifest.text())
    return manifest
