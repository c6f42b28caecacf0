"""Files that cannot be what they are said to be."""

from __future__ import annotations


class Unreadable(ValueError):
    """One mistake in what was to be read: where, why, and what to do."""

    def __init__(self, where: object, reason: str, advice: str = "") -> None:
        self.where, self.reason, self.advice = str(where), reason, advice
        super().__init__(f"{where}: {reason}" + (f"\n  {advice}" if advice else ""))
