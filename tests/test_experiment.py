"""The experiment of this repository: its declaration, and all of it on a box."""

from __future__ import annotations

import importlib
import json
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.reading import spec
from pipeline.schema import Pipeline
from tests.afar import Remote
from tests.lab import Host, Lab, lacking, sweep
from tests.laptop import CHECKOUT

STAGES = "tdd_gate vq_selftest train codebook_analysis hdp_hsmm calibration export"


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """Read the file users run."""
    return spec.load(CHECKOUT / "pipeline.yaml")


def test_the_seven_stages_have_their_names_and_order(pipeline: Pipeline) -> None:
    """As the design names them."""
    assert " ".join(stage.name for stage in pipeline.stages) == STAGES


def test_every_stage_knows_the_params_it_is_given(pipeline: Pipeline) -> None:
    """A frozen Params with all defaults, made from what the file says."""
    for stage in pipeline.stages:
        kind = importlib.import_module(stage.run).Params

        assert kind(**stage.params) is not None
        assert kind.__dataclass_params__.frozen


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A lab whose hosts see this checkout's environment, and nothing else of it."""
    if missing := lacking():
        pytest.skip(f"a lab needs {', '.join(missing)}")
    sweep()
    seen = Path(sys.prefix).relative_to(CHECKOUT).parts[0]
    rooms = [each for each in CHECKOUT.iterdir() if each.is_dir()]
    with Lab(hide=[room for room in rooms if room.name != seen]) as lab:
        yield lab


@pytest.fixture
def box(lab: Lab) -> Iterator[Host]:
    """A fresh host whose ~/venv has all packages of this environment."""
    packages = sysconfig.get_path("purelib")
    with lab.host(f"box{lab.made}") as box:
        box.exec("python3 -m venv --without-pip ~/venv")
        box.exec(f"cd ~/venv/lib/*/site-packages; echo {packages} > ours.pth")
        yield box


def with_experiment(laptop: Remote) -> str:
    """Put the experiment into the repository; give its declaration without gates.

    So few subjects for so short a time cannot pass them, and are not meant to.
    """
    for room in ("stages", "models", "tests/models", "pipeline/tdd"):
        shutil.copytree(
            CHECKOUT / room,
            laptop.repo / room,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
    shutil.copy(CHECKOUT / "pyproject.toml", laptop.repo)
    lines = (CHECKOUT / "pipeline.yaml").read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("    gates:"))


@pytest.mark.lab
@pytest.mark.timeout(600)
def test_all_of_it_runs_on_a_box(remote: Remote, box: Host, lab: Lab) -> None:
    """Seven seals come home over a real sshd, with figures, a bundle and a report."""
    remote.on(box, lab, with_experiment(remote), python="~/venv/bin/python")

    remote.pipeline("run", "--host", "gpu", "--set", "profile=tiny", timeout_s=540)
    remote.pipeline("pull")

    assert sorted(remote.seals()) == sorted(STAGES.split())  # two at a time
    judged = json.loads((remote.results / "train" / "metrics.json").read_text())
    assert 0.0 < judged["accuracy"] <= judged["bayes_limit_high"]
    for name in ("train/training.png", "hdp_hsmm/raster.png", "FINAL_REPORT.html"):
        assert (remote.results / name).stat().st_size > 1000, name
    pulled = remote.repo / "artifacts" / remote.run_id / "export"
    assert len(list(pulled.rglob("model.onnx"))) == 1
