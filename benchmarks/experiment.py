"""The reference experiment as a user runs it: whole, timed, and for three seeds.

Every run is the real command in a fresh home. What is printed is what its stages
sealed; the mark beside a number is the gate of pipeline.yaml that judged it.
"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

from pipeline.reading import spec
from tests.laptop import CHECKOUT, Laptop

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = (0, 1, 2)
READ = ("stages", "models", "tests/models", "pipeline/tdd")
PATIENCE_S = 1800.0

# Stage and metric, in the order of a reader's questions.
SHOWN = (
    ("train", "bayes_limit"),
    ("train", "accuracy"),
    ("train", "macro_f1"),
    ("train", "usage"),
    ("train", "perplexity"),
    ("calibration", "ece_before"),
    ("calibration", "ece"),
    ("calibration", "coverage"),
    ("hdp_hsmm", "nmi"),
    ("hdp_hsmm", "change_f1"),
    ("hdp_hsmm", "change_f1_code_frames"),
    ("hdp_hsmm", "occupied"),
    ("hdp_hsmm", "r_hat"),
    ("export", "parameters"),
    ("export", "onnx_bytes"),
    ("export", "latency_ms"),
)

Rows = list[tuple[str, str, str]]
Metrics = dict[str, dict[str, float]]


def bench(place: Path) -> Rows:
    """Run it for each seed, and print the spread."""
    laptop = _laptop(place / "experiment")
    marks = _marks(laptop.repo / "pipeline.yaml")
    runs = [_run(laptop, seed) for seed in SEEDS]
    first = runs[0][0]
    rows = [("experiment: whole, first run", f"{first:.0f} s", "<= 240 s, aim 120 s")]
    for stage, metric in SHOWN:
        found = [metrics.get(stage, {}).get(metric) for _, metrics in runs]
        spread = " / ".join("-" if it is None else f"{it:.4g}" for it in found)
        mark = marks.get((stage, metric), "")
        rows.append((f"experiment: {stage} {metric}, seeds 0 / 1 / 2", spread, mark))
    return rows


def _laptop(root: Path) -> Laptop:
    """Make a home with a repository that holds the experiment."""
    laptop = Laptop(root)
    for room in READ:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / room, laptop.repo / room, ignore=ignored)
    for name in ("pipeline.yaml", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, laptop.repo)
    laptop.commit("the experiment")
    return laptop


def _run(laptop: Laptop, seed: int) -> tuple[float, Metrics]:
    """Run all of it; give the seconds it took and every metric."""
    begun = time.perf_counter()
    laptop.pipeline("run", "--set", f"seed={seed}", code=None, timeout_s=PATIENCE_S)
    took = time.perf_counter() - begun
    files = laptop.results.glob("*/metrics.json")
    return took, {file.parent.name: json.loads(file.read_text()) for file in files}


def _marks(path: Path) -> dict[tuple[str, str], str]:
    """Give the gate over each metric of each stage."""
    stages = spec.load(path).stages
    return {
        (stage.name, gate.metric): str(gate) for stage in stages for gate in stage.gates
    }
