"""What one step computes: with and without the quantiser, in full or half precision."""

from __future__ import annotations

import pytest
import torch

from models.networks.objective import objective
from models.training.architecture import Architecture, built
from models.training.examination import examine, say
from tests.models.training import small


def test_a_course_sees_what_its_network_sees() -> None:
    """All of it, to the last bit; so what is trained is what is handed on."""
    course = small.course().eval()
    batch = small.unseen()

    mine, its = course.look(batch.windows), course.network(batch.windows)

    assert torch.equal(mine.codes, its.codes)
    assert torch.equal(mine.logits.window, its.logits.window)
    assert torch.equal(mine.reconstruction, its.reconstruction)
    assert torch.equal(course(batch).total, objective(its, *batch).total)


def test_an_open_course_leaves_the_quantiser_alone() -> None:
    """No code is begun, and the classifier sees the vectors themselves."""
    course = small.course()
    before = {n: t.clone() for n, t in course.network.quantiser.state_dict().items()}  # type: ignore[attr-defined]
    course.is_open = True

    seen = course.look(small.unseen().windows)

    assert torch.equal(seen.latent, seen.quantised)
    assert small.is_same(before, course.network.quantiser.state_dict())  # type: ignore[attr-defined]


def test_half_precision_is_near_single() -> None:
    """Losses stay single; 8 bits of a number are 0.4 % each, over some ten layers."""
    full, half = small.course(), small.course("bfloat16")
    full.is_open = half.is_open = True
    batch = small.unseen()

    one, other = full(batch), half(batch)

    assert other.total.dtype == torch.float32
    torch.testing.assert_close(one.total, other.total, rtol=0.05, atol=0.0)


def test_examining_changes_nothing() -> None:
    """Neither weights nor statistics nor whether it is training."""
    course = small.course().train()
    before = {n: t.clone() for n, t in course.network.state_dict().items()}

    examine(course, small.unseen())

    assert course.training
    assert small.is_same(before, course.network.state_dict())


def test_a_grade_is_what_a_plain_count_gives() -> None:
    """Of windows, frames and codes; what is not labelled does not count."""
    course, batch = small.course().eval(), small.unseen()
    batch.labels[0] = -1

    grade = examine(course, batch)
    said = say(course, batch.windows)

    known = batch.labels >= 0
    right = (said.logits.argmax(1) == batch.labels)[known].float().mean()
    assert grade.accuracy == pytest.approx(float(right))
    frames = (said.frames.argmax(1) == batch.frame_labels).float().mean()
    assert grade.frames == pytest.approx(float(frames))
    assert grade.usage == pytest.approx(
        len(set(said.codes.flatten().tolist())) / small.PLAN.codes
    )


def test_the_same_plan_gives_the_same_weights() -> None:
    """Whatever was drawn before; another seed gives others."""
    one = built(small.PLAN).state_dict()
    torch.randn(3)

    assert small.is_same(one, built(small.PLAN).state_dict())
    assert not small.is_same(one, built(small.PLAN._replace(seed=1)).state_dict())


def test_a_quantiser_nobody_knows_is_refused() -> None:
    """By name."""
    with pytest.raises(ValueError, match="must be one of ema, fsq"):
        built(Architecture(3, quantiser="pq"))
