"""The training stage, run for real with its tiny profile."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.leakage.certificate import Leak
from models.networks.cost import PARAMETER_LIMIT
from stages import train, trained
from stages.exchange import PARTS, Codes, Logits
from stages.reading.simulated import simulated
from stages.training.cohorts import HOP, SIZE, cohorts
from stages.training.sizes import sized
from tests.stages.conftest import TRAINED, Context, Staged, staged

QUICK: dict[str, Any] = {"profile": "tiny", "epochs": 1, "width": 4, "subjects": 4}
GRID = train.Params(**QUICK, quantiser="fsq", causal=True)


@pytest.fixture(scope="module")
def metrics(trained_tiny: Path) -> dict[str, float]:
    """What the stage reported."""
    told: dict[str, float] = json.loads((trained_tiny / "metrics.json").read_text())
    return told


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """A short training with another quantiser, another sight and another seed."""
    own = staged(tmp_path_factory.mktemp("grid"), "train", outputs=TRAINED, seed=1)
    train.run(GRID, own.ctx)
    return own


def test_it_learns_far_beyond_chance_and_not_beyond_the_limit(
    metrics: dict[str, float],
) -> None:
    """On subjects that nobody learned from, with the limit told beside it."""
    assert metrics["accuracy"] > metrics["chance"] + 0.2
    assert metrics["accuracy"] < metrics["bayes_limit_high"]
    assert metrics["accuracy_worst_subject"] <= metrics["accuracy"]
    assert metrics["leaks"] == 0


def test_parameters_stay_within_the_target(metrics: dict[str, float]) -> None:
    """The metric is what the written model holds."""
    assert 0 < metrics["parameters"] < PARAMETER_LIMIT


def test_accuracy_follows_from_the_logits_that_are_handed_on(
    trained_tiny: Path, metrics: dict[str, float]
) -> None:
    """Nobody has to believe the metric."""
    test = Logits.read(trained_tiny / "logits.npz").of("test")

    right = (test.logits.argmax(axis=1) == test.truth).mean()

    assert right == pytest.approx(metrics["accuracy"])


def test_perplexity_follows_from_the_codes_of_unseen_subjects(
    trained_tiny: Path, metrics: dict[str, float]
) -> None:
    """Exp of the entropy of their codes."""
    test = Codes.read(trained_tiny / "codes.npz").of("test")

    share = np.bincount(test.codes[test.codes >= 0]) / (test.codes >= 0).sum()
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()

    assert np.exp(entropy) == pytest.approx(metrics["perplexity"])


def test_nobody_is_in_two_parts(trained_tiny: Path) -> None:
    """Neither in what is handed on, nor in the certificate."""
    folder = trained_tiny.parent / "results"
    said = json.loads((folder / "certificate.json").read_text())

    names = [set(part["subjects"]) for part in said["parts"].values()]

    assert len(set.union(*names)) == sum(map(len, names)) == 24
    codes = Codes.read(trained_tiny / "codes.npz")
    own = {name: set(codes.of(name).subject) for name in said["parts"]}
    assert all(own[name] <= set(said["parts"][name]["subjects"]) for name in own)


def test_a_split_that_leaks_ends_it(trained_tiny: Path) -> None:
    """The same subject under two names is found by what it did."""
    herd = simulated(seed=3, subjects=4, seconds=4.0)
    twin = herd.recordings[0]._replace(subject="twin", name="twin", stream="")
    herd = herd._replace(recordings=(*herd.recordings, twin))
    where = dict(zip(herd.subjects, (*PARTS, "test"), strict=True))

    with pytest.raises(Leak, match="train"):
        cohorts(herd, where)


def test_the_model_gives_the_logits_and_codes_that_were_handed_on(
    trained_tiny: Path,
) -> None:
    """From the file alone, on windows of the test part."""
    model = trained.read(trained_tiny / "model.pt")
    with np.load(trained_tiny / "sample.npz") as sample:
        golden = sample["golden"]
    logits = Logits.read(trained_tiny / "logits.npz").of("test")

    seen = model.network(torch.from_numpy(model.scale.applied(golden)))

    found = seen.logits.window.detach().numpy()
    gaps = [np.abs(logits.logits - row).max(axis=1).min() for row in found]
    assert golden.shape == (16, 9, 2, 100)
    assert max(gaps) < 1e-4


def test_codes_cover_every_frame_of_a_recording(trained_tiny: Path) -> None:
    """From the first to the last, and nothing behind it."""
    codes = Codes.read(trained_tiny / "codes.npz")

    inside = np.arange(codes.codes.shape[1]) < codes.lengths[:, None]

    assert ((codes.codes >= 0) == inside).all()
    assert codes.n_codes == 512
    assert set(codes.part) == {"train", "validate", "calibrate", "test"}


def test_logits_are_in_the_order_of_time(trained_tiny: Path) -> None:
    """Within a recording each window begins a hop later; none is of training."""
    logits = Logits.read(trained_tiny / "logits.npz")

    same = logits.recording[1:] == logits.recording[:-1]

    assert (np.diff(logits.start)[same] == HOP).all()
    assert (logits.size, logits.hop) == (SIZE, HOP)
    assert "train" not in logits.part


def test_the_history_has_a_row_for_each_epoch(
    trained_tiny: Path, metrics: dict[str, float]
) -> None:
    """The kept epoch has the least validation loss among those with codes."""
    with (trained_tiny.parent / "results" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))

    with_codes = [row for row in rows if float(row["validation_usage"]) > 0]
    best = min(with_codes, key=lambda row: float(row["validation_loss"]))

    assert len(rows) == metrics["epochs"]
    assert int(best["epoch"]) == metrics["best_epoch"]


def test_every_subject_of_the_test_part_is_told(
    trained_tiny: Path, metrics: dict[str, float]
) -> None:
    """The worst of the table is the metric."""
    with (trained_tiny.parent / "results" / "subjects.csv").open() as file:
        rows = list(csv.DictReader(file))

    worst = min(int(row["right"]) / int(row["windows"]) for row in rows)

    assert len(rows) == 3
    assert worst == pytest.approx(metrics["accuracy_worst_subject"])


def test_other_seeds_are_other_subjects_and_other_weights(
    grid: Staged, context: Context
) -> None:
    """The run's seed drives all of it, and nothing else does."""
    scales = {}
    for seed in (0, 1):
        ctx, _ = context("train", seed=seed, name=f"seed{seed}")
        size = sized("tiny", GRID, "cpu")
        split = train.proved(train.recorded(GRID, size, ctx), size, ctx)
        scales[seed] = split.scale.mean.tolist()

    found = trained.read(grid.ctx.out / "model.pt")

    assert found.scale.mean.tolist() == scales[1] != scales[0]
    assert found.config["architecture"]["seed"] == 1


def test_a_fixed_grid_can_take_the_codebook_s_place(grid: Staged) -> None:
    """240 codes, and the model is read back with them."""
    out = grid.ctx.out

    assert Codes.read(out / "codes.npz").n_codes == 240
    assert trained.read(out / "model.pt").config["architecture"]["levels"]
    assert grid.reports.metrics["usage"] > 0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"profile": "huge"}, "must be one of tiny, small, full"),
        ({"quantiser": "pq"}, "must be one of ema, fsq"),
        ({"precision": "int4"}, "must be one of float32, bfloat16, float16"),
        ({"processes": -1}, "must be 0 or more"),
        ({"processes": 3}, "batch is 16 for 3 processes"),
        ({"batch": 0}, "batch is 0: it must be 1 to 576"),
        ({"batch": 577}, "batch is 577: it must be 1 to 576"),
        ({"epochs": 0}, "epochs is 0: it must be 1 or more"),
        ({"width": 1}, "width is 1: it must be 2 or more"),
        ({"width": 400}, "use a smaller width"),
        ({"codes": 40000}, "files hold at most 32768"),
    ],
)
def test_wrong_params_are_refused_by_name(
    wrong: dict[str, Any], said: str, context: Context
) -> None:
    """With what is wanted instead."""
    ctx, _ = context("train", outputs=TRAINED)

    with pytest.raises(ValueError, match=said):
        train.run(train.Params(**{**QUICK, **wrong}), ctx)
