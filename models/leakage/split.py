"""Who is learned from, who calibrates, who judges; as plain data."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from models.leakage.prints import Prints, prints

if TYPE_CHECKING:
    from models.leakage.provenance import Provenance

NAMES = ("train", "calibrate", "test")


class Part(NamedTuple):
    """What is known of the windows of one part, without the windows.

    origin: where each came from
    prints: (B, .) of their stretches
    digest: of all their bits, in order
    """

    origin: Provenance
    prints: Prints
    digest: str


class Split(NamedTuple):
    """Three parts, and what keeps them apart.

    by "subject": nobody is in two parts; what is judged is how well strangers are
    recognised. by "time": the same subjects may be in all, but the frames of a
    recording are `guard` frames apart or more, by default the longest window.
    """

    train: Part
    calibrate: Part
    test: Part
    by: Literal["subject", "time"] = "subject"
    guard: int | None = None


def part(windows: npt.NDArray[Any], origin: Provenance) -> Part:
    """Describe windows (B, .., T) float32, as the network will see them or before.

    Raise ValueError unless they are finite and there is one origin for each.
    """
    windows = np.asarray(windows)
    digest_of_all = digest(windows)
    if len(origin.start) != len(windows):
        message = f"{len(windows)} windows have {len(origin.start)} origins"
        raise ValueError(message)
    lasts = origin.stop - origin.start
    if len(windows) and (lasts != windows.shape[-1]).any():
        row = int((lasts != windows.shape[-1]).argmax())
        message = (
            f"the window at row {row} has {windows.shape[-1]} frames and spans "
            f"{lasts[row]}"
        )
        raise ValueError(message)
    return Part(origin, prints(windows), digest_of_all)


def digest(windows: npt.NDArray[Any]) -> str:
    """Give a digest of all bits of windows (B, .., T) float32 and of their shape."""
    windows = np.asarray(windows)
    if windows.dtype != np.float32 or windows.ndim < 2:
        message = (
            f"windows have type {windows.dtype} and shape {windows.shape}: "
            "wanted float32 (B, .., T)"
        )
        raise ValueError(message)
    if not np.isfinite(windows).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(windows))[0])
        message = f"windows hold {windows[at]} at {at}: wanted finite numbers"
        raise ValueError(message)
    whole = hashlib.blake2b(repr(windows.shape).encode(), digest_size=16)
    whole.update(np.ascontiguousarray(windows).data)
    return whole.hexdigest()
