"""The stage writes a bundle that tells the truth, the same for the same network."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from models.networks.forbidden import forbidden
from models.networks.whole import Whole
from pipeline.artifact import survey
from pipeline.bundles import contents
from pipeline.bundles import manifest as manifests
from pipeline.bundles.manifest import Claim
from stages import trained
from stages.bundling import coreml, hailo
from stages.bundling.coreml import MISSING, NOT_RUN
from stages.bundling.words import summary
from tests.bundles.made import exported, inputs


def test_the_same_network_gives_the_same_tree(
    given: dict[str, Path], tmp_path: Path
) -> None:
    """Every byte that is sealed, but for the time that one window takes."""
    one, told = exported(tmp_path / "one", given, coreml=False)
    other, again = exported(tmp_path / "other", given, coreml=False)

    assert survey(one.parent) == survey(other.parent)
    assert survey(tmp_path / "one/results") == survey(tmp_path / "other/results")
    same = told.metrics.keys() - {"latency_ms", "latency_p99_ms"}
    assert {n: told.metrics[n] for n in same} == {n: again.metrics[n] for n in same}


def test_another_commit_makes_the_same_bundle(
    made: Path,
    given: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under the same hash; only who made it differs."""
    monkeypatch.setenv("PIPELINE_COMMIT", "f" * 40)

    other, _ = exported(tmp_path / "other", given)

    assert other.name == made.name
    before, now = survey(made), survey(other)
    differing = {name for name in before if before[name] != now[name]}
    assert differing == {contents.COMMIT, contents.MANIFEST}


@pytest.mark.parametrize(
    "kind",
    [{"quantiser": "fsq"}, pytest.param({"causal": True}, marks=pytest.mark.slow)],
    ids=str,
)
def test_every_kind_of_network_keeps_its_codes(
    tmp_path: Path, kind: dict[str, Any]
) -> None:
    """A grid as well as a codebook, causal as well as one that looks ahead."""
    given = inputs(tmp_path / "in", **kind)

    folder, told = exported(tmp_path, given, coreml=False)

    assert told.metrics["codes_differing"] == 0
    assert 0 <= told.metrics["parity"] < 1e-5
    assert manifests.read(folder).quantiser == kind.get("quantiser", "ema")


@pytest.mark.slow
def test_the_marks_are_met(tmp_path: Path) -> None:
    """At full width: parameters, size, and the time of one window on one thread."""
    given = inputs(tmp_path / "in", width=48)

    _, told = exported(tmp_path, given, coreml=False)

    assert told.metrics["parameters"] <= 313_000
    assert told.metrics["onnx_bytes"] <= 10_000_000
    assert 0 < told.metrics["latency_ms"] <= 10


def test_no_graph_holds_what_the_rules_bar(made: Path) -> None:
    """Neither the whole nor the encoder; both are static, and of standard operators."""
    for name in (contents.MODEL, contents.ENCODER):
        model = onnx.load(made / name)
        onnx.checker.check_model(model, full_check=True)
        assert forbidden(model) == ()
        assert {one.domain for one in model.opset_import} == {""}


def test_what_did_not_run_is_not_called_so(made: Path) -> None:
    """CoreML is converted where its tools are; a HEF is pending."""
    claims = manifests.read(made).targets

    converted = Claim(state="converted", said=NOT_RUN)
    pending = Claim(state="pending", said=MISSING)
    has_tools = importlib.util.find_spec("coremltools") is not None
    assert claims["coreml"] == (converted if has_tools else pending)
    assert (made / contents.COREML).is_dir() is has_tools
    assert claims["hailo"] == Claim(state="pending", said=hailo.MISSING)
    assert claims["onnx"].state == "ran"


def test_without_its_tools_there_is_no_package(
    given: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None stands for a package that is not installed; the others are as ever."""
    monkeypatch.setitem(sys.modules, "coremltools", None)

    folder, _ = exported(tmp_path, given)

    pending = Claim(state="pending", said="coremltools is not installed")
    assert manifests.read(folder).targets["coreml"] == pending
    assert not (folder / contents.COREML).exists()


def test_a_package_of_another_network_is_none(
    made: Path, given: dict[str, Path]
) -> None:
    """Every weight must lie in it; shapes alone would say nothing."""
    network, scale, *_ = trained.read(given["train/model.pt"])
    whole = Whole(network, scale, 1.3)
    coreml.check(whole, made / contents.COREML)
    with torch.no_grad():
        next(whole.encoder.parameters()).mul_(1.001)

    with pytest.raises(
        ValueError, match=r"does not hold encoder\.body\.0\.conv\.weight"
    ):
        coreml.check(whole, made / contents.COREML)


def test_a_tool_that_fails_costs_the_package_and_no_more(
    given: dict[str, Path], tmp_path: Path
) -> None:
    """What it said is said; nothing is left of what it made."""
    network, scale, *_ = trained.read(given["train/model.pt"])
    whole = Whole(network, scale, 1.3)
    whole.mean = torch.zeros(1, 3, 2, 1)

    claim = coreml.convert(whole, tmp_path / "made.mlpackage")

    assert claim.state == "pending"
    assert claim.said.startswith("coremltools failed: The size of tensor a (9) must")
    assert not (tmp_path / "made.mlpackage").exists()


def test_the_summary_says_what_was_run_and_what_was_not(made: Path) -> None:
    """In words, for the report."""
    said = summary(manifests.read(made))

    assert "onnx    0 of 800 codes differ, logits by" in said
    assert "cut     at 'latent', before Transpose 'codes/frames'; 8 operators" in said
    assert f"hailo   {hailo.MISSING}" in said
    assert max(map(len, said.splitlines())) < 100


def test_tables_say_what_ran_and_what_is_refused(tmp_path: Path, made: Path) -> None:
    """One line for each way, target and kind of operator; for the report."""
    results = made.parents[1] / "results"
    told = {
        path.stem: [line.split(",") for line in path.read_text().splitlines()]
        for path in results.glob("*.csv")
    }

    assert [row[:4] for row in told["parity"][1:]] == [
        ["model.onnx in onnxruntime", "8", "800", "0"],
        ['"encoder.onnx', ' host_decode.py"', "8", "800"],
    ]
    assert {row[0]: row[1] for row in told["targets"]}["hailo"] == "pending"
    operators = {row[0]: row[1:] for row in told["operators"]}
    assert operators["ArgMax"] == ["1", "0", "no"]
    assert operators["Conv"] == ["13", "11", "yes"]


def test_the_decoder_runs_on_a_device_with_numpy_alone(bundle: Path) -> None:
    """As it lies in the bundle, by itself; it notices when a number is another."""
    program = [sys.executable, "-I", "-B", str(bundle / contents.DECODER)]

    well = subprocess.run(program, capture_output=True, text=True, check=False)
    with np.load(bundle / contents.GOLDEN) as held:
        now = {**held, "logits": held["logits"] + 1.0}
    np.savez(bundle / contents.GOLDEN, **now)
    badly = subprocess.run(program, capture_output=True, text=True, check=False)

    assert (well.returncode, badly.returncode) == (0, 1), well.stderr
    assert well.stdout.startswith("8 windows, 0 of 800 codes differ, logits by ")


def test_calibration_windows_are_what_the_encoder_takes(made: Path) -> None:
    """In standard units, as many as there were."""
    windows = np.load(made / contents.CALIBRATION)

    assert windows.shape == (16, 9, 2, 100)
    assert windows.dtype == np.float32
    assert np.abs(windows.mean()) < 0.1
    assert 0.9 < windows.std() < 1.1


COMPILER = """\
class ClientRunner:
    def __init__(self, hw_arch): self.arch = hw_arch
    def translate_onnx_model(self, path, name): self.size = len(open(path, "rb").read())
    def optimize(self, windows): assert windows.shape == (16, 2, 100, 9), windows.shape
    def compile(self): {last}
"""


@pytest.mark.parametrize(
    ("last", "state", "said"),
    [
        ("return b'HEF ' + self.arch.encode()", "compiled", hailo.NOT_RUN),
        ("raise ValueError('no room on the chip')", "pending", "no room on the chip"),
        ("return b''", "compiled", hailo.NOT_RUN),
    ],
    ids=["makes one", "fails", "makes an empty one"],
)
def test_the_compiler_of_the_vendor_is_called_where_it_is(
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    last: str,
    state: str,
    said: str,
) -> None:
    """A stand-in for it on the path is called by the hook, with what it wants."""
    place = tmp_path / "sdk"
    place.mkdir()
    (place / "hailo_sdk_client.py").write_text(COMPILER.format(last=last))
    monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", str(place))

    claim = hailo.compiled(bundle)

    assert claim.state == state
    assert said in claim.said
    assert (bundle / contents.HEF).exists() is (state == "compiled")


def test_nothing_is_left_of_a_draft(made: Path) -> None:
    """The folder of the stage holds the bundle, and what points at it."""
    there = sorted(path.name for path in made.parent.iterdir())

    assert there == sorted([made.name, "bundle.json"])
    assert json.loads((made.parent / "bundle.json").read_text()) == {"hash": made.name}
