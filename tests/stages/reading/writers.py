"""Files as users have them, made of simulated recordings whose truth is known."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from models.recordings.device import GRAVITY
from models.synthetic.recording import Recording, record
from models.synthetic.world import world

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

NAMES = tuple(f"{s}{axis}" for s in ("a", "g", "m") for axis in "xyz")
DEVICES = ("collar", "back")
KINDS = ("accelerometer", "gyroscope", "magnetometer")
UNITS = ("m/s^2", "deg/s", "uT")
# From what is simulated (g, rad/s, parts of the field) to the units of the files.
FACTORS = np.repeat([GRAVITY, 180.0 / np.pi, 50.0], 3)
BEHAVIOURS = world().names


def simulated(subject: int, seconds: float = 20.0, rate_hz: float = 100.0) -> Recording:
    """Record one subject of a population of its own."""
    return record(world(rate_hz), 7, subject, seconds)


def columns(made: Recording) -> dict[str, npt.NDArray[np.float64]]:
    """Give time (s) and the readings of both devices in the units of the files."""
    read = made.frames.astype(np.float64) * FACTORS[:, None, None]
    named = {"t": np.arange(len(made.labels)) / made.rate_hz}
    for place, device in enumerate(DEVICES):
        named |= {f"{device}_{name}": read[v, place] for v, name in enumerate(NAMES)}
    return named


def words(made: Recording) -> list[str]:
    """Give the name of the behaviour of each row."""
    return [BEHAVIOURS[number] for number in made.labels]


def write_rows(
    path: Path, head: Sequence[str], rows: Iterable[Sequence[Any]], **how: Any
) -> None:
    """Write a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n", **how)
        writer.writerow(head)
        writer.writerows(rows)


def write_csv(path: Path, made: Recording, **how: Any) -> None:
    """Write one recording as CSV: t, the channels of both devices, label."""
    named = columns(made)
    cells = [[f"{value:.9g}" for value in column] for column in named.values()]
    rows = zip(*cells, words(made), strict=True)
    write_rows(path, [*named, "label"], rows, **how)


def write_npz(path: Path, made: Recording) -> None:
    """Write one recording as arrays, its labels as numbers."""
    np.savez(path, allow_pickle=False, label=made.labels, **columns(made))


def write_hdf5(path: Path, made: Recording) -> None:
    """Write one recording as datasets in groups, its labels as text."""
    import h5py

    with h5py.File(path, "w") as opened:
        for name, column in columns(made).items():
            opened.create_dataset(name.replace("_", "/"), data=column, compression=4)
        opened.create_dataset("label", data=words(made), dtype=h5py.string_dtype())


def devices(mark: str = "_") -> dict[str, Any]:
    """Say which columns are which channels, for a manifest."""
    return {
        device: {
            kind: {
                "from": [f"{device}{mark}{name}" for name in NAMES[3 * k : 3 * k + 3]],
                "unit": UNITS[k],
            }
            for k, kind in enumerate(KINDS)
        }
        for device in DEVICES
    }


def layout(**changes: Any) -> dict[str, Any]:
    """Give a manifest without recordings."""
    said = {
        "behaviours": list(BEHAVIOURS),
        "time": {"from": "t", "unit": "s"},
        "labels": "label",
        "devices": devices(),
    }
    return {key: value for key, value in {**said, **changes}.items() if value}


def write_manifest(folder: Path, said: Mapping[str, Any]) -> None:
    """Write recordings.yaml."""
    text = yaml.safe_dump(dict(said), sort_keys=False, allow_unicode=True)
    (folder / "recordings.yaml").write_text(text, encoding="utf-8")


def write_folder(
    folder: Path, n_subjects: int = 2, seconds: float = 20.0, **changes: Any
) -> list[Recording]:
    """Write a folder of CSV files, one for each subject; give what is in them."""
    made = [simulated(subject, seconds) for subject in range(n_subjects)]
    for n, each in enumerate(made):
        write_csv(folder / f"dog{n}.csv", each)
    listed = [{"file": f"dog{n}.csv", "subject": f"dog {n}"} for n in range(n_subjects)]
    write_manifest(folder, layout(recordings=listed, **changes))
    return made


def write_uci(folder: Path, made: Sequence[tuple[str, int, Recording]]) -> None:
    """Write windows as UCI-HAR does: of 128 readings at 50 Hz, half of each twice.

    made: of each recording the part (train, test), the person and what was measured at
    the waist: the first device, without a magnetometer. Behaviours become activities;
    a window has that of its middle.
    """
    names = "".join(f"{k} {name.upper()}\n" for k, name in enumerate(BEHAVIOURS, 1))
    folder.mkdir(exist_ok=True)
    (folder / "activity_labels.txt").write_text(names)
    signals = [f"{s}_{axis}" for s in ("total_acc", "body_gyro") for axis in "xyz"]
    for part in ("train", "test"):
        rows: dict[str, list[str]] = {name: [] for name in ("y", "subject", *signals)}
        for _, person, each in (one for one in made if one[0] == part):
            for start in range(0, len(each.labels) - 127, 64):
                rows["y"].append(str(each.labels[start + 64] + 1))
                rows["subject"].append(str(person))
                for channel, signal in enumerate(signals):
                    window = each.frames[channel, 0, start : start + 128]
                    rows[signal].append("".join(f" {value: .7e}" for value in window))
        _write_part(folder, part, rows)


def _write_part(folder: Path, part: str, rows: Mapping[str, list[str]]) -> None:
    """Write the files of train or test."""
    (folder / part / "Inertial Signals").mkdir(parents=True)
    for name, lines in rows.items():
        below = part if name in {"y", "subject"} else f"{part}/Inertial Signals"
        text = "".join(line + "\n" for line in lines)
        (folder / below / f"{name}_{part}.txt").write_text(text)


DOG_HEAD = (
    *("DogID", "TestNum", "t_sec"),
    *(f"{s}{d}_{axis}" for s in "AG" for d in ("Back", "Neck") for axis in "xyz"),
    *("Task", "Behavior_1", "Behavior_2", "Behavior_3", "PointEvent"),
)


def dog_rows(dog: int, test: int, made: Recording) -> list[list[str]]:
    """Give the rows of one test of one dog, as DogMoveData.csv has them."""
    unit = np.array([1.0] * 3 + [180.0 / np.pi] * 3)[:, None, None]
    read = made.frames[:6].astype(np.float64) * unit
    ordered = np.concatenate(
        [read[3 * s : 3 * s + 3, place] for s in (0, 1) for place in (1, 0)]
    )
    rows = []
    for t, label in enumerate(words(made)):
        cells = [f"{value:.9g}" for value in ordered[:, t]]
        said = ["Task walk", label, "<undefined>", "<undefined>", "<undefined>"]
        rows.append([str(dog), str(test), f"{t / 100:g}", *cells, *said])
    return rows


def write_json(folder: Path, said: Mapping[str, Any]) -> None:
    """Write recordings.json."""
    (folder / "recordings.json").write_text(json.dumps(dict(said)))
