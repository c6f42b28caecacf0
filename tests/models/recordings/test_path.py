"""From two devices' files to an accuracy, as a stage would go."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from models import chance
from models.leakage import scale
from models.leakage.certificate import Leak, certify, judged
from models.leakage.division import by_subject
from models.leakage.provenance import Provenance
from models.leakage.split import Split, part
from models.recordings.clocks import Clock, fitted
from models.recordings.device import GRAVITY, device
from models.recordings.findings import inspect, measured
from models.recordings.labels import labelled
from models.recordings.pieces import pieces
from models.recordings.together import together
from models.recordings.units import check_units
from models.recordings.windows import windows

RATE = 100.0
NAMES = tuple(f"{kind}_{axis}" for kind in ("acc", "gyr", "mag") for axis in "xyz")
UNITS = ("g",) * 3 + ("deg/s",) * 3 + ("uT",) * 3


class Herd(NamedTuple):
    """All windows of all subjects."""

    frames: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    origin: Provenance


def file_of(
    subject: int, place: int, clock: Clock, rate_hz: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Write what a device reads: rest and shaking in turns, a hole, a stuck second."""
    rng = chance.stream(subject, "device", place)
    times = np.arange(0.0, 30.0, 1.0 / rate_hz)
    common = clock.common(times)
    shaking = (common % 10.0) >= 5.0
    read = rng.normal(0.0, 0.01, (len(times), 9))
    read[:, 2] += 1.0
    read += 0.5 * shaking[:, None] * np.sin(2 * np.pi * 3.0 * common)[:, None]
    read[:, 3:6] *= 10.0
    kept = (common < 12.0) | (common >= 12.5)
    return times[kept], read[kept]


def recorded(subject: int) -> Herd:
    """Read two devices of one subject, of other rates and clocks, into windows."""
    taps = np.array([1.0, 29.0])
    clocks = (Clock(), fitted(taps, 0.25 + 1.0001 * taps))
    found = []
    for place, (clock, rate_hz) in enumerate(zip(clocks, (100.0, 208.0), strict=True)):
        times, read = file_of(subject, place, clock, rate_hz)
        one = device(f"device {place}", times, read, NAMES, UNITS)
        assert check_units(one).norm == pytest.approx(GRAVITY, rel=0.02)
        good = measured(one, inspect(one))
        found.append(pieces(good, RATE, clock=clock))
    both = together(*found)
    truth_s = np.arange(0.0, 31.0, 0.5)
    labels = [
        labelled(
            (each.first + np.arange(len(each.frames))) / RATE,
            truth_s,
            ((truth_s % 10.0) >= 5.0).astype(np.int64),
            within_s=0.5,
        )
        for each in both
    ]
    cut = windows(both, subject=f"dog {subject}", name=f"walk {subject}", labels=labels)
    return Herd(cut.frames, cut.labels, cut.origin)


@pytest.fixture(scope="module")
def herd() -> Herd:
    """Record ten subjects."""
    each = [recorded(subject) for subject in range(10)]
    columns = zip(*(one.origin for one in each), strict=True)
    return Herd(
        np.concatenate([one.frames for one in each]),
        np.concatenate([one.labels for one in each]),
        Provenance(*(np.concatenate(column) for column in columns)),
    )


def split_by(herd: Herd, where: npt.NDArray[np.int64]) -> Split:
    """Describe the three parts."""
    train, calibrate, test = (
        part(herd.frames[where == p], herd.origin.of(where == p)) for p in range(3)
    )
    return Split(train, calibrate, test)


def test_strangers_are_judged_by_what_was_measured(herd: Herd) -> None:
    """Two devices, two clocks, a hole: all windows of the network's shape, and 0.9."""
    where = by_subject(herd.origin.subject, herd.labels).part
    train, test = where == 0, where == 2
    known = scale.fitted(herd.frames[train])
    certificate = certify(split_by(herd, where), known)

    moves = known.applied(herd.frames[test])[:, 0].std(axis=(1, 2))
    guesses = (moves > 0.5).astype(np.int64)
    found = judged(certificate, herd.frames[test], herd.labels[test], guesses)

    assert herd.frames.shape[1:] == (9, 2, 100)
    assert herd.frames.dtype == np.float32
    assert found.accuracy > 0.9
    assert found.claim == "subjects that were never seen"


def test_windows_that_were_shuffled_are_not_judged(herd: Herd) -> None:
    """Half a window in common with the next: shuffling puts one in each part."""
    where = chance.stream(1, "shuffle").integers(0, 3, len(herd.labels))

    with pytest.raises(Leak) as caught:
        certify(split_by(herd, where))

    said = str(caught.value)
    assert "subject 'dog 0' is in train" in said
    assert "recording 'walk 0'" in said
    assert "hold frames that are in train too" in said


def test_no_window_lies_over_the_hole(herd: Herd) -> None:
    """Nothing was measured from 12 to 12.5 s, and no frame says otherwise."""
    over = (herd.origin.start < 1250) & (herd.origin.stop > 1201)

    assert not over.any()
    assert len(herd.labels) > 10 * 40
