"""From the `data` of a run to recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.synthetic.recording import record
from models.synthetic.windows import origin
from models.synthetic.world import world
from stages.reading.herd import enough
from stages.reading.source import Source, chosen
from stages.reading.sources import read
from stages.reading.unreadable import Unreadable


def test_simulated_recordings_are_those_of_the_world() -> None:
    """Bit for bit, with the names by which a split knows them."""
    found = read("synthetic", None, seed=5, subjects=3, seconds=4.0)

    made = record(world(), 5, 2, 4.0)
    known = origin(made, np.array([0]), 400)
    piece = found.recordings[2]
    assert piece.frames.tobytes() == made.frames.tobytes()
    np.testing.assert_array_equal(piece.truth, made.labels)
    assert [piece.subject, piece.name, piece.stream] == [
        str(each[0]) for each in (known.subject, known.recording, known.stream)
    ]
    assert not found.absent.any()


def test_what_the_user_says_goes_before_the_profile() -> None:
    """Subjects, seconds and rate of the data, and behaviours by other names."""
    data = {"subjects": 2, "seconds": 3, "rate_hz": 50, "labels": ["walk", "sit"]}

    found = read(chosen(data), None, seed=0, subjects=9, seconds=60.0)

    assert found.labels == ("walk", "sit")
    assert [each.frames.shape for each in found.recordings] == [(9, 2, 150)] * 2
    made = record(world(50.0), 0, 0, 3.0)
    wanted = {world().names.index(name): n for n, name in enumerate(found.labels)}
    said = [wanted.get(int(label), -1) for label in made.labels]
    assert found.recordings[0].truth.tolist() == said


KEYS = "source, rate_hz, labels, subjects, seconds, shortest_s"
KNOWN = "wanted synthetic, recordings, uci_har, dogs"
LABELS = "wanted a list of names, or a map from names to names"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a key nobody knows": (
        {"sorce": "dogs"},
        f"data.sorce: no such key: wanted {KEYS}\n  did you mean 'source'?",
    ),
    "a source nobody knows": (
        {"source": "uci-har"},
        f"data.source: 'uci-har' is no source: {KNOWN}\n  did you mean 'uci_har'?",
    ),
    "a source that is no text": (
        {"source": ["dogs"]},
        f"data.source: ['dogs'] is no source: {KNOWN}\n  did you mean 'dogs'?",
    ),
    "a rate of nothing": ({"rate_hz": 0}, "data.rate_hz: 0: wanted a positive number"),
    "a rate of the radio": (
        {"rate_hz": 1e6},
        "data.rate_hz: 1e+06: wanted 20000 or less",
    ),
    "a rate that is text": (
        {"rate_hz": "fast"},
        "data.rate_hz: 'fast': wanted a positive number",
    ),
    "a switch for a number": (
        {"seconds": True},
        "data.seconds: True: wanted a positive number",
    ),
    "half a subject": (
        {"subjects": 2.5},
        "data.subjects: 2.5: wanted a whole number, 1 or more",
    ),
    "labels that are a text": ({"labels": "walk"}, f"data.labels: 'walk': {LABELS}"),
    "labels that are numbers": ({"labels": [1]}, f"data.labels: {{1: 1}}: {LABELS}"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_nobody_can_mean_is_refused(case: str) -> None:
    """By its key, with what was found and what is wanted."""
    data, message = REFUSED[case]

    with pytest.raises(Unreadable) as refused:
        chosen(data)

    assert str(refused.value) == message


def test_a_behaviour_nobody_shows_is_refused() -> None:
    """The near name is named."""
    with pytest.raises(Unreadable, match=r"has no behaviour 'wlak'.*\n.*mean 'walk'"):
        read(chosen({"labels": ["wlak"]}), None, seed=0, subjects=1, seconds=1.0)


READS = "and source {!r} reads from it"
PUT = "  put {} into data/recordings (a link to a folder is fine), or say "
ABSENT: dict[str, tuple[str, Any, str]] = {
    "nothing": ("dogs", lambda _: None, "is not there"),
    "an empty folder": ("uci_har", Path.mkdir, "is empty"),
    "a file": ("recordings", Path.touch, "is a file and no folder"),
    "a link to nowhere": (
        "dogs",
        lambda place: place.symlink_to("nowhere"),
        "is a link that leads nowhere",
    ),
}
WANTED = {
    "recordings": "recordings.yaml and the files it lists",
    "uci_har": "the unpacked folder `UCI HAR Dataset`, or what is in it",
    "dogs": "DogMoveData.csv",
}


@pytest.mark.parametrize("case", ABSENT)
def test_files_that_are_not_there_are_asked_for(tmp_path: Path, case: str) -> None:
    """What is missing, and where to put which files."""
    source, make, reason = ABSENT[case]
    place = tmp_path / "recordings"
    make(place)

    with pytest.raises(Unreadable) as refused:
        read(source, place, seed=0, subjects=1, seconds=1.0)

    put = PUT.format(WANTED[source]) + "data.source=synthetic"
    assert str(refused.value) == f"{place}: {reason}, {READS.format(source)}\n{put}"


def test_a_folder_may_be_a_link(tmp_path: Path) -> None:
    """As data sets are given to a run."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "other.csv").write_text("a\n")
    (tmp_path / "data").symlink_to(tmp_path / "home")

    with pytest.raises(Unreadable, match=r"there is no file 'DogMoveData\.csv'"):
        read("dogs", tmp_path / "data", seed=0, subjects=1, seconds=1.0)


def test_a_split_wants_a_subject_for_each_part() -> None:
    """Four, or it says how many there are and that pieces are no substitute."""
    made = read("synthetic", None, seed=0, subjects=4, seconds=1.0)

    assert enough(made) is made
    few = made._replace(recordings=made.recordings[:2] * 2)
    with pytest.raises(Unreadable) as refused:
        enough(few)
    assert str(refused.value) == (
        "source 'synthetic': 2 subjects ('seed 0, subject 0', 'seed 0, subject 1'), "
        "but a split into train, validate, calibrate, test wants 4 or more, for nobody "
        "is in two parts\n"
        "  record more subjects; pieces of one subject are no substitute"
    )


def test_a_source_by_name_is_a_source_as_usual() -> None:
    """The same recordings, however it is said."""
    one = read("synthetic", None, seed=1, subjects=1, seconds=2.0)
    other = read(Source(), None, seed=1, subjects=1, seconds=2.0)

    assert one.recordings[0].frames.tobytes() == other.recordings[0].frames.tobytes()
