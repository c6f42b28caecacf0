"""Where the draft of one try lies, and what is in it.

Beside `layout`, which names everything else. Nothing here touches the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class AttemptPaths:
    """The draft of one try."""

    root: Path

    @property
    def lock(self) -> Path:
        """Inherited by all processes of the try; held means one of them lives."""
        return self.root / "attempt.lock"

    @property
    def order(self) -> Path:
        """What the child is asked to do (module stages)."""
        return self.root / "order.json"

    @property
    def reads(self) -> Path:
        """What the child noted of what it read (module stages)."""
        return self.root / "reads.jsonl"

    @property
    def out(self) -> Path:
        """Draft of artifacts/<stage>."""
        return self.root / "out"

    @property
    def results(self) -> Path:
        """Draft of results/<stage>."""
        return self.root / "results"
