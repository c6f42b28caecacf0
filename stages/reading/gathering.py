"""From recordings as they were measured to a herd, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stages.reading.account import Account, account
from stages.reading.grid import absent, gridded
from stages.reading.herd import UNLABELLED, Herd
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from models.shapes import BoolArray
    from stages.reading.account import Tally
    from stages.reading.herd import Recorded
    from stages.reading.measured import Measured
    from stages.reading.source import Source


class Gathered(NamedTuple):
    """Recordings as they come, each once, and the names of the behaviours.

    remarks: what there is to tell besides, once all have come
    """

    labels: tuple[str, ...]
    reads: Iterable[Measured]
    remarks: Sequence[str] = ()


def herd(found: Gathered, source: Source) -> Herd:
    """Bring all recordings to one grid; refuse what leaves nothing to learn from.

    A channel that one recording lacks is absent in all: else a recording, and with it
    its subject, would be known by its zeros.
    """
    pieces: list[Recorded] = []
    tallies: list[tuple[str, Tally]] = []
    lacking: dict[str, BoolArray] = {}
    for read in found.reads:
        made, tally = gridded(read, source)
        pieces.extend(made)
        tallies.append((read.name, tally))
        lacking[read.name] = absent(read)
    nowhere = np.logical_or.reduce(list(lacking.values()))
    _check_left(pieces, tallies, nowhere, source)
    for each in pieces:
        each.frames[nowhere] = 0.0
    n_subjects = len({each.subject for each in pieces})
    remarks = [*found.remarks, *_given_up(lacking, nowhere)]
    told = account(tallies, n_subjects, remarks)
    return Herd(
        tuple(pieces), found.labels, source.rate_hz, nowhere, source.source, told
    )


def _check_left(
    pieces: Sequence[Recorded],
    tallies: Sequence[tuple[str, Tally]],
    nowhere: BoolArray,
    source: Source,
) -> None:
    """Refuse a herd of which nothing is left."""
    where = f"source {source.source!r}"
    if not pieces:
        reason = (
            f"no piece of {len(tallies)} recordings is as long as "
            f"{source.shortest_s:g} s: nothing is left"
        )
        said = "; ".join(f"{name}: {tally.line()}" for name, tally in tallies[:5])
        raise Unreadable(where, reason, said)
    if nowhere.all():
        reason = "no channel is in all recordings: nothing is left"
        raise Unreadable(where, reason, "leave out the recordings that lack devices")


def _given_up(lacking: Mapping[str, BoolArray], nowhere: BoolArray) -> list[str]:
    """Say which channels are given up because some recordings lack them."""
    somewhere = nowhere & ~np.logical_and.reduce(list(lacking.values()))
    if not somewhere.any():
        return []
    who = [name for name, missing in lacking.items() if (missing & somewhere).any()]
    few = ", ".join(map(repr, who[:5])) + (", ..." if len(who) > 5 else "")
    said = f"{int(somewhere.sum())} channels are given up, which {few} lack"
    return [said if len(who) > 1 else said.removesuffix("lack") + "lacks"]


def checked(made: Herd) -> Herd:
    """Give a herd with what there is to say of its behaviours; refuse one with none."""
    frames = sum(each.truth.size for each in made.recordings)
    known = sum(int((each.truth != UNLABELLED).sum()) for each in made.recordings)
    if not known:
        reason = "not one frame has a label: there is nothing to learn"
        advice = "are labels and recordings on the same clock?"
        raise Unreadable(f"source {made.source!r}", reason, advice)
    numbers, lines = made.account
    numbers = {**numbers, "data_unlabelled_share": 1.0 - known / frames}
    remarks = _remarks(made.recordings, made.labels)
    return made._replace(account=Account(numbers, (*lines, *remarks)))


def _remarks(pieces: Sequence[Recorded], labels: Sequence[str]) -> list[str]:
    """Say what will be hard to learn or to judge: too few of something."""
    done_by: dict[int, set[str]] = {number: set() for number in range(len(labels))}
    does: dict[str, set[int]] = {}
    for each in pieces:
        known = np.unique(each.truth[each.truth != UNLABELLED]).tolist()
        does.setdefault(each.subject, set()).update(known)
        for number in known:
            done_by[number].add(each.subject)
    remarks = []
    for number, subjects in done_by.items():
        if not subjects:
            remarks.append(f"behaviour {labels[number]!r} never occurs")
        elif len(subjects) == 1:
            only = f"only subject {next(iter(subjects))!r} does it"
            remarks.append(f"behaviour {labels[number]!r}: {only}")
    for subject, known in does.items():
        if len(known) == 1:
            only = f"has one behaviour only: {labels[next(iter(known))]!r}"
            remarks.append(f"subject {subject!r} {only}")
    return remarks
