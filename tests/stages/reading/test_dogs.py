"""The dog-movement data: two devices, several tests of a dog, labels with holes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.reading.unreadable import Unreadable
from tests.stages.reading import writers
from tests.stages.reading.reader import herd_of

TESTS = ((16, 1, 0), (16, 2, 1), (18, 1, 2))


def written(folder: Path, rows: list[list[str]] | None = None) -> list[list[str]]:
    """Write three tests of two dogs, or these rows; give the rows."""
    if rows is None:
        made = [
            writers.dog_rows(*ids[:2], writers.simulated(ids[2], 8.0)) for ids in TESTS
        ]
        rows = [row for one in made for row in one]
    writers.write_rows(folder / "DogMoveData.csv", writers.DOG_HEAD, rows)
    return rows


def test_each_test_of_each_dog_is_a_recording(tmp_path: Path) -> None:
    """The neck first, then the back, in our units; no magnetometer."""
    written(tmp_path)

    found = herd_of("dogs", tmp_path)

    assert found.subjects == ("dog 16", "dog 18")
    names = [f"dog {dog}, test {test}" for dog, test, _ in TESTS]
    assert [each.name for each in found.recordings] == names
    assert found.absent.tolist() == [[False] * 2] * 6 + [[True] * 2] * 3
    for piece, (_, _, n) in zip(found.recordings, TESTS, strict=True):
        made = writers.simulated(n, 8.0)
        np.testing.assert_allclose(piece.frames[:6], made.frames[:6], atol=2e-6)
        said = [found.labels[label] for label in piece.truth]
        assert said == writers.words(made)


def test_the_first_behaviour_that_is_defined_counts(tmp_path: Path) -> None:
    """Undefined is none, and so is whatever synchronises the cameras."""
    rows = written(tmp_path)[:400]
    said = (
        ("<undefined>", "Walking", "Sniffing"),
        ("Synchronization", "Walking", "<undefined>"),
        ("Lying chest", "Panting", "<undefined>"),
        ("<undefined>", "<undefined>", "<undefined>"),
    )
    for n, row in enumerate(rows):
        row[16:19] = said[n // 100]
    written(tmp_path, rows)

    found = herd_of("dogs", tmp_path)

    assert found.labels == ("Lying chest", "Panting", "Sniffing", "Walking")
    wanted = np.repeat([3, -1, 0, -1], 100)
    np.testing.assert_array_equal(found.recordings[0].truth, wanted)


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """Another order of columns, quotes and Windows line ends change nothing."""
    rows = written(tmp_path)
    plain = herd_of("dogs", tmp_path)
    turned = [row[::-1] for row in rows]
    path = tmp_path / "DogMoveData.csv"
    writers.write_rows(path, writers.DOG_HEAD[::-1], turned, quoting=1)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    found = herd_of("dogs", tmp_path)

    for one, other in zip(plain.recordings, found.recordings, strict=True):
        assert one.frames.tobytes() == other.frames.tobytes()
        assert one.truth.tobytes() == other.truth.tobytes()


def test_rows_twice_and_rows_missing_are_findings(tmp_path: Path) -> None:
    """The published file has both: they are mended or left out, and told."""
    rows = written(tmp_path)[:800]
    written(tmp_path, rows[:300] + rows[298:500] + rows[600:])

    found = herd_of("dogs", tmp_path)

    assert [each.first for each in found.recordings] == [0, 600]
    said = "dog 16, test 1: 2 gaps, 4 rows out of order or twice, 1.00 s left out"
    assert said in found.account.lines


def test_so_many_dogs_are_the_first_of_the_file(tmp_path: Path) -> None:
    """All tests of a dog come with it."""
    written(tmp_path)

    found = herd_of("dogs", tmp_path, subjects=1)

    assert [each.subject for each in found.recordings] == ["dog 16", "dog 16"]


def test_units_that_cannot_be_are_remarked_on(tmp_path: Path) -> None:
    """Someone else's file cannot be mended here: it is read, and it is said."""
    rows = writers.dog_rows(16, 1, writers.simulated(4, 30.0))
    for row in rows:
        row[6:9] = [f"{9.81 * float(cell):.6g}" for cell in row[6:9]]
    written(tmp_path, rows)

    (remark,) = (
        line for line in herd_of("dogs", tmp_path).account.lines if "declared" in line
    )

    assert remark.startswith(
        "device 'dog 16, test 1, Neck', channel 'acc_x': declared g"
    )


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    """By its line."""
    rows = written(tmp_path)
    rows[40][2] = ""
    written(tmp_path, rows)

    with pytest.raises(Unreadable) as refused:
        herd_of("dogs", tmp_path)

    assert str(refused.value) == "DogMoveData.csv:42: t_sec is no number"
