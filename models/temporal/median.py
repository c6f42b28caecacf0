"""The policy of an experiment's file: a median, then no run under a dwell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.temporal.dwell import fewest_changes
from models.temporal.majority import majority
from models.temporal.rows import Labels, check_frames

if TYPE_CHECKING:
    from models.shapes import IntArray


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianHysteresisPolicy:
    """Smooth labels by a majority that holds, then by the fewest changes.

    min_dwell: frames that every run lasts, at least. window_size: frames that vote, an
    odd number. The second step reads what the first has smoothed. Neither adds a
    transition or a label, so the two together do not.
    """

    min_dwell: int = 5
    window_size: int = 7
    censored_ends: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be a policy before any label is read."""
        check_frames("min_dwell", self.min_dwell)
        check_frames("window_size", self.window_size, odd=True)

    def smooth(self, labels: Labels, lengths: Labels | None = None) -> IntArray:
        """Smooth (B, T) to (B, T), or (T,) to (T,), ragged by `lengths` (B,)."""
        steady = majority(labels, self.window_size, lengths)
        return fewest_changes(
            steady, self.min_dwell, lengths, censored_ends=self.censored_ends
        )
