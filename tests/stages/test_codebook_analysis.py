"""The analysis of a codebook: with all there is, with less, and with nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.leakage.scale import Scale
from models.training.architecture import Architecture, built
from stages import codebook_analysis, exchange, trained
from stages.codebook_analysis import Params
from stages.exchange import Codes
from tests.stages.conftest import Reports, staged

CODES, MODEL = "train/codes.npz", "train/model.pt"
PICTURE = "codebook_visualization.png"


def codes(*, n_codes: int = 32) -> Codes:
    """Six subjects; codes 8 b .. 8 b + 7 are of behaviour b, nine times in ten."""
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.integers(4, size=(6, 40)), 10, axis=1)
    other = rng.integers(4, size=truth.shape)
    shown = np.where(rng.random(truth.shape) < 0.9, truth, other)
    spoken = 8 * shown + rng.integers(8, size=truth.shape)
    names = np.array([f"subject {n}" for n in range(6)])
    part = np.array(["train"] * 3 + ["calibrate"] + ["test"] * 2)
    labels = np.array(["sit", "walk", "trot", "shake"])
    lengths = np.full(6, 400)
    return Codes(
        spoken.astype(np.int16),
        truth.astype(np.int16),
        lengths,
        part,
        names,
        names,
        n_codes,
        100.0,
        labels,
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with a codebook of 32, as it was built."""
    plan = Architecture(behaviours=4, codes=32)
    return as_built(tmp_path_factory.mktemp("model") / "model.pt", plan)


def as_built(path: Path, plan: Architecture) -> Path:
    """Write a network that learned nothing, and give where."""
    config = {"architecture": {**plan._asdict(), "levels": list(plan.levels)}}
    scale = Scale(np.zeros((9, 2)), np.ones((9, 2)), "rows")
    labels = ("sit", "walk", "trot", "shake")
    trained.write(path, trained.Trained(built(plan), scale, labels, 100.0, config))
    return path


def written(path: Path, it: Codes) -> Path:
    """Write codes, and give where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exchange.write(path, it)
    return path


def analysed(root: Path, **inputs: Path) -> Reports:
    """Run the stage on some inputs, `codes` and `model`."""
    refs = {"codes": CODES, "model": MODEL}
    given = {refs[name]: path for name, path in inputs.items()}
    ctx, reports = staged(root, "codebook_analysis", given)
    codebook_analysis.run(codebook_analysis.Params(), ctx)
    return reports


def account(root: Path) -> dict[str, object]:
    """Read what was found."""
    found: dict[str, object] = json.loads(
        (root / "results" / "codebook_analysis.json").read_text()
    )
    return found


def names(root: Path) -> set[str]:
    """Name every file that was written."""
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, model: Path) -> tuple[Path, Reports]:
    """The stage, run once on all that it can have."""
    root = tmp_path_factory.mktemp("analysis")
    given = written(root.parent / f"{root.name}.npz", codes())
    return root, analysed(root, codes=given, model=model)


def test_all_is_told_of_codes_and_their_model(once: tuple[Path, Reports]) -> None:
    """On unseen subjects: nine frames in ten are named rightly, and some by chance."""
    root, told = once

    assert told.metrics["analysed"] == 2
    assert told.metrics["usage"] == 1.0
    assert told.metrics["purity"] == pytest.approx(0.925, abs=0.03)
    assert 25 < told.metrics["perplexity"] < told.metrics["perplexity_seen"] <= 32
    assert account(root)["missing"] == []


def test_nothing_is_written_but_results(once: tuple[Path, Reports]) -> None:
    """The tables are whole: a row for each subject, code and cluster."""
    tables = {"subjects.csv": 6, "codes.csv": 32}
    wanted = {*tables, "clusters.csv", "codebook_analysis.json", PICTURE}

    assert names(once[0]) == {f"results/{name}" for name in wanted}
    for name, count in tables.items():
        assert len((once[0] / "results" / name).read_text().splitlines()) == count + 1


def test_the_same_codes_make_the_same_bytes(
    once: tuple[Path, Reports], tmp_path: Path, model: Path
) -> None:
    """Figure, tables and account."""
    analysed(tmp_path, codes=written(tmp_path / "in/c.npz", codes()), model=model)

    for path in (tmp_path / "results").iterdir():
        assert path.read_bytes() == (once[0] / "results" / path.name).read_bytes()


def test_without_a_model_codes_are_told_of(tmp_path: Path) -> None:
    """The model was named and is gone: that is said, and there is no 2-D view."""
    given = written(tmp_path / "c.npz", codes())

    told = analysed(tmp_path / "run", codes=given, model=tmp_path / "gone.pt")

    assert told.metrics["analysed"] == 1
    assert "clusters" not in told.metrics
    assert account(tmp_path / "run")["missing"] == [
        "train/model.pt is not there: nothing is said of where codes lie"
    ]
    assert f"results/{PICTURE}" in names(tmp_path / "run")


def test_without_codes_the_vectors_are_told_of(tmp_path: Path, model: Path) -> None:
    """Where they lie, and nothing of their use."""
    told = analysed(tmp_path, model=model)

    assert told.metrics["analysed"] == 1
    assert set(told.metrics) == {"analysed", "clusters", "dimensions"}
    assert f"results/{PICTURE}" in names(tmp_path)


def test_the_codes_of_a_fixed_grid_have_vectors_too(tmp_path: Path) -> None:
    """Those that they are expanded to: every quantiser can be asked."""
    path = as_built(tmp_path / "model.pt", Architecture(4, quantiser="fsq"))

    vectors = codebook_analysis.codebook(path)

    assert vectors.shape == (240, 64)
    assert len(np.unique(vectors, axis=0)) == 240


def test_without_anything_there_is_no_figure(tmp_path: Path) -> None:
    """It ends well, and says what is missing; noise is never drawn."""
    told = analysed(tmp_path)

    assert told.metrics == {"analysed": 0}
    assert names(tmp_path) == {"results/codebook_analysis.json"}


def test_without_truth_use_is_told_and_meaning_is_not(
    tmp_path: Path, model: Path
) -> None:
    """Nobody labelled any frame."""
    it = codes()
    unlabelled = it._replace(truth=np.full_like(it.truth, -1))

    told = analysed(
        tmp_path, codes=written(tmp_path / "in/c.npz", unlabelled), model=model
    )

    assert "purity" not in told.metrics
    assert told.metrics["usage"] == 1.0
    assert "truth is not known on both train and test" in str(
        account(tmp_path)["missing"]
    )


def test_without_test_subjects_only_the_seen_are_told_of(tmp_path: Path) -> None:
    """No number of unseen subjects is made up."""
    seen = codes().of("train")

    told = analysed(tmp_path, codes=written(tmp_path / "in/c.npz", seen))

    assert "usage_seen" in told.metrics
    assert "usage" not in told.metrics


def test_one_frame_of_one_code_is_enough(tmp_path: Path) -> None:
    """Nothing divides by what is not there."""
    one = codes().of("test")
    one = one._replace(
        codes=np.zeros((2, 1), np.int16),
        truth=np.zeros((2, 1), np.int16),
        lengths=np.array([1, 0]),
    )
    one.codes[1] = -1

    told = analysed(tmp_path, codes=written(tmp_path / "in/c.npz", one))

    assert told.metrics["perplexity"] == 1.0


@pytest.mark.parametrize(
    ("name", "message"),
    [("codes", "does not hold Codes"), ("model", "holds no trained model")],
)
def test_a_wrong_file_is_refused_by_its_name(
    tmp_path: Path, name: str, message: str
) -> None:
    """It is not taken for one that is missing."""
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(b"nothing of the kind")

    with pytest.raises(ValueError, match=rf"wrong\.bin {message}"):
        analysed(tmp_path, **{name: wrong})


def test_codes_of_another_model_are_refused(tmp_path: Path, model: Path) -> None:
    """Two runs of train were mixed up."""
    other = written(tmp_path / "c.npz", codes(n_codes=64))

    with pytest.raises(ValueError, match=r"has 64 codes and train/model\.pt has 32"):
        analysed(tmp_path, codes=other, model=model)


@pytest.mark.parametrize("params", [Params(drawn=1), Params(clusters=0)])
def test_too_few_to_draw_or_to_find_are_refused(tmp_path: Path, params: Params) -> None:
    """By the name of the parameter, before anything is read."""
    ctx = staged(tmp_path, "codebook_analysis").ctx

    with pytest.raises(ValueError, match=r"(drawn is 1|clusters is 0): wanted \d or"):
        codebook_analysis.run(params, ctx)
