"""Simulated recordings: a world with a known truth."""

from __future__ import annotations

import numpy as np

from models.synthetic.recording import Recording, record
from models.synthetic.windows import origin
from models.synthetic.world import world
from stages.reading.account import Tally, account
from stages.reading.herd import CHANNELS, PLACES, Herd, Recorded


def simulated(
    *, seed: int, subjects: int, seconds: float, rate_hz: float = 100.0
) -> Herd:
    """Record `subjects` of the population `seed`, numbered from 0, each once."""
    if subjects < 1:
        raise ValueError(f"subjects is {subjects}: wanted 1 or more")
    known = world(rate_hz)
    herd = tuple(_recorded(record(known, seed, n, seconds)) for n in range(subjects))
    absent = np.zeros((CHANNELS, PLACES), dtype=np.bool_)
    tallies = [(each.name, Tally(seconds=each.truth.size / rate_hz)) for each in herd]
    return Herd(
        herd,
        known.names,
        known.rate_hz,
        absent,
        "synthetic",
        account(tallies, subjects),
    )


def _recorded(made: Recording) -> Recorded:
    """Name a recording as models/synthetic names what its windows come from."""
    size = len(made.labels)
    known_as = origin(made, np.zeros(1, dtype=np.int64), size)
    subject, name, stream = (
        str(each[0]) for each in (known_as.subject, known_as.recording, known_as.stream)
    )
    return Recorded(made.frames, made.labels, subject, name, 0, stream)
