"""The files of UCI-HAR: windows become recordings again, where they really join."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stages.reading.unreadable import Unreadable
from tests.stages.reading import writers
from tests.stages.reading.reader import herd_of

if TYPE_CHECKING:
    from models.shapes import IntArray
    from models.synthetic.recording import Recording

PEOPLE = (("train", 1, 0), ("train", 1, 1), ("train", 3, 2), ("test", 2, 3))


def written(folder: Path) -> list[Recording]:
    """Write four recordings of three people; give them."""
    made = [writers.simulated(n, 20.0, 50.0) for _, _, n in PEOPLE]
    parts = [(part, who, made[n]) for part, who, n in PEOPLE]
    writers.write_uci(folder, parts)
    return made


def said_of(labels: IntArray, n_frames: int) -> IntArray:
    """Say what windows with the label of their middle say of each frame together."""
    middles = [labels[64 * n + 64] for n in range(n_frames // 64 - 1)]
    halves = [middles[0]]
    halves += [a if a == b else -1 for a, b in pairwise(middles)]
    return np.repeat([*halves, middles[-1]], 64)


def test_windows_become_the_recordings_they_were_cut_from(tmp_path: Path) -> None:
    """Nothing twice, nothing lost; what two windows do not agree on is not known."""
    made = written(tmp_path)

    found = herd_of("uci_har", tmp_path, rate_hz=50.0)

    assert found.subjects == ("person 1", "person 3", "person 2")
    assert len({each.name for each in found.recordings}) == 4
    for piece, wanted in zip(found.recordings, made, strict=True):
        n_frames = piece.frames.shape[2]
        assert n_frames == 64 * (len(wanted.labels) // 64)
        expected = wanted.frames[:6, 0, :n_frames]
        np.testing.assert_allclose(piece.frames[:6, 0], expected, atol=1e-6, rtol=1e-6)
        truth = said_of(wanted.labels, n_frames)
        np.testing.assert_array_equal(piece.truth, truth)


def test_one_device_at_the_rate_of_the_pipeline(tmp_path: Path) -> None:
    """50 Hz become 100 Hz through every reading; what was not worn is absent."""
    made = written(tmp_path / "UCI HAR Dataset")

    found = herd_of("uci_har", tmp_path)

    assert found.rate_hz == 100.0
    assert found.labels == tuple(name.upper() for name in writers.BEHAVIOURS)
    assert found.absent.tolist() == [[False, True]] * 6 + [[True, True]] * 3
    piece = found.recordings[0]
    known = made[0].frames[:6, 0, : (piece.frames.shape[2] + 1) // 2]
    np.testing.assert_allclose(piece.frames[:6, 0, ::2], known, atol=2e-6)
    assert not piece.frames[found.absent].any()


def test_halves_that_differ_are_not_joined(tmp_path: Path) -> None:
    """One reading of one channel is other than in the window before: two recordings."""
    written(tmp_path)
    path = tmp_path / "train" / "Inertial Signals" / "body_gyro_y_train.txt"
    rows = path.read_text().splitlines()
    rows[3] = rows[3].replace(rows[3].split()[5], "9.9999000e+00", 1)
    path.write_text("\n".join(rows) + "\n")

    found = herd_of("uci_har", tmp_path)

    ends = [each.name for each in found.recordings if each.subject == "person 1"]
    assert ends[:2] == [
        "person 1, train windows 1 to 3",
        "person 1, train windows 4 to 14",
    ]


def test_two_people_are_never_joined(tmp_path: Path) -> None:
    """A telephone that lies on a table reads the same for everyone."""
    still = writers.simulated(0, 10.0, 50.0)
    still.frames[:] = np.float32(1.0)
    writers.write_uci(tmp_path, [("train", 1, still), ("train", 2, still)])
    writers.write_uci(
        tmp_path / "other", [("test", 3, writers.simulated(1, 10.0, 50.0))]
    )
    for path in (tmp_path / "other" / "test").rglob("*.txt"):
        below = path.relative_to(tmp_path / "other")
        (tmp_path / below).write_text(path.read_text())

    lines = herd_of("uci_har", tmp_path).account.lines

    assert "18 windows stitched to 3 recordings" in lines


def test_so_many_people_are_the_first_by_number(tmp_path: Path) -> None:
    """Wherever the distribution put them."""
    written(tmp_path)

    assert set(herd_of("uci_har", tmp_path, subjects=2).subjects) == {
        "person 1",
        "person 2",
    }


SIGNAL = "train/Inertial Signals/total_acc_x_train.txt"
AGAIN = "  copy both again from one distribution"
Rows = list[str]
WRONG: dict[str, tuple[str, Callable[[Rows], Rows | None], str]] = {
    "a line that is cut off": (
        SIGNAL,
        lambda rows: [*rows[:4], rows[4][:900], *rows[5:]],
        f"{SIGNAL}:5: has 60 numbers: wanted 128\n  was the file cut off?",
    ),
    "a line that is missing": (
        SIGNAL,
        lambda rows: rows[:-1],
        f"{SIGNAL}: has 41 lines, and train/y_train.txt has 42\n{AGAIN}",
    ),
    "an empty line": (
        SIGNAL,
        lambda rows: [*rows[:2], "", *rows[2:]],
        f"{SIGNAL}:3: has 0 numbers: wanted 128\n  was the file cut off?",
    ),
    "text": (
        SIGNAL,
        lambda rows: [*rows[:7], " x" + rows[7][2:], *rows[8:]],
        f"{SIGNAL}:8: 'x4.2313337e-01' is no number",
    ),
    "an activity without a name": (
        "train/y_train.txt",
        lambda rows: [*rows[:1], "77", *rows[2:]],
        "train/y_train.txt:2: activity 77 is not in activity_labels.txt",
    ),
    "half a person": (
        "train/subject_train.txt",
        lambda rows: [*rows[:1], "1.5", *rows[2:]],
        "train/subject_train.txt:2: 1.5 is no whole number",
    ),
    "an activity twice": (
        "activity_labels.txt",
        lambda rows: [*rows, "1 WALK"],
        "activity_labels.txt:11: '1 WALK': wanted a new number and a name",
    ),
    "an empty file": (
        "test/y_test.txt",
        lambda _: None,
        "test/y_test.txt: is empty\n  copy it again, or leave it out",
    ),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files once."""
    folder = tmp_path_factory.mktemp("uci")
    written(folder)
    return folder


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_by_its_line(whole: Path, case: str) -> None:
    """File, line, reason, and what to do."""
    name, spoil, message = WRONG[case]
    path = whole / name
    before = path.read_text()
    rows = spoil(before.splitlines())
    path.write_text("\n".join(rows) + "\n" if rows else "")
    try:
        with pytest.raises(Unreadable) as refused:
            herd_of("uci_har", whole)
    finally:
        path.write_text(before)

    assert str(refused.value) == message
