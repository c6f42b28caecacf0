"""What became of each test of a session."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSED = "passed"
FAILED = "failed"
ERROR = "error"
SKIPPED = "skipped"
XFAILED = "xfailed"
XPASSED = "xpassed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one test ended; or one file of tests, which could not be imported.

    reason: one line. text: all that was said. where: the file and the line of the
    target that cut an import short.
    """

    test: str
    kind: str
    reason: str = ""
    text: str = ""
    where: str = ""

    @property
    def is_wrong(self) -> bool:
        """Tell whether it failed."""
        return self.kind in (FAILED, ERROR)

    @property
    def is_left_out(self) -> bool:
        """Tell whether it says nothing: skipped, or wrong on purpose."""
        return self.kind in (SKIPPED, XFAILED, XPASSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """All outcomes, in the order of pytest; `versions` of what ran them.

    broken: why nothing could be collected at all.
    """

    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    versions: str = ""
    broken: str = ""
    outside: tuple[str, ...] = ()

    @property
    def passed(self) -> tuple[Outcome, ...]:
        """Those that passed."""
        return tuple(o for o in self.outcomes.values() if o.kind == PASSED)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that did not, for whatever reason."""
        return tuple(o for o in self.outcomes.values() if o.is_wrong)

    @property
    def left_out(self) -> tuple[Outcome, ...]:
        """Those that say nothing."""
        return tuple(o for o in self.outcomes.values() if o.is_left_out)

    @property
    def total(self) -> int:
        """How many say something."""
        return len(self.passed) + len(self.failed)
