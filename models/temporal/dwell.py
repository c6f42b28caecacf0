"""Labels without flicker: the nearest labelling in which every run is long enough.

Both functions solve a programme exactly (see programme.py); neither passes over runs
and merges them, which depends on the order and can leave short ones behind.

What holds for what they give:

    no run is shorter than `dwell`; a row shorter than that is one run
    every run holds a frame that already had its label: no label is invented
    a row has no more transitions than before
    fewest_changes leaves a row that is already so as it is

A record is cut out of a longer life, and so are its first and last run: how long they
really lasted is unknown. With `censored_ends` these two may be shorter than `dwell`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.temporal import programme
from models.temporal.appearance import Appearance, appearance
from models.temporal.pieces import batches, cuts
from models.temporal.rows import Labels, check_frames, rows, within
from models.temporal.runs import begins

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.shapes import Array, BoolArray, IntArray

    Worth = Callable[["Asked"], Array]


class Asked(NamedTuple):
    """Frames whose worth (T, K, B) is asked, in pieces of like length.

    source (T, B): which frame of all it is, -1 where nobody saw it
    names  (K, B): the labels of each piece
    shown (T, K, B): which of them the frame has
    """

    source: IntArray
    names: IntArray
    shown: BoolArray


def fewest_changes(
    labels: Labels,
    dwell: int,
    lengths: Labels | None = None,
    *,
    censored_ends: bool = False,
) -> IntArray:
    """Relabel as few frames of (B, T) or (T,) as will leave no run under `dwell`.

    Of labellings with equally few changes the one with the fewest transitions is
    taken; of these, from the front, each run is the label that came first in the row
    and lasts as long as it can. So renaming the labels renames the answer. Rows are
    ragged by `lengths` (B,); what lies behind a row's end stays as it is.
    """
    read = rows(labels, lengths)
    known = appearance(read.flat, read.row, len(read.inside))

    def worth(asked: Asked) -> Array:
        # A frame kept is worth more than all transitions of the longest row cost.
        return np.where(asked.shown, len(asked.source) + 1.0, 0.0)

    # A run of which no frame is kept would be given to its neighbour for one
    # transition less: what is shown need not be asked.
    codes = _solved(
        known, read.row, worth, dwell, 1.0, censored=censored_ends, by_shown=False
    )
    return read.filled(known.named(codes, read.row))


def best_posterior(
    log_posterior: Array,
    dwell: int,
    lengths: Labels | None = None,
    *,
    censored_ends: bool = False,
) -> IntArray:
    """Give the labels (B, T) of the largest sum of log_posterior (B, T, K).

    Or (T,) for (T, K). Of all labellings in which no run is under `dwell` and each
    holds a frame at which its label is the most probable one (the lowest of equals).
    -inf is "cannot be": raise ValueError for a row that has no possible labelling. What
    lies behind a row's end is labelled 0. Rows are solved whole, side by side: some
    ten microseconds for each frame of the longest.
    """
    given = np.asarray(log_posterior)
    if (
        given.ndim not in {2, 3}
        or given.shape[-1] == 0
        or given.dtype.kind not in "fiu"
    ):
        message = (
            f"log_posterior has shape {given.shape} and type {given.dtype}: "
            "wanted numbers of shape (T, K) or (B, T, K)"
        )
        raise ValueError(message)
    whole = given.astype(np.float64)[None] if given.ndim == 2 else given.astype(float)
    inside = within(whole.shape[0], whole.shape[1], lengths)
    _check_logs(whole, inside)
    top = np.where(inside, whole.argmax(axis=-1), 0)
    read = rows(top.reshape(given.shape[:-1]), lengths)
    known = appearance(read.flat, read.row, len(inside))
    column = known.labels[known.order[read.row]]
    frames = np.take_along_axis(whole[inside], column, axis=1)
    frames = np.vstack([frames, np.zeros((1, frames.shape[1]))])  # at -1, the unseen

    def worth(asked: Asked) -> Array:
        value: Array = frames[asked.source[:, None], asked.names]
        return value

    codes = _solved(
        known, read.row, worth, dwell, 0.0, censored=censored_ends, by_shown=True
    )
    return read.filled(known.named(codes, read.row))


def _solved(
    known: Appearance,
    row: IntArray,
    worth: Worth,
    dwell: int,
    fee: float,
    *,
    censored: bool,
    by_shown: bool,
) -> IntArray:
    """Solve the programme of all rows, piece by piece: the codes of frames (J,)."""
    check_frames("dwell", dwell)
    # Above the longest row every dwell asks for one run; and none must be laid out.
    dwell = min(dwell, int(np.bincount(row).max(initial=0)) + 1)
    # A run that is cut off goes on among frames that nobody saw.
    place, rows_of_all = _with_unseen(row, dwell - 1 if censored else 0)
    codes = np.full(len(rows_of_all), -1)
    source = codes.copy()
    codes[place], source[place] = known.codes, np.arange(len(place))
    found = codes.copy()
    if by_shown:
        start = begins(rows_of_all, rows_of_all)
    else:
        start = cuts(codes, rows_of_all, dwell)
    for batch in batches(codes, start):
        shown = batch.codes[:, None] == np.arange(len(batch.names))[:, None]
        seen = np.where(batch.inside, source[batch.frame], -1)
        value = worth(Asked(seen, batch.names, shown))
        if batch.lengths[0] < dwell:
            path, total = programme.one_run(value, shown)
        else:
            needed = shown if by_shown else None
            path, total = programme.solve(
                value, needed, batch.lengths, dwell=dwell, fee=fee
            )
        _check_possible(total, rows_of_all[batch.frame[0]])
        named = np.take_along_axis(batch.names, path, axis=0)
        found[batch.frame[batch.inside]] = named[batch.inside]
    chosen: IntArray = found[place]
    return chosen


def _with_unseen(row: IntArray, n_unseen: int) -> tuple[IntArray, IntArray]:
    """Give each row unseen frames before and after: old places (J,), rows of all."""
    begin = begins(row, row)
    length = np.diff(begin, append=len(row))
    before = n_unseen * (2 * np.arange(len(begin)) + 1)
    place = np.arange(len(row)) + np.repeat(before, length)
    return place, np.repeat(row[begin], length + 2 * n_unseen)


def _check_logs(log_posterior: Array, inside: BoolArray) -> None:
    """Refuse what is neither finite nor -inf, within the rows."""
    off = inside[..., None] & ~(log_posterior < np.inf)
    if off.any():
        row, frame, label = (int(i) for i in np.argwhere(off)[0])
        message = (
            f"log_posterior holds {log_posterior[row, frame, label]} at row {row}, "
            f"frame {frame}, label {label}: wanted finite numbers or -inf"
        )
        raise ValueError(message)


def _check_possible(total: Array, row: IntArray) -> None:
    """Refuse rows of which every labelling holds a frame that cannot be."""
    if np.isneginf(total).any():
        first = int(row[np.isneginf(total).argmax()])
        message = (
            f"log_posterior has no possible labelling at row {first}: each that keeps "
            "the dwell holds a frame of -inf"
        )
        raise ValueError(message)
