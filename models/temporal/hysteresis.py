"""Hysteresis: what was entered is left only for something clearly better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.temporal.rows import Labels, within

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray


def hysteresis(
    probabilities: Array,
    lengths: Labels | None = None,
    *,
    enter: float = 0.6,
    leave: float = 0.4,
) -> IntArray:
    """Label frames (B, T) by probabilities (B, T, K), or (T,) by (T, K).

    The first frame of a row has its most probable label, the lowest of equals. Then

        label[t] = top[t]      if p[t, label[t-1]] < leave and p[t, top[t]] >= enter
                   label[t-1]  else,   where top[t] = argmax_k p[t, k]

    Each change leads to the top label of its frame, so no label is invented and there
    are never more transitions than among the top labels. 0 < leave <= enter <= 1, or
    a label could be left in the frame in which it is entered. What lies behind a row's
    end is labelled 0. Cost J K for J frames, and a step for each frame at which what
    comes out depends on what went before.
    """
    if not 0.0 < leave <= enter <= 1.0:
        message = (
            f"leave is {leave} and enter is {enter}: wanted 0 < leave <= enter <= 1"
        )
        raise ValueError(message)
    given = np.asarray(probabilities)
    _check(given)
    whole = given[None] if given.ndim == 2 else given
    inside = within(whole.shape[0], whole.shape[1], lengths)
    labels = np.zeros(inside.shape, dtype=np.int64)
    _check_frames(whole, inside)
    labels[inside] = _held(whole[inside], np.nonzero(inside)[0], enter, leave)
    return labels.reshape(given.shape[:-1])


def _held(frames: Array, row: IntArray, enter: float, leave: float) -> IntArray:
    """Decide frames (J, K) that lie row after row.

    A frame at which all but the top label may be left decides for itself; one at which
    nothing may be entered decides nothing. Only the rest must be asked in turn.
    """
    if not len(frames):
        return np.zeros(0, dtype=np.int64)
    top = frames.argmax(axis=1)
    fresh = np.diff(row, prepend=-1) != 0
    enters = frames[np.arange(len(top)), top] >= enter
    kept = frames >= leave
    kept[np.arange(len(top)), top] = False
    matters = np.flatnonzero(fresh | enters)
    asks = (kept.any(axis=1) & ~fresh)[matters]
    state = top[matters]
    for i in np.flatnonzero(asks):
        if kept[matters[i], state[i - 1]]:
            state[i] = state[i - 1]
    return np.repeat(state, np.diff(matters, append=len(top)))


def _check(given: Array) -> None:
    """Refuse what is not an array of probabilities in two or three axes."""
    if (
        given.ndim not in {2, 3}
        or given.shape[-1] == 0
        or given.dtype.kind not in "fiu"
    ):
        message = (
            f"probabilities have shape {given.shape} and type {given.dtype}: "
            "wanted numbers of shape (T, K) or (B, T, K)"
        )
        raise ValueError(message)


def _check_frames(whole: Array, inside: BoolArray) -> None:
    """Refuse what is no probability, within the rows. NaN fails both comparisons."""
    off = inside[..., None] & ~((whole >= 0.0) & (whole <= 1.0))
    if off.any():
        row, frame, label = (int(i) for i in np.argwhere(off)[0])
        message = (
            f"probabilities hold {whole[row, frame, label]} at row {row}, frame "
            f"{frame}, label {label}: wanted numbers from 0 to 1"
        )
        raise ValueError(message)
