"""Likelihoods of many records at once, as the recursions read them.

Inside, time comes first and the record last, (T, K, N): a step of the recursion is one
operation on all records. They are in order of length, the longest first, so that those
which still run at a frame come first. Each frame's best likelihood is set apart: what
is left is at most 0, and stays small however long the record is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import process as processes

if TYPE_CHECKING:
    from models.hsmm.process import Process
    from models.shapes import Array, IntArray


class Records(NamedTuple):
    """N records of K states, sorted by length.

    gain  (T, K, N): log likelihood less the best of its frame; 0 past a record's end
    best       (N,): sum over frames of that best
    lengths    (N,): frames of each, decreasing
    order      (N,): where each stood in what was given
    """

    gain: Array
    best: Array
    lengths: IntArray
    order: IntArray


def lay(process: Process, log_lik: Array, lengths: IntArray | None) -> Records:
    """Check log_lik (N, T, K) and lengths (N,), and lay them out.

    No lengths means that all records have T frames. What log_lik holds past a record's
    end is not looked at.
    """
    lengths = check(process, log_lik, lengths)
    order = np.argsort(-lengths, kind="stable")
    lasting = lengths[order]
    frames = np.arange(log_lik.shape[1])
    past = frames[:, None] >= lasting
    given = log_lik.transpose(1, 2, 0)[:, :, order]
    given = np.where(past[:, None, :], 0.0, given)
    best = given.max(axis=1)
    best[np.isneginf(best)] = 0.0
    # Summed along contiguous memory, where numpy adds in pairs: an error of log T.
    total = np.ascontiguousarray(best.T).sum(axis=1)
    return Records(given - best[:, None, :], total, lasting, order)


def backwards(records: Records) -> Records:
    """Turn each record round, so that its last frame comes first."""
    n_frames = len(records.gain)
    mirrored = records.lengths - 1 - np.arange(n_frames)[:, None]
    inside = np.maximum(mirrored, 0)
    gain = np.take_along_axis(records.gain, inside[:, None, :], axis=0)
    gain[np.broadcast_to((mirrored < 0)[:, None, :], gain.shape)] = 0.0
    return records._replace(gain=gain)


def unsorted(records: Records, values: Array) -> Array:
    """Put values (N, ...) back into the order in which the records were given."""
    placed = np.empty_like(values)
    placed[records.order] = values
    return placed


def refuse_impossible(records: Records, log_p: Array) -> None:
    """Raise ValueError, naming the sequence, where log_p (N,) of any cut is -inf."""
    impossible = np.isneginf(log_p)
    if impossible.any():
        n = int(records.order[impossible].min())
        raise ValueError(
            f"sequence {n} cannot happen under the process: no way to cut it into "
            f"segments has a probability above 0"
        )


def check(process: Process, log_lik: Array, lengths: IntArray | None) -> IntArray:
    """Raise ValueError unless process, log_lik and lengths fit; give the lengths."""
    processes.check(process)
    return checked(log_lik, lengths, processes.n_states(process))


def checked(log_lik: Array, lengths: IntArray | None, n_states: int) -> IntArray:
    """Raise ValueError unless log_lik (N, T, K) and lengths fit; give the lengths."""
    if not isinstance(log_lik, np.ndarray):
        raise ValueError(  # noqa: TRY004
            f"log_lik is a {type(log_lik).__name__}: an array of float64 is wanted"
        )
    if log_lik.ndim != 3 or log_lik.shape[2] != n_states:
        raise ValueError(
            f"log_lik has shape {log_lik.shape}: (N, T, K) is wanted, "
            f"with the process's {n_states} states"
        )
    if log_lik.dtype != np.float64:
        raise ValueError(
            f"log_lik is of {log_lik.dtype}: float64 is wanted, since sums over "
            f"frames lose their digits in less"
        )
    found = _lengths(log_lik, lengths)
    _finite(log_lik, found)
    return found


def _lengths(log_lik: Array, lengths: IntArray | None) -> IntArray:
    n_records, n_frames, _ = log_lik.shape
    if lengths is None:
        return np.full(n_records, n_frames, dtype=np.int64)
    lengths = np.asarray(lengths)
    if lengths.shape != (n_records,):
        raise ValueError(
            f"lengths has shape {lengths.shape}: one for each of the "
            f"{n_records} sequences is wanted"
        )
    if not np.issubdtype(lengths.dtype, np.integer):
        raise ValueError(f"lengths is of {lengths.dtype}: whole numbers are wanted")
    wrong = (lengths < 0) | (lengths > n_frames)
    if wrong.any():
        n = int(np.argmax(wrong))
        raise ValueError(
            f"lengths holds {lengths[n]} for sequence {n}: 0 to {n_frames} are wanted"
        )
    return lengths.astype(np.int64)


def _finite(log_lik: Array, lengths: IntArray) -> None:
    # A nan or +inf shows in the greatest: most calls need no second look.
    if log_lik.size == 0 or log_lik.max() < np.inf:
        return
    wrong = ~(log_lik < np.inf)
    wrong &= (np.arange(log_lik.shape[1]) < lengths[:, None])[:, :, None]
    if wrong.any():
        n, t, k = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"log_lik holds {log_lik[n, t, k]} at sequence {n}, frame {t}, state {k}: "
            f"likelihoods must be finite or -inf"
        )
