"""What was found in recordings and what became of it: numbers, and lines to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LINES = 20


class Tally(NamedTuple):
    """What was found in one recording; tallies of several are added.

    rows: as they stand in its files; gaps: places at which rows are missing
    out_of_order: rows with the time of a row before, or an earlier one
    missing, stuck, saturated: readings that are no number, do not change, or are at
        the end of the scale; of `readings` in all
    seconds, bridged_s, unlabelled_s: of what is handed on
    lost_s: of what was measured and is not: too near to a gap, or too short
    """

    rows: int = 0
    readings: int = 0
    gaps: int = 0
    out_of_order: int = 0
    missing: int = 0
    stuck: int = 0
    saturated: int = 0
    seconds: float = 0.0
    bridged_s: float = 0.0
    unlabelled_s: float = 0.0
    lost_s: float = 0.0

    def plus(self, other: Tally) -> Tally:
        """Add what was found in another recording."""
        summed = (a + b for a, b in zip(self, other, strict=True))
        return Tally._make(summed)

    def line(self) -> str:
        """Say in words what is not as it should be; "" when all is well."""
        counted = (
            (self.gaps, "gaps"),
            (self.out_of_order, "rows out of order or twice"),
            (self.missing, "readings missing"),
            (self.stuck, "readings stuck"),
            (self.saturated, "readings at the end of the scale"),
        )
        said = [f"{count} {what}" for count, what in counted if count]
        timed = (
            (self.bridged_s, "bridged"),
            (self.lost_s, "left out"),
            (self.unlabelled_s, "without a label"),
        )
        said += [f"{span:.2f} s {what}" for span, what in timed if span >= 0.005]
        return ", ".join(said)


class Account(NamedTuple):
    """What there is to tell of all that was read.

    numbers: by name, for metrics; lines: for the log
    """

    numbers: dict[str, float]
    lines: tuple[str, ...]


def account(
    tallies: Sequence[tuple[str, Tally]], n_subjects: int, remarks: Sequence[str] = ()
) -> Account:
    """Add the tallies of recordings, by name, and put them into words."""
    whole = Tally()
    for _, tally in tallies:
        whole = whole.plus(tally)
    lines = [f"{name}: {said}" for name, each in tallies if (said := each.line())]
    if len(lines) > MOST_LINES:
        left = len(lines) - MOST_LINES
        lines = [*lines[:MOST_LINES], f"and {left} more recordings with findings"]
    head = (
        f"read {len(tallies)} recordings of {n_subjects} subjects, "
        f"{whole.seconds:.1f} s in all"
    )
    if said := whole.line():
        head += f"; {said}"
    return Account(_numbers(whole, len(tallies), n_subjects), (head, *lines, *remarks))


def _numbers(whole: Tally, n_recordings: int, n_subjects: int) -> dict[str, float]:
    """Give what is worth a metric, by name."""
    seconds = max(whole.seconds, 1e-9)
    return {
        "data_subjects": n_subjects,
        "data_recordings": n_recordings,
        "data_seconds": whole.seconds,
        "data_gaps": whole.gaps,
        "data_bridged_share": whole.bridged_s / seconds,
        "data_unlabelled_share": whole.unlabelled_s / seconds,
        "data_lost_share": whole.lost_s / (seconds + whole.lost_s),
    }
