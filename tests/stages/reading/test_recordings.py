"""A user's own files come back as they were measured, in one form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.stages.reading import writers
from tests.stages.reading.reader import herd_of, lines_of

FORMATS = {
    "csv": (writers.write_csv, "_"),
    "npz": (writers.write_npz, "_"),
    "h5": (writers.write_hdf5, "/"),
}
NUMBERED = dict(enumerate(writers.BEHAVIOURS))


@pytest.mark.parametrize("ending", FORMATS)
def test_what_was_written_is_read_in_our_units(tmp_path: Path, ending: str) -> None:
    """All nine channels of both devices, and the behaviour of each frame."""
    write, mark = FORMATS[ending]
    made = writers.simulated(1)
    write(tmp_path / f"rex.{ending}", made)
    behaviours = NUMBERED if ending == "npz" else list(writers.BEHAVIOURS)
    listed = [{"file": f"rex.{ending}", "subject": "rex"}]
    said = writers.layout(behaviours=behaviours, devices=writers.devices(mark))
    writers.write_manifest(tmp_path, {**said, "recordings": listed})

    found = herd_of("recordings", tmp_path)

    (piece,) = found.recordings
    np.testing.assert_allclose(piece.frames, made.frames, rtol=2e-6, atol=1e-6)
    np.testing.assert_array_equal(piece.truth, made.labels)


def test_two_loggers_of_other_rates_and_clocks_meet(tmp_path: Path) -> None:
    """The back was sampled at 208 Hz by a clock that began 0.35 s later."""
    made = writers.simulated(1)
    writers.write_csv(tmp_path / "collar.csv", made)
    writers.write_csv(tmp_path / "back.csv", writers.simulated(1, 20.0, 208.0))
    entry = {
        "files": {"collar": "collar.csv", "back": "back.csv"},
        "subject": "rex",
        "clocks": {"back": {"offset_s": 0.35}},
    }
    devices = writers.devices()
    devices["back"]["rate_hz"] = 208.0
    said = writers.layout(time=None, rate_hz=100, devices=devices, recordings=[entry])
    writers.write_manifest(tmp_path, said)

    (piece,) = herd_of("recordings", tmp_path).recordings

    # Noise of other draws lies on both; gravity and strides are the same.
    late = made.frames[2, 1, piece.first - 35 :][: piece.frames.shape[2]]
    assert 35 <= piece.first <= 45
    assert np.corrcoef(late, piece.frames[2, 1])[0, 1] > 0.9


def test_stretches_label_what_lies_in_them(tmp_path: Path) -> None:
    """Intervals take the place of a column, and what is in none is not labelled."""
    (made,) = writers.write_folder(tmp_path, 1)
    spans = [(0.5, 1.5, "walk"), (3, 4, "sit"), (1.5, 2.0, "trot")]
    head = ["begin_s", "end_s", "behaviour"]
    writers.write_rows(tmp_path / "said.csv", head, spans)
    entry = {"file": "dog0.csv", "subject": "dog 0", "intervals": "said.csv"}
    said = writers.layout(labels=None, recordings=[entry])
    writers.write_manifest(tmp_path, said)

    (piece,) = herd_of("recordings", tmp_path).recordings

    wanted = np.full(len(made.labels), -1)
    for begin, end, name in spans:
        span = slice(round(100 * begin), round(100 * end))
        wanted[span] = writers.BEHAVIOURS.index(name)
    np.testing.assert_array_equal(piece.truth, wanted)


def test_one_array_may_hold_three_axes(tmp_path: Path) -> None:
    """(T, 3), as many programs write it, and a rate for the time."""
    made = writers.simulated(1)
    acc = np.stack([writers.columns(made)[f"collar_a{axis}"] for axis in "xyz"], axis=1)
    np.savez(tmp_path / "rex.npz", acc=acc, said=np.array(writers.words(made)))
    sensor = {"from": "acc", "unit": "m/s2"}
    said = writers.layout(
        time=None,
        rate_hz=100,
        labels="said",
        devices={"collar": {"accelerometer": sensor}},
        recordings=[{"file": "rex.npz", "subject": "rex"}],
    )
    writers.write_manifest(tmp_path, said)

    (piece,) = herd_of("recordings", tmp_path).recordings

    np.testing.assert_allclose(piece.frames[:3, 0], made.frames[:3, 0], atol=2e-6)
    np.testing.assert_array_equal(piece.truth, made.labels)


def test_a_manifest_may_be_json(tmp_path: Path) -> None:
    """The same keys, the same recordings."""
    writers.write_folder(tmp_path, 1, 5.0)
    plain = herd_of("recordings", tmp_path)
    (tmp_path / "recordings.yaml").unlink()
    listed = [{"file": "dog0.csv", "subject": "dog 0"}]
    writers.write_json(tmp_path, writers.layout(recordings=listed))

    found = herd_of("recordings", tmp_path)

    assert found.labels == plain.labels
    assert found.recordings[0].frames.tobytes() == plain.recordings[0].frames.tobytes()


def test_a_recording_may_say_otherwise(tmp_path: Path) -> None:
    """Its own time, units and labels, where the top says other ones."""
    made = writers.write_folder(tmp_path, 2, 5.0)
    rows = lines_of(tmp_path / "dog1.csv")
    cut = [line.split(",", 1)[1] for line in rows]
    (tmp_path / "dog1.csv").write_text("".join(cut).replace("label", "was"))
    listed = [
        {"file": "dog0.csv", "subject": "dog 0"},
        {"file": "dog1.csv", "subject": "dog 1", "labels": "was", "rate_hz": 100},
    ]
    writers.write_manifest(tmp_path, writers.layout(recordings=listed))

    found = herd_of("recordings", tmp_path)

    for piece, wanted in zip(found.recordings, made, strict=True):
        np.testing.assert_allclose(piece.frames, wanted.frames, rtol=2e-6, atol=2e-6)
        np.testing.assert_array_equal(piece.truth, wanted.labels)


def test_time_of_day_begins_with_the_recording(tmp_path: Path) -> None:
    """Milliseconds since 1970 lose nothing: the first row is the first frame."""
    (made,) = writers.write_folder(tmp_path, 1, 5.0)
    rows = [line.split(",", 1) for line in lines_of(tmp_path / "dog0.csv")]
    late = [f"{1_700_000_000_000 + 10 * n},{row[1]}" for n, row in enumerate(rows[1:])]
    (tmp_path / "dog0.csv").write_text("t," + rows[0][1] + "".join(late))
    listed = [{"file": "dog0.csv", "subject": "dog 0"}]
    time = {"from": "t", "unit": "ms"}
    writers.write_manifest(tmp_path, writers.layout(time=time, recordings=listed))

    (piece,) = herd_of("recordings", tmp_path).recordings

    assert piece.first == 0
    np.testing.assert_allclose(piece.frames, made.frames, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(piece.truth, made.labels)


def test_a_part_may_be_read(tmp_path: Path) -> None:
    """So many subjects, so many seconds of each recording, some of the behaviours."""
    made = writers.write_folder(tmp_path, 3, 6.0)
    names = {"walk": "move", "trot": "move", "stand": "stand"}

    found = herd_of("recordings", tmp_path, subjects=2, seconds=4.0, labels=names)

    assert found.subjects == ("dog 0", "dog 1")
    assert found.labels == ("move", "stand")
    moves = [writers.BEHAVIOURS.index(name) for name in ("walk", "trot")]
    for piece, wanted in zip(found.recordings, made[:2], strict=True):
        assert piece.frames.shape == (9, 2, 400)
        does = np.isin(wanted.labels[:400], moves)
        np.testing.assert_array_equal(piece.truth == 0, does)


def test_the_same_files_give_the_same_bits(tmp_path: Path) -> None:
    """Read twice: equal to the last bit, in the same order."""
    writers.write_folder(tmp_path, 2, 5.0)

    one, other = (
        herd_of("recordings", tmp_path, rate_hz=50.0),
        herd_of("recordings", tmp_path, rate_hz=50.0),
    )

    assert one.account == other.account
    for a, b in zip(one.recordings, other.recordings, strict=True):
        assert a.frames.tobytes() == b.frames.tobytes()
        assert a.truth.tobytes() == b.truth.tobytes()
        assert a[2:] == b[2:]
