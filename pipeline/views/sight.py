"""What is to be seen of a run at one moment, as plain values.

Apart from the picture that is drawn of it, so that who draws nothing loads no `rich`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from pipeline.frozen import dataclass
from pipeline.progress import RunState, elapsed_s
from pipeline.views.telling import Knowing


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """All that a picture needs.

    age_s: seconds since the last beat, as the observer counted them. breathes: whether
    that is not too many. now: the time, for what is running. log: the last lines of
    what `log_stage` prints, as they came.
    """

    state: RunState
    knowing: Knowing
    now: str
    age_s: float | None = None
    breathes: bool = True
    pulse: Mapping[str, str] = field(default_factory=dict)
    log: Sequence[str] = ()
    log_stage: str = ""
    note: str = ""

    @property
    def is_live(self) -> bool:
        """Tell whether a runner may still be at work."""
        return not self.state.has_ended and self.knowing not in ("dead", "ended")

    @property
    def word(self) -> str:
        """The state of the run in one word, as far as it is known."""
        if self.state.has_ended or self.knowing in ("alive", "ended"):
            return self.state.word
        return self.knowing

    @property
    def elapsed_s(self) -> float:
        """Seconds from the run's start to now, or to its last sign of life."""
        end = max(self.now, self.state.last_at) if self.is_live else self.state.last_at
        return elapsed_s(self.state.started_at, end)
