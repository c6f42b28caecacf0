"""The stage that finds behaviours: right where truth is known, else honest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from stages import hdp_hsmm
from stages.exchange import Codes
from stages.hdp_hsmm import Params
from tests.stages.conftest import Staged, staged
from tests.stages.scribed import LABELS, recorded, scribe

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ("raster.png", "durations.png", "evidence.png", "convergence.png")
QUICK = Params(profile="tiny", states=8)
ALONE = Params(profile="tiny", states=4, chains=1, sweeps=8)


def ran(root: Path, codes: Codes, params: Params = QUICK) -> Staged:
    """Run the stage on these codes."""
    it = staged(root, "hdp_hsmm", scribe(root / "train", codes), ("states.npz",))
    hdp_hsmm.run(params, it.ctx)
    return it


def files(it: Staged) -> dict[str, bytes]:
    """Give all that would be sealed."""
    folders = (it.ctx.out, it.ctx.results)
    return {p.name: p.read_bytes() for f in folders for p in sorted(f.iterdir())}


@pytest.fixture(scope="module", name="done")
def _done(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Let one run be looked at by many."""
    return ran(tmp_path_factory.mktemp("done"), recorded())


def test_behaviours_that_codes_tell_apart_are_found(done: Staged) -> None:
    """On recordings that were not sampled over, without a label in the fit."""
    told = done.reports.metrics

    assert told["nmi"] > 0.9
    assert told["change_f1"] > 0.95
    assert told["accuracy_named"] > 0.95
    assert told["occupied"] == len(LABELS)
    assert told["held_out"] == 1


def test_labels_never_touch_the_fit(done: Staged, tmp_path: Path) -> None:
    """Without any, the states of every frame are the same to the bit."""
    codes = recorded()
    blind = codes._replace(truth=np.full_like(codes.truth, -1))

    found = ran(tmp_path, blind)

    with (
        np.load(found.ctx.out / "states.npz") as a,
        np.load(done.ctx.out / "states.npz") as b,
    ):
        assert np.array_equal(a["states"], b["states"])
        assert set(a["names"]) == {"unnamed"}
    assert "nmi" not in found.reports.metrics
    assert np.isfinite(found.reports.metrics["gain"])


def test_duration_and_evidence_are_told(done: Staged) -> None:
    """Order is worth much over a bag; every number is one that a gate can read."""
    told = done.reports.metrics

    assert 0.0 <= told["duration_error"] < 0.2
    assert told["gain"] > 0.5
    assert told["log_evidence"] == pytest.approx(
        told["gain"] + told["log_evidence_bag"]
    )
    assert told["occupied_low"] <= told["occupied"] <= told["occupied_high"]
    assert all(np.isfinite(value) for value in told.values())


def test_each_frame_has_a_state_and_its_probability(done: Staged) -> None:
    """Recording by recording, in code frames, with a name for every state."""
    with np.load(done.ctx.out / "states.npz") as arrays:
        states, probability = arrays["states"], arrays["probability"]
        names = arrays["names"]

    assert states.shape == probability.shape == recorded().codes.shape
    assert states.max() < len(names)
    assert (probability[states >= 0] > 0.0).all()
    assert probability.max() <= 1.0 + 1e-6
    assert set(LABELS) <= set(names)


def test_figures_are_drawn_and_states_described(done: Staged) -> None:
    """A reader finds pictures, and what each state is like."""
    rows = json.loads((done.ctx.results / "states.json").read_text())

    for name in FIGURES:
        assert (done.ctx.results / name).read_bytes().startswith(b"\x89PNG")
    named = [row["name"] for row in rows if row["is_occupied"]]
    assert sorted(named) == sorted(LABELS)
    assert all(row["top_codes"] for row in rows if row["is_occupied"])


def test_it_is_told_whether_the_chains_have_met(done: Staged) -> None:
    """In a number, and in plain words that agree with it."""
    met = json.loads((done.ctx.results / "convergence.json").read_text())

    assert met["r_hat"] == done.reports.metrics["r_hat"]
    assert ("have not met" in met["said"]) == (met["r_hat"] > 1.01)
    last = done.reports.ticks[-1]
    assert last["tick"] == [20, 20]
    assert set(last["numbers"]) == {"log_evidence", "occupied"}


def test_a_single_short_recording_is_enough_to_end_well(tmp_path: Path) -> None:
    """All is judged on the recording itself, and that is said."""
    whole = recorded(300, ("test",))
    rows = ("codes", "truth", "lengths", "part", "subject", "recording")
    one = whole._replace(**{name: getattr(whole, name)[:1] for name in rows})

    found = ran(tmp_path, one, ALONE)

    assert found.reports.metrics["held_out"] == 0
    agreed = json.loads((found.ctx.results / "agreement.json").read_text())
    assert "sampled over" in agreed["judged_on"]


def test_codes_that_never_change_are_one_state(tmp_path: Path) -> None:
    """Nothing to find is found as nothing, and no number is invented."""
    codes = recorded(400)
    still = codes._replace(
        codes=np.minimum(codes.codes, 0), truth=np.minimum(codes.truth, 0)
    )

    found = ran(tmp_path, still, ALONE)

    assert found.reports.metrics["words"] == 1
    assert found.reports.metrics["accuracy_named"] > 0.99


def test_behind_a_recordings_end_there_is_no_state(done: Staged) -> None:
    """Recordings are of many lengths, some of them not of whole steps."""
    codes = recorded()

    with np.load(done.ctx.out / "states.npz") as arrays:
        assert np.array_equal(arrays["states"] < 0, codes.codes < 0)


def test_a_profile_nobody_knows_is_refused(tmp_path: Path) -> None:
    """By name, with those there are."""
    with pytest.raises(ValueError, match=r"'huge'.*tiny, small, full"):
        ran(tmp_path, recorded(300), Params(profile="huge"))


def test_killed_between_sweeps_it_ends_with_the_same_bytes(
    done: Staged, tmp_path: Path
) -> None:
    """SIGKILL of the stage; its chains end with it, and go on where they stood."""
    places = scribe(tmp_path / "train", recorded())
    code = (
        "import sys; from pathlib import Path;"
        "from tests.stages.conftest import staged; from stages import hdp_hsmm;"
        "root = Path(sys.argv[1]);"
        "names = ('codes.npz', 'model.pt');"
        "places = {f'train/{n}': root / 'train' / n for n in names};"
        "it = staged(root, 'hdp_hsmm', places, ('states.npz',));"
        "hdp_hsmm.run(hdp_hsmm.Params(profile='tiny', states=8), it.ctx)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
    until(lambda: list(tmp_path.glob("checkpoints/*/chain-0.npz")))
    os.kill(child.pid, signal.SIGKILL)
    child.wait()

    again = staged(tmp_path, "hdp_hsmm", places, ("states.npz",))
    hdp_hsmm.run(QUICK, again.ctx)

    assert files(again) == files(done)


def until(true: object, seconds: float = 40.0) -> None:
    """Wait until something is so."""
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
