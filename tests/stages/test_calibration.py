"""Calibration: fitted on some subjects, judged on others, and what of it is known."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.calibration.interval import Measures
from models.calibration.reliability import Diagram
from stages import calibration, exchange
from stages.account import plain
from stages.calibration import Params, known
from stages.exchange import Logits
from stages.judging.fitted import Fitted
from stages.judging.judged import Policy, judge
from stages.judging.telling import FILLED, account, worst
from tests.stages.conftest import Reports, staged

FIGURES = {"reliability.png", "confidence.png", "conformal.png", "selective.png"}
HOT = 2.5
NOTHING_FITTED = Fitted(1.0, at_bound=False, limits={}, windows=0, subjects=0)


def logits() -> Logits:
    """Windows of 16 subjects, whose truth follows softmax(logits / HOT).

    Behaviours come in bouts of four windows; K = 4.
    """
    rng = np.random.default_rng(0)
    n_subjects, n_windows, n_classes = 16, 120, 4
    bouts = rng.integers(n_classes, size=(n_subjects, n_windows // 4))
    leaning = 2.0 * np.eye(n_classes)[np.repeat(bouts, 4, axis=1).ravel()]
    cold = leaning + rng.normal(size=leaning.shape)
    probs = np.exp(cold) / np.exp(cold).sum(axis=1, keepdims=True)
    truth = (probs.cumsum(axis=1) <= rng.random((len(probs), 1))).sum(axis=1)
    subject = np.repeat([f"subject {n:02}" for n in range(n_subjects)], n_windows)
    part = np.repeat(["validate", "calibrate", "test"], [n_windows, 7 * 120, 8 * 120])
    start = np.tile(50 * np.arange(n_windows), n_subjects)
    return Logits(
        (HOT * cold).astype(np.float32),
        truth.astype(np.int16),
        part,
        subject,
        subject,
        start,
        100,
        50,
        100.0,
        np.array(["sit", "walk", "trot", "shake"]),
    )


def judged(root: Path, it: Logits, **params: Any) -> Reports:
    """Run the stage on logits."""
    root.mkdir(parents=True, exist_ok=True)
    exchange.write(root / "logits.npz", it)
    given = {"train/logits.npz": root / "logits.npz"}
    ctx, reports = staged(root, "calibration", given, ("calibration.json",))
    calibration.run(Params(**params), ctx)
    return reports


def read(root: Path, name: str) -> dict[str, Any]:
    """Read an output or a result."""
    found: dict[str, Any] = json.loads((root / name).read_text())
    return found


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Reports]:
    """The stage, run once."""
    root = tmp_path_factory.mktemp("calibration")
    return root, judged(root, logits())


def test_the_temperature_is_found_again(once: tuple[Path, Reports]) -> None:
    """And with it probabilities of unseen subjects mean what they say."""
    told = once[1].metrics

    assert told["temperature"] == pytest.approx(HOT, rel=0.1)
    assert told["ece_before"] > 0.1
    assert told["ece"] < 0.05
    assert told["nll"] < told["nll_before"]


def test_sets_hold_the_truth_as_often_as_was_asked(once: tuple[Path, Reports]) -> None:
    """Within what 960 windows can tell: three standard errors."""
    told = once[1].metrics

    for ending in ("", "_aps", "_by_class"):
        assert told[f"coverage{ending}"] > 0.9 - 3 * (0.1 * 0.9 / 960) ** 0.5
    assert told["coverage_worst_subject"] <= told["coverage"]
    assert 1 <= told["set_size"] < 4


def test_too_few_subjects_for_a_promise_have_every_class(
    once: tuple[Path, Reports],
) -> None:
    """Seven subjects cannot bound a tenth of an eighth: the limit is null, not bent."""
    root, reports = once

    assert read(root, "out/calibration.json")["limits"]["by_subject"] is None
    assert reports.metrics["set_size_by_subject"] == 4
    assert read(root, "results/report.json")["conformal"]["by_subject"][
        "too_few_to_fit"
    ]


def test_the_largest_gap_is_told_with_the_windows_of_its_bin() -> None:
    """A bin of one window is surely far off; the largest of filled bins is told too."""
    edges, frames = np.linspace(0, 1, 4), np.array([0, 1, 40])
    right = Measures(np.array([np.nan, 1.0, 0.9]), np.zeros(3), np.ones(3))
    diagram = Diagram(edges, frames, np.array([np.nan, 0.4, 0.85]), right)

    assert worst(diagram, 1) == pytest.approx((0.6, 1))
    assert worst(diagram, FILLED) == pytest.approx((0.05, 40))
    assert worst(diagram, 41) == pytest.approx((np.nan, 0), nan_ok=True)


@pytest.mark.parametrize("bins", [0, -3, 10**6])
def test_bins_that_cannot_be_are_refused(tmp_path: Path, bins: int) -> None:
    """Before anything is read; a million would fill the memory of the machine."""
    with pytest.raises(ValueError, match=f"bins is {bins}: it must be from 1 to 1000"):
        judged(tmp_path, logits(), bins=bins)


def test_smoothing_helps_where_behaviours_last(once: tuple[Path, Reports]) -> None:
    """Labels that are drawn at random in each window flicker; here leanings last."""
    table = list(
        csv.DictReader((once[0] / "results/table.csv").read_text().splitlines())
    )

    done = {row["done"] for row in table if row["metric"] == "accuracy"}
    assert done == {"before", "temperature", "posterior", "median"}
    assert all(float(r["low"]) <= float(r["value"]) <= float(r["high"]) for r in table)


def test_what_export_needs_is_an_output(once: tuple[Path, Reports]) -> None:
    """And all else are results: nothing is written anywhere else."""
    root, _ = once
    files = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}

    results = {f"results/{name}" for name in FIGURES | {"report.json", "table.csv"}}
    assert files == {"logits.npz", "out/calibration.json"} | results
    assert read(root, "out/calibration.json")["temperature"] == pytest.approx(HOT, 0.1)


def test_the_same_logits_make_the_same_bytes(
    once: tuple[Path, Reports], tmp_path: Path
) -> None:
    """Figures, tables and accounts."""
    judged(tmp_path, logits())

    for path in (p for p in tmp_path.rglob("*") if p.is_file()):
        twin = once[0] / path.relative_to(tmp_path)
        assert path.read_bytes() == twin.read_bytes(), path.name


def test_calibration_subjects_alone_decide_what_is_fitted(
    once: tuple[Path, Reports], tmp_path: Path
) -> None:
    """Other logits, and no truth, of test and validation subjects change nothing."""
    it = logits()
    is_other = it.part != "calibrate"
    it.logits[is_other] *= -1.0
    it.truth[is_other] = -1

    judged(tmp_path, it)

    ours, twin = (root / "out/calibration.json" for root in (tmp_path, once[0]))
    assert ours.read_bytes() == twin.read_bytes()


def test_without_truth_of_test_subjects_nothing_is_judged(tmp_path: Path) -> None:
    """The temperature is there, and how sure the model is."""
    it = logits()
    truth = np.where(it.part == "test", -1, it.truth).astype(np.int16)

    told = judged(tmp_path, it._replace(truth=truth))

    assert told.metrics == {"temperature": pytest.approx(HOT, rel=0.1), "judged": 0}
    assert "nothing is judged" in str(read(tmp_path, "results/report.json")["missing"])
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {"report.json", "confidence.png"}


def test_without_truth_to_fit_on_logits_stay_as_they_are(tmp_path: Path) -> None:
    """Test subjects are judged as the model left them; no set is made up."""
    told = judged(tmp_path, logits().of("validate", "test")).metrics

    assert (told["temperature"], told["judged"]) == (1.0, 1)
    assert told["ece"] == told["ece_before"]
    assert "coverage" not in told


def test_windows_of_unknown_truth_are_left_out() -> None:
    """Each second one is; the others are judged as before."""
    it = logits().of("test")
    it.truth[1::2] = -1

    found = judge(it, NOTHING_FITTED, Policy(("median",), 2, 3), n_bins=15)

    assert {report.n_frames for report in found.reports.values()} == {480}


def test_a_behaviour_that_no_test_subject_shows_is_named() -> None:
    """It is left out of the mean F1, which is of the others."""
    it = logits().of("test")
    it.logits[:, 3] = -100.0
    it.truth[it.truth == 3] = -1

    found = judge(it, NOTHING_FITTED, Policy((), 2, 3), n_bins=15)

    said = account(found, NOTHING_FITTED, it)
    assert found.reports["before"].absent == (3,)
    assert plain(said)["reports"]["before"]["absent"] == ["shake"]
    assert found.reports["before"].macro_f1.value > 0.5


def test_one_window_can_be_judged(tmp_path: Path) -> None:
    """Its intervals are all that is possible, and every figure is there."""
    it = logits()
    it.truth[np.flatnonzero(it.part == "test")[1:]] = -1

    judged(tmp_path, known(it))

    report = read(tmp_path, "results/report.json")["reports"]["temperature"]
    assert (report["accuracy"]["low"], report["accuracy"]["high"]) == (0.0, 1.0)
    assert {p.name for p in (tmp_path / "results").glob("*.png")} == FIGURES


def test_logits_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """By the name of the file, before anything is written."""
    it = logits()
    it.logits[7, 2] = np.nan

    with pytest.raises(ValueError, match=r"logits\.npz .* logits are not finite"):
        judged(tmp_path, it)

    assert not list((tmp_path / "out").iterdir())


def test_a_smoothing_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="it must be one of posterior, median"):
        judged(tmp_path, logits(), smoothing="mode")
