"""What was not measured is in nothing that is read, and it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.stages.reading import writers
from tests.stages.reading.reader import herd_of, lines_of


def test_a_hole_parts_a_recording(tmp_path: Path) -> None:
    """What was not measured is in no piece, and all pieces are of one recording."""
    (made,) = writers.write_folder(tmp_path, 1)
    rows = lines_of(tmp_path / "dog0.csv")
    (tmp_path / "dog0.csv").write_text("".join(rows[:801] + rows[901:]))

    found = herd_of("recordings", tmp_path)

    before, behind = found.recordings
    assert (before.first, before.frames.shape[2]) == (0, 800)
    assert (behind.first, behind.frames.shape[2]) == (900, 1100)
    assert before.name == behind.name == "dog0.csv"
    np.testing.assert_array_equal(behind.truth, made.labels[900:])
    assert found.account.numbers["data_gaps"] == 2  # one of each device
    assert "2 gaps, 1.00 s left out" in found.account.lines[1]


@pytest.mark.parametrize("hole", ["", "nan", "NA", "NaN", "null"])
def test_what_is_no_number_for_a_moment_is_bridged(tmp_path: Path, hole: str) -> None:
    """Three empty cells in one column: a straight line, and it is told."""
    (made,) = writers.write_folder(tmp_path, 1)
    rows = lines_of(tmp_path / "dog0.csv")
    for line in (501, 502, 503):
        cells = rows[line].split(",")
        rows[line] = ",".join([cells[0], hole, *cells[2:]])
    (tmp_path / "dog0.csv").write_text("".join(rows))

    found = herd_of("recordings", tmp_path)

    (piece,) = found.recordings
    straight = np.interp(501, [499, 503], made.frames[0, 0, [499, 503]])
    assert piece.frames[0, 0, 501] == pytest.approx(straight, abs=1e-5)
    assert "3 readings missing, 0.05 s bridged" in found.account.lines[1]
    assert found.account.numbers["data_bridged_share"] == pytest.approx(0.05 / 20)


def test_readings_at_the_end_of_the_scale_are_none(tmp_path: Path) -> None:
    """A second of a clipped channel is a hole, where the scale's end is declared."""
    writers.write_folder(tmp_path, 1)
    rows = lines_of(tmp_path / "dog0.csv")
    for line in range(501, 601):
        cells = rows[line].split(",")
        rows[line] = ",".join([cells[0], f"{39.2 + line % 2 / 1000}", *cells[2:]])
    (tmp_path / "dog0.csv").write_text("".join(rows))
    said = writers.devices()
    said["collar"]["accelerometer"]["full_scale"] = 39.2
    listed = [{"file": "dog0.csv", "subject": "dog 0"}]
    writers.write_manifest(tmp_path, writers.layout(devices=said, recordings=listed))

    found = herd_of("recordings", tmp_path)

    assert [each.first for each in found.recordings] == [0, 600]
    assert "100 readings at the end of the scale" in found.account.lines[1]


def test_what_nobody_wore_is_absent_and_zero(tmp_path: Path) -> None:
    """One device without a magnetometer: twelve of eighteen channels are not there."""
    (made,) = writers.write_folder(tmp_path, 1)
    collar = dict(list(writers.devices()["collar"].items())[:2])
    listed = [{"file": "dog0.csv", "subject": "dog 0"}]
    said = writers.layout(devices={"collar": collar}, recordings=listed)
    writers.write_manifest(tmp_path, said)

    found = herd_of("recordings", tmp_path)

    (piece,) = found.recordings
    assert found.absent.tolist() == [[False, True]] * 6 + [[True, True]] * 3
    assert not piece.frames[found.absent].any()
    np.testing.assert_allclose(piece.frames[:6, 0], made.frames[:6, 0], atol=2e-6)


def test_what_is_too_seldom_is_remarked_on(tmp_path: Path) -> None:
    """A behaviour that never occurs, or in one subject alone, and who does one only."""
    writers.write_folder(tmp_path, 2, 5.0)
    for n, odd in enumerate(("sit", "lie")):
        path = tmp_path / f"dog{n}.csv"
        cut = [line.rstrip().rsplit(",", 1)[0] for line in lines_of(path)[1:]]
        said = [f"{row},{odd if t % 2 else 'lie'}\n" for t, row in enumerate(cut)]
        path.write_text(lines_of(path)[0] + "".join(said))

    lines = herd_of("recordings", tmp_path).account.lines

    assert "behaviour 'walk' never occurs" in lines
    assert "behaviour 'sit': only subject 'dog 0' does it" in lines
    assert "subject 'dog 1' has one behaviour only: 'lie'" in lines


def test_what_one_recording_lacks_no_recording_has(tmp_path: Path) -> None:
    """Else it would be known by its zeros, whoever wore it."""
    writers.write_folder(tmp_path, 2, 5.0)
    whole = writers.devices()
    without = {name: dict(list(its.items())[:2]) for name, its in whole.items()}
    listed = [
        {"file": "dog0.csv", "subject": "dog 0"},
        {"file": "dog1.csv", "subject": "dog 1", "devices": without},
    ]
    writers.write_manifest(tmp_path, writers.layout(recordings=listed))

    found = herd_of("recordings", tmp_path)

    assert found.absent.tolist() == [[False] * 2] * 6 + [[True] * 2] * 3
    assert not any(each.frames[found.absent].any() for each in found.recordings)
    assert "6 channels are given up, which 'dog1.csv' lacks" in found.account.lines


def test_what_is_kept_is_what_is_told_of(tmp_path: Path) -> None:
    """The share without a label, and what is too seldom, are of the names asked for."""
    (made,) = writers.write_folder(tmp_path, 1, 10.0)
    seen = writers.words(made)[0]

    found = herd_of("recordings", tmp_path, labels={seen: "it"})

    share = 1.0 - writers.words(made).count(seen) / len(made.labels)
    assert found.account.numbers["data_unlabelled_share"] == pytest.approx(share)
    assert found.account.lines[-1] == "subject 'dog 0' has one behaviour only: 'it'"
