"""The stages of pipeline.yaml, each run for real with small numbers."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import gate
from pipeline.reading import spec
from pipeline.schema import Pipeline, Stage
from pipeline.stage import StageContext
from stages import tdd_gate
from stages.tdd_gate import Mutant

Tell = Callable[[dict[str, Any]], None]

ROOT = Path(__file__).resolve().parents[1]
SMALL: dict[str, dict[str, Any]] = {
    "vq_selftest": {"points": 512, "codes": 8, "centres": 6, "epochs": 3},
    "train": {"subjects": 3, "frames": 160, "codes": 12, "code_dim": 6}
    | {"epochs": 4, "batch": 32},
    "hdp_hsmm": {"states": 6, "max_duration": 20, "frames": 80, "sweeps": 6, "kept": 2},
    "export": {"golden": 50},
}
OTHERS = ("vq_selftest", "codebook_analysis", "hdp_hsmm", "calibration", "export")


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """Read the file users run."""
    return spec.load(ROOT / "pipeline.yaml")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A folder where stages run as a runner would run them, and what they told."""

    root: Path
    pipeline: Pipeline
    seed: int = 0
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    ticks: dict[str, list[list[float]]] = field(default_factory=dict)

    def run(
        self, name: str, params: dict[str, Any], heard: Tell | None = None
    ) -> dict[str, float]:
        """Run one stage and give its metrics."""
        stage = self.pipeline.stage(name)
        module = importlib.import_module(stage.run)
        self.metrics[name], self.ticks[name] = {}, []

        def tell(report: dict[str, Any]) -> None:
            self.metrics[name].update(report.get("metric", {}))
            self.ticks[name] += [report["tick"]] if "tick" in report else []
            if heard:
                heard(report)

        module.run(module.Params(**params), self.context(stage, tell))
        return self.metrics[name]

    def context(self, stage: Stage, tell: Tell) -> StageContext:
        """Give a stage its folders, as laid out on a box."""
        kinds = ("artifacts", "results", "kept")
        folders = [self.root / kind / stage.name for kind in kinds]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        return StageContext(
            stage=stage.name,
            inputs={
                str(ref): self.root / "artifacts" / str(ref) for ref in stage.inputs
            },
            outputs=frozenset(stage.outputs),
            out=folders[0],
            results=folders[1],
            checkpoint_dir=folders[2],
            seed=self.seed,
            tell=tell,
        )

    def files(self, name: str) -> dict[str, bytes]:
        """Give every file a stage would have sealed, by its path."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for kind in ("artifacts", "results")
            for path in sorted((self.root / kind / name).rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def site(tmp_path: Path, pipeline: Pipeline) -> Site:
    """A folder nothing has run in."""
    return Site(root=tmp_path, pipeline=pipeline)


def small_run(root: Path, pipeline: Pipeline, seed: int = 0) -> Site:
    """Run all stages but the first with small numbers."""
    done = Site(root=root, pipeline=pipeline, seed=seed)
    for name in ("train", *OTHERS):
        done.run(name, SMALL.get(name, {}))
    return done


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, pipeline: Pipeline) -> Site:
    """A small run, shared by the tests that only look at it."""
    return small_run(tmp_path_factory.mktemp("ran"), pipeline)


def test_the_seven_stages_have_their_names_and_order(pipeline: Pipeline) -> None:
    """As the design names them."""
    names = " ".join(stage.name for stage in pipeline.stages)

    assert names == (
        "tdd_gate vq_selftest train codebook_analysis hdp_hsmm calibration export"
    )


def test_every_stage_knows_the_params_it_is_given(pipeline: Pipeline) -> None:
    """A frozen Params with all defaults, made from what the file says."""
    for stage in pipeline.stages:
        kind = importlib.import_module(stage.run).Params

        assert kind(**stage.params) is not None
        assert kind.__dataclass_params__.frozen


@pytest.mark.parametrize("name", ["train", *OTHERS])
def test_a_stage_keeps_its_promises(ran: Site, name: str) -> None:
    """Each output was made, and each metric that is judged is a finite number."""
    stage = ran.pipeline.stage(name)

    for promised in stage.outputs:
        made = ran.root / "artifacts" / name / promised
        assert made.is_file() or any(made.iterdir())
    for rule in stage.gates:
        assert np.isfinite(ran.metrics[name][rule.metric])


def test_the_same_seed_gives_the_same_bytes(
    ran: Site, tmp_path: Path, pipeline: Pipeline
) -> None:
    """Every file of every stage: a seal of the same thing has the same tree."""
    again = small_run(tmp_path, pipeline)

    for name in ("train", *OTHERS):
        assert again.files(name) == ran.files(name)


def test_another_seed_gives_another_model(ran: Site, site: Site) -> None:
    """The seed reaches the simulation and the start."""
    other = Site(root=site.root, pipeline=site.pipeline, seed=1)

    other.run("train", SMALL["train"])

    model = "artifacts/train/model.npz"
    assert other.files("train")[model] != ran.files("train")[model]


@pytest.mark.parametrize("epoch", [1, 3, 4])
def test_training_that_was_cut_off_ends_with_the_same_bytes(
    ran: Site, site: Site, epoch: int
) -> None:
    """Stopped as an epoch is told, started again, finished."""

    def cut(report: dict[str, Any]) -> None:
        if report.get("tick", [0])[0] == epoch:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.run("train", SMALL["train"], cut)

    site.run("train", SMALL["train"])

    assert site.files("train") == ran.files("train")
    assert site.metrics["train"] == ran.metrics["train"]
    assert [done for done, _ in site.ticks["train"]] == list(range(epoch + 1, 5))


def test_a_torn_checkpoint_counts_as_none(ran: Site, site: Site) -> None:
    """Whatever its length, training starts anew and ends the same."""
    whole = (ran.root / "kept/train/learner.npz").read_bytes()
    kept = site.root / "kept/train/learner.npz"
    kept.parent.mkdir(parents=True)

    for length in (0, 1, 1000, len(whole) - 1):
        kept.write_bytes(whole[:length])
        site.run("train", SMALL["train"])

        assert site.files("train") == ran.files("train")
        assert len(site.ticks["train"]) == 4


def test_training_ticks_every_epoch_with_its_loss(ran: Site) -> None:
    """So that a live view has something to show."""
    assert ran.ticks["train"] == [[epoch, 4] for epoch in range(1, 5)]
    assert ran.ticks["hdp_hsmm"] == [[sweep, 6] for sweep in range(1, 7)]


def test_nobody_is_judged_who_was_learned_from(ran: Site) -> None:
    """The leak that gave the originals their 99.95 per cent: no frame, no logit."""
    with np.load(ran.root / "artifacts/train/logits.npz") as arrays:
        assert sorted(set(arrays["groups"].tolist())) == [1, 2]
        assert arrays["logits"].shape == (24, 160, 6)
    assert ran.metrics["train"]["leaks"] == 0


def test_a_bundle_says_what_was_run_and_what_was_not(ran: Site) -> None:
    """No form is claimed that nobody tried."""
    text = (ran.root / "artifacts/export/bundle/manifest.json").read_text()

    targets = json.loads(text)["targets"]

    assert targets.pop("numpy") == "ran"
    assert set(targets.values()) == {"pending"}


def test_every_mutant_still_fits_its_file(tmp_path: Path) -> None:
    """The line is there once; the broken one differs."""
    for mutant in tdd_gate.MUTANTS:
        text = (ROOT / "models" / mutant.file).read_text()
        copy = tmp_path / Path(mutant.file).name
        copy.write_text(text)

        tdd_gate.mutate(copy, mutant)

        assert copy.read_text() != text


def test_a_mutant_without_its_line_is_refused(tmp_path: Path) -> None:
    """A stale mutant must not count as proven."""
    path = tmp_path / "some.py"
    path.write_text("x = 1\nx = 1\n")

    for line, count in (("y = 1", 0), ("x = 1", 2)):
        mutant = Mutant("m", "some.py", line, "x = 2", "test_some.py")

        with pytest.raises(ValueError, match=f"found {count}"):
            tdd_gate.mutate(path, mutant)


def broken(line: str, into: str) -> Mutant:
    """Break a line of codebook.py."""
    return Mutant("some", "first/codebook.py", line, into, "test_codebook.py")


def test_a_harmless_change_survives_and_a_harmful_one_does_not() -> None:
    """The proof tells them apart."""
    line = "    return float((counts > 0).mean())"
    harmless = broken(line, "    return float((counts >= 1).mean())")
    harmful = broken(line, "    return float((counts >= 0).mean())")

    assert not tdd_gate.is_noticed(harmless, tdd_gate.Params())
    assert tdd_gate.is_noticed(harmful, tdd_gate.Params())


def test_a_mutant_that_cannot_be_imported_proves_nothing() -> None:
    """A syntax error fails every test, and says nothing of any."""
    mutant = broken("    return float((counts > 0).mean())", "    return (")

    with pytest.raises(ValueError, match="could not be run"):
        tdd_gate.is_noticed(mutant, tdd_gate.Params())


def test_failures_are_told_by_name(tmp_path: Path) -> None:
    """One test passes, one fails, one cannot be imported."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_one.py").write_text(
        "import unittest\n"
        "class One(unittest.TestCase):\n"
        "    def test_good(self): pass\n"
        "    def test_bad(self): assert 1 == 2\n"
    )
    (tmp_path / "tests/test_two.py").write_text("import nowhere_to_be_found\n")

    seen = tdd_gate.outcome(tmp_path, tdd_gate.Params(tests="tests"))

    assert seen.total == 3
    assert sorted(name.split(" ")[0] for name in seen.failed) == [
        "test_bad",
        "test_two",
    ]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_pipeline_passes_its_gates(site: Site) -> None:
    """With the params and thresholds that users get."""
    for stage in site.pipeline.stages:
        metrics = site.run(stage.name, dict(stage.params))

        assert gate.judge(stage.gates, metrics).failures == ()
