"""Fingerprints of windows, so that the same frames are known again under another name.

A frame is its readings, bit for bit, mixed into 64 bits; a print is a stretch of eight
frames. Every offset of a window is printed, so a copy that is shifted by some frames,
or cut into windows of another length, has prints in common with the original. Eight
frames, not one, because a sensor with few bits repeats a single reading by chance. A
stretch in which nothing moves says nothing and is not printed.

Two different stretches share a print with a chance of 2^-64; among a million and a
million that is 5e-8. What was scaled or filtered again is not known again.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from models.shapes import BoolArray

Prints = npt.NDArray[np.uint64]

STRETCH = 8  # frames
NOTHING = np.uint64(0)

# Odd, with bits all over: the multiplier of Knuth, and one of splitmix64.
_WORD = np.uint64(0x9E3779B97F4A7C15)
_FRAME = np.uint64(0xBF58476D1CE4E5B9)
_FOLD = np.uint64(31)


def prints(windows: npt.NDArray[np.float32], stretch: int = STRETCH) -> Prints:
    """Print every stretch of windows (B, .., T): (B, T - stretch + 1), 0 for nothing.

    A window shorter than a stretch is one stretch, known again in others as short. Time
    B T times the channels.
    """
    n_windows, n_frames = len(windows), windows.shape[-1]
    n_channels = math.prod(windows.shape[1:-1])
    bits = np.ascontiguousarray(windows + np.float32(0.0)).view(np.uint32)  # no -0.0
    frames = np.zeros((n_windows, n_frames), dtype=np.uint64)
    for channel in bits.reshape(n_windows, n_channels, n_frames).swapaxes(0, 1):
        frames = _mixed((frames ^ channel) * _WORD)
    width = min(stretch, n_frames)
    n_prints = n_frames - width + 1
    found = np.zeros((n_windows, n_prints), dtype=np.uint64)
    for offset in range(width):
        found = found * _FRAME + frames[:, offset : offset + n_prints]
    found = _mixed(found)
    found[_still(frames, width)] = NOTHING
    return found


def _mixed(bits: Prints) -> Prints:
    """Let the high bits, which multiplying stirs, reach the low ones."""
    mixed: Prints = bits ^ (bits >> _FOLD)
    return mixed


def _still(frames: Prints, width: int) -> BoolArray:
    """Say in which stretches all frames are the same; one frame alone is not still."""
    moves = np.zeros((len(frames), frames.shape[1] + 1), dtype=np.int64)
    moves[:, 2:] = np.cumsum(frames[:, 1:] != frames[:, :-1], axis=1)
    n_prints = frames.shape[1] - width + 1
    within = moves[:, width:] - moves[:, 1 : n_prints + 1]
    still: BoolArray = (within == 0) & (width > 1)
    return still
