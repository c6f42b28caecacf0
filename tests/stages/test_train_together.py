"""Several processes, started by torchrun as on a machine with several GPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages import train, trained
from stages.exchange import Logits
from stages.training.material import Material
from stages.training.session import Session
from stages.training.several import go_together
from tests.models.training import small
from tests.stages.conftest import TRAINED, Context


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_end_where_one_ends(context: Context) -> None:
    """36 steps of sums in another order; and what is handed on has the same form."""
    found = {}
    for processes in (1, 2):
        ctx, reports = context("train", outputs=TRAINED, name=f"by {processes}")
        train.run(
            train.Params(
                profile="tiny", epochs=1, subjects=4, width=4, processes=processes
            ),
            ctx,
        )
        found[processes] = (ctx, reports.metrics)

    (one, alone), (two, together) = found[1], found[2]
    assert together["processes"] == 2
    assert together["loss"] == pytest.approx(alone["loss"], rel=0.05)
    assert trained.read(two.out / "model.pt").labels
    shapes = [Logits.read(c.out / "logits.npz").logits.shape for c in (one, two)]
    assert shapes[0] == shapes[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_workers_that_fail_fail_the_stage(tmp_path: Path) -> None:
    """In one message; their own words are in the log, and their folder is gone."""
    uneven = small.RECIPE._replace(batch=15)
    session = Session(small.PLAN, uneven, "cpu", False, tmp_path)
    material = Material(small.series(), small.unseen())

    with pytest.raises(RuntimeError, match="2 processes could not learn together"):
        list(go_together(session, small.learner(uneven), material, 2))

    assert not any(tmp_path.iterdir())
