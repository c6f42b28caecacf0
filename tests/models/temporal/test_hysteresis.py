"""What was entered is left only for something clearly better."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models import chance
from models.shapes import Array
from models.temporal.hysteresis import hysteresis
from models.temporal.runs import transitions


def slow_hysteresis(frames: Array, enter: float, leave: float) -> list[int]:
    """Follow the definition, frame by frame."""
    state, out = int(frames[0].argmax()), []
    for p in frames:
        top = int(p.argmax())
        if p[state] < leave and p[top] >= enter:
            state = top
        out.append(state)
    return out


@pytest.mark.parametrize(("enter", "leave"), [(0.6, 0.4), (0.5, 0.5), (0.3, 0.2)])
def test_it_is_the_definition(enter: float, leave: float) -> None:
    """For random rows; and with thresholds at which many frames must be asked."""
    frames = chance.stream(1, "hysteresis").dirichlet([0.7, 0.7, 0.7], size=(20, 200))

    found = hysteresis(frames, enter=enter, leave=leave)

    wanted = [slow_hysteresis(row, enter, leave) for row in frames]
    np.testing.assert_array_equal(found, wanted)


def test_it_holds_for_every_short_sequence() -> None:
    """Over a grid of probabilities: the definition, and never one transition more."""
    grid = np.array([[0.1, 0.9], [0.45, 0.55], [0.55, 0.45], [0.9, 0.1], [0.5, 0.5]])
    frames = grid[np.array(list(itertools.product(range(5), repeat=5)))]

    found = hysteresis(frames, enter=0.55, leave=0.5)

    wanted = [slow_hysteresis(row, 0.55, 0.5) for row in frames]
    np.testing.assert_array_equal(found, wanted)
    assert (transitions(found) <= transitions(frames.argmax(axis=2))).all()


def test_what_wavers_between_the_thresholds_changes_nothing() -> None:
    """A plain argmax would switch at each frame."""
    one = np.array([0.9, 0.45, 0.55, 0.45, 0.55, 0.1, 0.45, 0.55, 0.7])

    found = hysteresis(np.stack([one, 1.0 - one], axis=1), enter=0.6, leave=0.4)

    np.testing.assert_array_equal(found, [0, 0, 0, 0, 0, 1, 1, 1, 0])


@settings(deadline=None)
@given(data=st.data())
def test_rows_and_labels_do_not_disturb_each_other(data: st.DataObject) -> None:
    """Ragged rows are as if alone; renaming the labels renames the answer."""
    shape = data.draw(st.tuples(st.integers(0, 4), st.integers(0, 9), st.just(3)))
    frames = data.draw(
        hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))
    )
    frames = frames + np.array([0.0, 1e-3, 2e-3])  # no ties
    frames /= frames.sum(axis=2, keepdims=True)
    lengths = data.draw(
        hnp.arrays(np.int64, shape[0], elements=st.integers(0, shape[1]))
    )
    turn = np.array([2, 0, 1])

    found = hysteresis(frames, lengths)
    turned = hysteresis(frames[..., turn], lengths)

    for row, length, labels, names in zip(frames, lengths, found, turned, strict=True):
        np.testing.assert_array_equal(labels[:length], hysteresis(row[:length]))
        np.testing.assert_array_equal(turn[names[:length]], labels[:length])
        assert not labels[length:].any()


REFUSED: tuple[tuple[str, Any, dict[str, Any], str], ...] = (
    ("shape", np.zeros(3), {}, r"shape \(3,\)"),
    ("type", np.full((2, 2), "a"), {}, "type <U1"),
    ("nan", np.array([[0.5, np.nan]]), {}, "nan at row 0, frame 0, label 1"),
    ("log", np.array([[-0.5, 0.2]]), {}, "-0.5 at row 0, frame 0, label 0"),
    ("order", np.ones((1, 1)), {"enter": 0.3, "leave": 0.4}, "leave is 0.4 and enter"),
    ("zero", np.ones((1, 1)), {"leave": 0.0}, "wanted 0 < leave"),
)


@pytest.mark.parametrize(
    ("frames", "options", "says"),
    [row[1:] for row in REFUSED],
    ids=[row[0] for row in REFUSED],
)
def test_what_are_no_probabilities_is_refused(
    frames: Any, options: dict[str, Any], says: str
) -> None:
    """One message that says what was found, where, and what was wanted."""
    with pytest.raises(ValueError, match=says):
        hysteresis(frames, **options)
