"""What is wrong in the files of a folder is said in one message, by row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.stages.reading import writers
from tests.stages.reading.spoiling import (
    Spoil,
    array,
    cell,
    entry,
    interval,
    refusal,
    said,
)

ALL = ", ".join(writers.BEHAVIOURS)
HEAD = ", ".join([*writers.columns(writers.simulated(0, 0.1)), "label"])
CASES: dict[str, tuple[Spoil, str]] = {
    "a column that is not there": (
        said(labels="labels"),
        "dog0.csv:1: has no column 'labels'; it has: "
        + HEAD
        + "\n  did you mean 'label'?",
    ),
    "a label nobody announced": (
        cell(77, -1, "wlak"),
        f"dog1.csv:77: 'wlak' is no behaviour: wanted {ALL}\n  did you mean 'walk'?",
    ),
    "text for a number": (
        cell(30, 4, "12.3.4"),
        "dog1.csv:30: column 'collar_gx': '12.3.4' is no number",
    ),
    "no time": (cell(50, 0, ""), "dog1.csv:50: time 't' is no number"),
    "time that goes back": (
        cell(50, 0, "0.1"),
        (
            "dog1.csv:50: time 't' goes back from 0.47 to 0.1\n"
            "  two recordings in one file? cut it there"
        ),
    ),
    "a reading that cannot be": (
        cell(50, 1, "1e300"),
        (
            "dog1.csv:50: accelerometer x reads 1e+300 m/s^2, which nothing that is "
            "worn does\n  leave the cell empty where nothing was read"
        ),
    ),
    "milliseconds for seconds": (
        said(time={"from": "t", "unit": "ms"}),
        (
            "dog0.csv: time 't' goes on by 1e-05 s from row to row: wanted 5e-05 to 1 s"
            "\n  is it in another unit?"
        ),
    ),
    "turning that no gyroscope measures": (
        cell(50, 4, "9999"),
        (
            "dog1.csv: device 'collar', channel 'gyroscope x', row 48: declared deg/s, "
            "but 9999 is more than 4011, which no gyroscope measures\n"
            "  `check_units: false` takes the units as declared"
        ),
    ),
    "no array of that name": (
        entry(file="dog1.npz"),
        "dog1.npz: has no array 't'; it has: a, collar_ax",
    ),
    "arrays of other lengths": (
        array("collar_ax", np.zeros(7)),
        (
            "dog1.npz: device 'collar' has arrays of [7, 300] rows\n"
            "  wanted as many rows each"
        ),
    ),
    "an array of objects": (
        array("collar_ax", np.array([1, None], dtype=object)),
        (
            "dog1.npz: 'collar_ax' holds Python objects, which are never unpickled\n"
            "  save it again, as numbers: np.savez(path, acc=acc.astype(float))"
        ),
    ),
    "an array of text": (
        array("collar_ax", np.array(["a"] * 300)),
        "dog1.npz: 'collar_ax' is of type <U1: wanted numbers",
    ),
    "an array that lies on its side": (
        array("collar_ax", np.zeros((3, 300))),
        (
            "dog1.npz: 'collar_ax' has shape (3, 300): wanted (T,) or (T, 3)\n"
            "  turn it round: one row for each time"
        ),
    ),
    "three axes where one is wanted": (
        array("collar_ax", np.zeros((300, 3))),
        "dog1.npz: 'collar_ax' has shape (300, 3): wanted (T,)",
    ),
    "labels that are not whole": (
        array("label", np.zeros(300)),
        (
            "dog1.npz: 'label' is of type float64 and shape (300,): wanted whole "
            "numbers or text, (T,)"
        ),
    ),
    "fewer labels than rows": (
        array("label", np.array(["sit"] * 299)),
        "dog1.npz: has 299 labels for 300 rows",
    ),
    "a label nobody announced, in an array": (
        array("label", np.array(["sit"] * 299 + ["jump"])),
        (
            f"dog1.npz: row 299: 'jump' is no behaviour: wanted {ALL}\n"
            "  name it in `behaviours` or in `unlabelled`"
        ),
    ),
    "a stretch that goes backwards": (
        interval((0, 1, "sit"), (2, 1.5, "walk")),
        "said.csv:3: goes from 2 to 1.5 s: wanted forward",
    ),
    "stretches that overlap": (
        interval((1, 2, "sit"), (0, 1.5, "walk")),
        "said.csv:2: overlaps line 3\n  whatever is done at a time is one behaviour",
    ),
    "a stretch of what nobody announced": (
        interval((0, 1, "sit"), (1, 2, "wlak")),
        f"said.csv:3: 'wlak' is no behaviour: wanted {ALL}\n  did you mean 'walk'?",
    ),
    "recordings that are too short": (
        said(recordings=[{"file": "short.csv", "subject": "a"}]),
        (
            "source 'recordings': no piece of 1 recordings is as long as 1 s: nothing "
            "is left\n  short.csv: 0.50 s left out"
        ),
    ),
    "not one label": (
        said(unlabelled=list(writers.BEHAVIOURS), behaviours=["jump"]),
        (
            "source 'recordings': not one frame has a label: there is nothing to "
            "learn\n  are labels and recordings on the same clock?"
        ),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_said_where_and_why(folder: Path, case: str) -> None:
    """The whole message: place, reason, what to do."""
    spoil, message = CASES[case]

    found = refusal(folder, spoil)

    assert found == message.replace("{folder}", str(folder))
