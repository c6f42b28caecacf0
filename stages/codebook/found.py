"""What was found of a codebook, and its numbers by name."""

from __future__ import annotations

from typing import NamedTuple

from models.codes.shape import Shape
from models.codes.spoken import Spoken
from models.codes.usage import Usage
from stages.exchange import Codes


class Found(NamedTuple):
    """What could be looked at, and sentences on what could not.

    codes and spoken: None without codes. shape: None without a model.
    """

    codes: Codes | None
    spoken: Spoken | None
    shape: Shape | None
    missing: tuple[str, ...]

    @property
    def analysed(self) -> int:
        """How many of the two, codes and model, there were."""
        return (self.spoken is not None) + (self.shape is not None)

    @property
    def metrics(self) -> dict[str, float]:
        """Every number that a gate may ask for; what is not known has no name."""
        numbers: dict[str, float] = {"analysed": self.analysed}
        if self.codes is not None and self.spoken is not None:
            numbers |= _heard(self.spoken, 1e3 / self.codes.rate_hz)
        if self.shape is not None:
            numbers["clusters"] = int(self.shape.groups.of_code.max()) + 1
            numbers["dimensions"] = self.shape.dimensions
        return numbers


def _heard(heard: Spoken, ms: float) -> dict[str, float]:
    """Name what codes tell; a frame lasts so many ms."""
    numbers = _used(heard.unseen, "") | _used(heard.seen, "_seen")
    numbers["run_ms"] = ms * heard.lasting.mean
    numbers["change_rate"] = heard.changes.rate
    if heard.meaning is not None:
        numbers["purity"] = heard.meaning.purity.value
        numbers["gain"] = heard.meaning.gain.value
        numbers["information"] = heard.meaning.information.value
        numbers["explained"] = heard.meaning.explained.value
    return numbers


def _used(usage: Usage | None, ending: str) -> dict[str, float]:
    """Name how codes are used by the seen or the unseen."""
    if usage is None:
        return {}
    return {
        f"usage{ending}": usage.usage.value,
        f"perplexity{ending}": usage.perplexity.value,
        f"perplexity_subject{ending}": usage.typical.value,
        f"entropy{ending}": usage.entropy.value,
    }
