"""The recursion of both messages, forward and, on mirrored records, backward.

    ends[t, k]   = sum over d of inner[d, k] lik(t-d .. t, k) starts[t-d, k]
    starts[t, k] = sum over j of ends[t, j] a[j, k]

for segments that begin after the record does, plus first[t, k] lik(0 .. t, k). lik is
the product over a segment's frames; `starts` at t means that frame t is the first.

Sums of exponentials are slow in logs, so frames go by in blocks, in plain numbers with
a power of two for each block. What segments begun before the block give to its frames
is one matrix product; only durations within the block go frame by frame. Time is
T D K + T K K, with four small operations per frame.

Plain numbers underflow. Terms below TINY times the greatest of a block are dropped, so
that a sum above FLOOR is right to 1e-12 of itself whatever was dropped. Where one is
not, be it 0 by right or by underflow, the block is done again in shorter ones, and what
is then still too faint in logs (exact.py). So every message is exact, and only what is
very improbable is slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hsmm import exact
from models.hsmm.exact import LOG_2, Messages, Steps

if TYPE_CHECKING:
    from models.hsmm.records import Records
    from models.shapes import Array, BoolArray, IntArray

BLOCK = 24
# Frames of a short block, and how many times BLOCK frames go so after one has failed.
SHORT = 4
WARY = 8
# At most D + BLOCK terms are dropped from a sum: below 1e8 of them, an error of 1e-12.
TINY = 1e-300
FLOOR = 1e-280


def sweep(steps: Steps, records: Records) -> Messages:
    """Messages of records whose gain is (T, K, N), at every boundary 0..T.

    A record's messages beyond its own end mean nothing.

    A state into which no move is likely is faint at every frame, as most states of a
    weak limit are. What it is faint by, its own column of log_a, is taken out of its
    messages before and given back after.
    """
    faint = np.where(np.isneginf(steps.log_a).all(axis=0), 0.0, steps.log_a.max(axis=0))
    steps = Steps(
        steps.inner, steps.first - faint, steps.log_a + faint[:, None] - faint
    )
    n_frames, n_states, n_records = records.gain.shape
    n_blocks = -(-n_frames // BLOCK)
    gain = np.zeros((n_blocks * BLOCK, n_states, n_records))
    gain[:n_frames] = records.gain
    found = _nothing(len(gain), n_states, n_records)
    running = _Running(steps, gain)
    for block in range(n_blocks):
        n_lasting = int(np.count_nonzero(records.lengths > block * BLOCK))
        if n_lasting == 0:
            break
        running.advance(block, n_lasting, found)
    found.ends[:] += faint[:, None]
    found.starts[:] += faint[:, None]
    return Messages(*(part[: n_frames + 1] for part in found))


def _nothing(n_frames: int, n_states: int, n_records: int) -> Messages:
    """Messages of which none has been found: nothing has ended, nothing has begun."""
    ends = np.full((n_frames + 1, n_states, n_records), -np.inf)
    return Messages(ends, ends.copy(), np.zeros((n_frames + 1, n_records)))


class _Table(NamedTuple):
    """The steps in plain numbers.

    within (BLOCK, K): inner; later (K, BLOCK, D): what a segment begun e frames before
    the block gives to its l-th frame, inner[l + e]; first (D, K); into (K, K): turned a
    """

    within: Array
    later: Array
    first: Array
    into: Array


def _tabulate(steps: Steps) -> _Table:
    n_durations, n_states = steps.inner.shape
    padded = np.zeros((n_states, n_durations + BLOCK))
    padded[:, :n_durations] = _plain(steps.inner).T
    later = np.lib.stride_tricks.sliding_window_view(padded, n_durations, axis=1)
    return _Table(
        within=padded[:, :BLOCK].T.copy(),
        later=later[:, :BLOCK].copy(),
        first=_plain(steps.first - exact.heaviest(steps)),
        into=np.exp(steps.log_a).T.copy(),
    )


def _plain(log_x: Array) -> Array:
    """Take exp, and drop what is below TINY: subnormal numbers are slow."""
    x = np.exp(log_x)
    x *= x >= TINY
    return x


class _Running:
    """Where the recursion stands: what began in the last D frames, and survives.

    begun  (K, D, n): starts[t-e] lik(t-e .. t) at [k, e], for the boundary t
    origin    (K, n): likewise for the segment that begins the record, times the
                      greatest weight of any duration; 0 once that is over
    power       (n,): both are short of this power of two
    """

    def __init__(self, steps: Steps, gain: Array) -> None:
        n_durations, n_states = steps.inner.shape
        n_records = gain.shape[2]
        self.steps, self.gain = steps, gain
        self.table = _tabulate(steps)
        self.keep = _plain(gain)
        self.begun = np.zeros((n_states, n_durations, n_records))
        self.spare = np.empty_like(self.begun)
        heaviest = exact.heaviest(steps)
        power = exact.powers(heaviest.max(keepdims=True))
        self.origin = np.repeat(_plain(heaviest - power * LOG_2)[:, None], n_records, 1)
        self.power = np.repeat(power, n_records)
        self.blocks = _blocks(self.table, n_records)
        self.wary = 0
        self.barred = gain == -np.inf
        self.has_barred = bool(self.barred.any())
        self.unentered: BoolArray = (
            (steps.log_a == -np.inf).all(axis=0, keepdims=True).T
        )
        self.has_unentered = bool(self.unentered.any())

    def advance(self, block: int, n: int, found: Messages) -> None:
        """Find the messages of one block's frames, of the first n records."""
        self._leave_out_all_but(n)
        begin = block * BLOCK
        if self.wary == 0:
            if self._pass(begin, self.blocks[0], found, is_sure=False):
                return
            self.wary = WARY
        self.wary -= 1
        for short in range(begin, begin + BLOCK, SHORT):
            self._pass(short, self.blocks[1], found, is_sure=True)

    def _pass(
        self, begin: int, block: _Block, found: Messages, *, is_sure: bool
    ) -> bool:
        """Find a block's messages; unless that is to be sure, give up on faint ones."""
        end = begin + len(block.ends)
        keep = self.keep[begin:end, :, : len(self.power)]
        ends, starts = block.ends, block.starts
        later = self.table.later[:, : len(ends)]
        np.copyto(ends, np.matmul(later, self.begun).transpose(1, 0, 2))
        if begin < len(self.table.first):
            first = self.table.first[begin:end, :, None]
            ends[: len(first)] += first * self.origin
        block.fill(keep)
        low = self._faint(begin, ends, starts)
        if len(low) and not is_sure:
            return False
        here, n = slice(begin + 1, end + 1), len(self.power)
        with np.errstate(divide="ignore"):
            np.log(ends, out=found.ends[here, :, :n])
            np.log(starts, out=found.starts[here, :, :n])
        found.power[here, :n] = self.power
        self._move_on(end, keep, starts)
        if len(low):
            self._do_again(begin, end, low, found)
        return True

    def _faint(self, begin: int, ends: Array, starts: Array) -> IntArray:
        """Which records have a message that may owe its faintness to what was dropped.

        A state that cannot emit a frame does not end with it, and one that no move
        leads to neither begins again nor, after D frames, ends: those 0 are by right.
        """
        if self.has_unentered:
            starts = np.where(self.unentered, np.inf, starts)
            opening = max(0, len(self.table.first) - begin)
            later = np.where(self.unentered, np.inf, ends[opening:])
            ends = np.concatenate([ends[:opening], later])
        if self.has_barred:
            barred = self.barred[begin : begin + len(ends), :, : ends.shape[2]]
            ends = np.where(barred, np.inf, ends)
        if min(ends.min(), starts.min()) >= FLOOR:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(np.minimum(ends, starts).min(axis=(0, 1)) < FLOOR)

    def _leave_out_all_but(self, n: int) -> None:
        if n < len(self.power):
            self.begun = self.begun[:, :, :n].copy()
            self.spare = np.empty_like(self.begun)
            self.origin = self.origin[:, :n].copy()
            self.power = self.power[:n].copy()
            self.blocks = _blocks(self.table, n)

    def _move_on(self, end: int, keep: Array, starts: Array) -> None:
        """Let a block pass: what has begun survives it, and its own starts join."""
        n_new = min(len(keep), self.begun.shape[1])
        since = np.ones_like(keep)
        np.multiply.accumulate(keep[:0:-1], axis=0, out=since[1:])
        whole = since[-1] * keep[0]
        joined = self.spare
        np.multiply(self.begun[:, :-n_new], whole[:, None], out=joined[:, n_new:])
        np.multiply(starts[::-1], since, out=since)
        joined[:, :n_new] = since[:n_new].transpose(1, 0, 2)
        self.begun, self.spare = joined, self.begun
        self.origin *= whole if end < len(self.table.first) else 0.0
        self._rescale()

    def _rescale(self) -> None:
        """Make the greatest about 1, by a power of two: no digit changes."""
        top = np.maximum(self.begun.max(axis=(0, 1)), self.origin.max(axis=0))
        # No further than a number reaches: what is fainter is done again in logs.
        power = np.maximum(np.frexp(top)[1], -1000)
        self.begun *= np.ldexp(1.0, -power)
        self.begun *= self.begun >= TINY
        self.origin *= np.ldexp(1.0, -power)
        self.power = self.power + power

    def _do_again(self, begin: int, end: int, low: IntArray, found: Messages) -> None:
        """Find the block's messages of records `low` in logs, and go on from those."""
        exact.redo(self.steps, self.gain, found, (begin, end), low)
        begun = exact.begun(self.steps, self.gain, found, end, low)
        origin = exact.origin(self.steps, self.gain, end, low)
        power = exact.powers(np.maximum(begun.max(axis=(0, 1)), origin.max(axis=0)))
        self.begun[:, :, low] = 0.0
        shown = _plain(begun - power * LOG_2).transpose(1, 0, 2)
        self.begun[:, : len(begun), low] = shown
        self.origin[:, low] = _plain(origin - power * LOG_2)
        self.power[low] = power


def _blocks(table: _Table, n_records: int) -> tuple[_Block, _Block]:
    """Give room for a block, and for a short one."""
    return _Block(table, BLOCK, n_records), _Block(table, SHORT, n_records)


class _Block:
    """Room for one block's messages of n records, and the order of its small steps.

    Views are cut once: at 10 operations of a microsecond, cutting them would double it.
    """

    def __init__(self, table: _Table, n_frames: int, n_records: int) -> None:
        n_states = len(table.into)
        self.into = table.into
        self.ends = np.empty((n_frames, n_states, n_records))
        self.starts = np.empty_like(self.ends)
        ends, starts, within = self.ends, self.starts, table.within[:, :, None]
        if n_records == 1:
            ends, starts, within = ends[:, :, 0], starts[:, :, 0], within[:, :, 0]
        passed = np.empty_like(ends)
        self.moves = [
            (ends[t:], ends[t], starts[t], within[:rest], passed[:rest], ends[t + 1 :])
            for t, rest in enumerate(range(n_frames - 1, -1, -1))
        ]

    def fill(self, keep: Array) -> None:
        """Finish `ends` and find `starts`, given the emissions keep (.., K, n).

        ends holds what earlier segments give to each frame, but for the emissions.
        """
        into = self.into
        rows = keep[:, :, 0] if keep.shape[2] == 1 else keep
        steps = zip(self.moves, rows, strict=True)
        for (going, end, start, within, passed, later), kept in steps:
            np.multiply(going, kept, out=going)
            np.dot(into, end, out=start)
            np.multiply(within, start, out=passed)
            np.add(later, passed, out=later)
