"""What is wrong in a manifest is said in one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.reading import writers
from tests.stages.reading.spoiling import (
    MANIFEST,
    Spoil,
    at_rest,
    entry,
    refusal,
    said,
    sensor,
    text,
)

SECOND = "recordings.yaml: recording 2"
COLLAR = "recordings.yaml: recording 1: `devices`: `collar`"
ACC = f"{COLLAR}: `accelerometer`"
DOCS = "\n  docs/recordings.md shows every key"
OF_ENTRY = "file, files, subject, name, intervals, clocks, devices, time, rate_hz, "
OF_ENTRY += "labels, check_units"
CASES: dict[str, tuple[Spoil, str]] = {
    "no manifest": (
        lambda folder: (folder / MANIFEST).rename(folder / "recording.yaml"),
        (
            "{folder}: holds no recordings.yaml; it has: dog0.csv, dog1.csv, "
            "dog1.npz, recording.yaml, short.csv"
            "\n  did you mean 'recording.yaml'?"
        ),
    ),
    "two manifests": (
        lambda folder: (folder / "recordings.json").write_text("{}"),
        "{folder}: holds recordings.yaml and recordings.json: wanted one of them",
    ),
    "an empty manifest": (
        text(""),
        "recordings.yaml: is empty\n  copy it again, or leave it out",
    ),
    "no YAML": (
        text("a: 1\nb: [1, 2\n"),
        "recordings.yaml:3: is no YAML: expected ',' or ']', but got '<stream end>'",
    ),
    "a list for a manifest": (
        text("- a\n"),
        "recordings.yaml: holds ['a']: wanted keys and values",
    ),
    "a key twice": (
        text("labels: a\nlabels: b\n"),
        "recordings.yaml:2: is no YAML: the key 'labels' stands twice",
    ),
    "a key nobody knows": (
        said(behavior=["a"]),
        (
            "recordings.yaml: has no key 'behavior': wanted behaviours, unlabelled, "
            "recordings, devices, time, rate_hz, labels, check_units\n"
            "  did you mean 'behaviours'?"
        ),
    ),
    "no behaviours": (
        said(behaviours=None),
        f"recordings.yaml: `behaviours`: is not there{DOCS}",
    ),
    "a behaviour twice": (
        said(behaviours=["sit", "sit"]),
        "recordings.yaml: `behaviours`: names one of them twice",
    ),
    "a behaviour that YAML takes for a switch": (
        said(behaviours=["sit", True]),
        "recordings.yaml: True: wanted a text\n  put it into quotes",
    ),
    "a behaviour that is none": (
        said(unlabelled=["sit"]),
        "recordings.yaml: `unlabelled`: 'sit' is a behaviour as well",
    ),
    "no recordings": (
        said(recordings=[]),
        f"recordings.yaml: `recordings`: is empty{DOCS}",
    ),
    "recordings that are names": (
        said(recordings=["dog0.csv"]),
        "recordings.yaml: recording 1: is 'dog0.csv': wanted keys and values",
    ),
    "a recording with a key nobody knows": (
        entry(subjekt="b"),
        f"{SECOND}: has no key 'subjekt': wanted {OF_ENTRY}\n  did you mean 'subject'?",
    ),
    "nobody": (entry(subject=None), f"{SECOND}: `subject`: is not there{DOCS}"),
    "a subject that is a list": (
        entry(subject=["a"]),
        f"{SECOND}: `subject`: ['a']: wanted a text",
    ),
    "a name twice": (
        entry(name="dog0.csv"),
        (
            f"{SECOND}: is called 'dog0.csv', and so is recording 1\n"
            "  give one of them another `name`"
        ),
    ),
    "no file": (
        entry(file=None),
        f"{SECOND}: `file`: wanted one of `file` and `files`",
    ),
    "a file that is not there": (
        entry(file="dog2.csv"),
        f"{SECOND}: there is no file 'dog2.csv'\n  did you mean 'dog1.csv'?",
    ),
    "a file of another kind": (
        entry(file="recordings.yaml"),
        (
            "recordings.yaml: is of no known format: wanted .csv, .txt, .tsv, .npz, "
            ".h5, .hdf5"
        ),
    ),
    "an empty file": (
        lambda folder: (folder / "dog1.csv").write_text(""),
        "dog1.csv: is empty\n  copy it again, or leave it out",
    ),
    "a device without a file": (
        entry(file=None, files={"collar": "dog1.csv"}),
        f"{SECOND}: `files`: names no file of the device 'back'",
    ),
    "three devices": (
        said(devices={name: writers.devices()["back"] for name in "abc"}),
        "recordings.yaml: recording 1: `devices`: names 3: wanted 1 or 2",
    ),
    "a device without sensors": (
        said(devices={"collar": {"rate_hz": 100}}),
        (
            f"{COLLAR}: `accelerometer`: is not there: wanted one of accelerometer, "
            "gyroscope, magnetometer"
        ),
    ),
    "a sensor nobody knows": (
        said(devices={"collar": {"acceleration": {}}}),
        (
            f"{COLLAR}: has no key 'acceleration': wanted accelerometer, gyroscope, "
            "magnetometer, time, rate_hz\n  did you mean 'accelerometer'?"
        ),
    ),
    "two axes": (
        sensor("accelerometer", **{"from": ["a", "b"]}),
        f"{ACC}: `from`: wanted three columns, or one array of three",
    ),
    "a unit of another sensor": (
        sensor("accelerometer", unit="deg/s"),
        f"{ACC}: `unit`: 'deg/s' does not fit the accelerometer: wanted m/s^2, g, mg",
    ),
    "units that gravity knows better": (
        at_rest,
        (
            "dog0.csv: device 'collar', channel 'accelerometer x': declared g, but at "
            "rest (rows 0 to 100) the norm is 9.81: that is m/s^2\n"
            "  `check_units: false` takes the units as declared"
        ),
    ),
    "an end of scale below 0": (
        sensor("gyroscope", full_scale=-1),
        f"{COLLAR}: `gyroscope`: `full_scale`: is -1: wanted a positive number",
    ),
    "two ways to tell time": (
        said(rate_hz=100),
        "recordings.yaml: recording 1: `time`: wanted one of `time` and `rate_hz`",
    ),
    "no way to tell time": (
        said(time=None),
        "recordings.yaml: recording 1: `time`: wanted one of `time` and `rate_hz`",
    ),
    "a time in minutes": (
        said(time={"from": "t", "unit": "min"}),
        "recordings.yaml: recording 1: `time`: `unit`: 'min': wanted s, ms, us, ns",
    ),
    "a rate that is text": (
        said(time=None, rate_hz="100 Hz"),
        "recordings.yaml: recording 1: `rate_hz`: is '100 Hz': wanted a number",
    ),
    "a rate that is not finite": (
        said(time=None, rate_hz=float("inf")),
        "recordings.yaml: recording 1: `rate_hz`: is inf: wanted a number",
    ),
    "a rate of nothing": (
        said(time=None, rate_hz=0),
        "recordings.yaml: recording 1: `rate_hz`: is 0: wanted 1 to 20000",
    ),
    "a clock that goes backwards": (
        entry(clocks={"back": {"pace": -1}}),
        f"{SECOND}: `clocks`: `back`: `pace`: is -1: wanted about 1, as clocks go",
    ),
    "no labels": (
        said(labels=None),
        "recordings.yaml: recording 1: `labels`: is not there, and `intervals` neither",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_where_and_why(folder: Path, case: str) -> None:
    """The whole message: place, reason, what to do."""
    spoil, message = CASES[case]

    found = refusal(folder, spoil)

    assert found == message.replace("{folder}", str(folder))
