"""From the name of a source to its recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stages.reading.dogs import dogs
from stages.reading.gathering import checked, herd
from stages.reading.herd import UNLABELLED
from stages.reading.recordings import recordings
from stages.reading.simulated import simulated
from stages.reading.source import Source
from stages.reading.uci_har import uci_har
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stages.reading.herd import Herd

READERS = {"recordings": recordings, "uci_har": uci_har, "dogs": dogs}
WANTED = {
    "recordings": "recordings.yaml and the files it lists",
    "uci_har": "the unpacked folder `UCI HAR Dataset`, or what is in it",
    "dogs": "DogMoveData.csv",
}


def read(
    source: str | Source,
    place: Path | None,
    *,
    seed: int,
    subjects: int,
    seconds: float,
) -> Herd:
    """Give the recordings of a source; a name alone is a Source as usual otherwise.

    place: the folder of the files; not looked at by "synthetic"
    seed, subjects, seconds: of what is simulated; files are read whole, unless the
    Source says how much of them. Raise Unreadable where anything is not as it must be.
    The same files and the same Source give the same bits.
    """
    asked = Source(source=source) if isinstance(source, str) else source
    if asked.source == "synthetic":
        made = simulated(
            seed=seed,
            subjects=asked.subjects or subjects,
            seconds=asked.seconds or seconds,
            rate_hz=asked.rate_hz,
        )
        return checked(renamed(made, asked.labels)) if asked.labels else made
    folder = _folder(asked.source, place)
    made = herd(READERS[asked.source](folder, asked.subjects), asked)
    return checked(renamed(made, asked.labels))


def renamed(made: Herd, names: Mapping[str, str]) -> Herd:
    """Give behaviours other names, several perhaps one; the others are not labelled."""
    if not names:
        return made
    for name in names:
        if name not in made.labels:
            reason = f"has no behaviour {name!r}: wanted {', '.join(made.labels)}"
            where = f"data.labels: source {made.source!r}"
            raise Unreadable(where, reason, near(name, made.labels))
    labels = tuple(dict.fromkeys(names.values()))
    number = [
        labels.index(names[name]) if name in names else UNLABELLED
        for name in made.labels
    ]
    known_as = np.array([*number, UNLABELLED], dtype=np.int64)
    pieces = tuple(
        each._replace(truth=known_as[each.truth]) for each in made.recordings
    )
    return made._replace(recordings=pieces, labels=labels)


def _folder(source: str, place: Path | None) -> Path:
    """Give the folder of a source, if anything is there."""
    if place is not None and place.is_dir() and any(place.iterdir()):
        return place
    at = "data/recordings" if place is None else str(place)
    if place is not None and place.is_file():
        reason = "is a file and no folder"
    elif place is not None and place.is_symlink() and not place.exists():
        reason = "is a link that leads nowhere"
    else:
        is_there = place is not None and place.exists()
        reason = "is empty" if is_there else "is not there"
    advice = (
        f"put {WANTED[source]} into data/recordings (a link to a folder is fine), "
        "or say data.source=synthetic"
    )
    raise Unreadable(at, f"{reason}, and source {source!r} reads from it", advice)
