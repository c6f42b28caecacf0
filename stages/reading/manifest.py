"""What a user says of a folder of recordings: recordings.yaml, or .json.

The whole of it is on docs/recordings.md. What is said at the top holds for every
recording, and a recording may say otherwise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from models.recordings.clocks import Clock
from models.recordings.device import SECONDS, SI
from models.recordings.units import QUICKEST_HZ, SLOWEST_HZ
from stages.reading.file import inside
from stages.reading.herd import PLACES
from stages.reading.measured import SENSORS
from stages.reading.notation import values
from stages.reading.section import Section, section
from stages.reading.unreadable import Unreadable
from stages.reading.wording import near, shown

if TYPE_CHECKING:
    from pathlib import Path

    from stages.reading.file import File

NAMES = ("recordings.yaml", "recordings.yml", "recordings.json")
ALIASES = {"m/s2": "m/s^2", "m/s²": "m/s^2", "µT": "uT", "μT": "uT", "dps": "deg/s"}
UNITS = {
    "accelerometer": tuple(unit for unit, (si, _) in SI.items() if si == "m/s^2"),
    "gyroscope": tuple(unit for unit, (si, _) in SI.items() if si == "rad/s"),
    "magnetometer": tuple(unit for unit, (si, _) in SI.items() if si in {"T", "1"}),
}
LAYOUT = ("devices", "time", "rate_hz", "labels", "check_units")
TOP = ("behaviours", "unlabelled", "recordings", *LAYOUT)
ENTRY = ("file", "files", "subject", "name", "intervals", "clocks", *LAYOUT)


class Sensor(NamedTuple):
    """Three axes: kind, columns (one array of three, or three), unit, end of scale."""

    kind: str
    columns: tuple[str, ...]
    unit: str
    full_scale: float | None


class Timing(NamedTuple):
    """When rows were measured: a column and its unit, or so many a second."""

    column: str | None
    unit: str
    rate_hz: float


class Declared(NamedTuple):
    """One device: its file, its sensors, its time, its clock."""

    name: str
    file: File
    sensors: tuple[Sensor, ...]
    timing: Timing
    clock: Clock


class Entry(NamedTuple):
    """One recording. labels: a column of the first device's file; or intervals."""

    subject: str
    name: str
    devices: tuple[Declared, ...]
    labels: str | None
    intervals: File | None
    check_units: bool


class Manifest(NamedTuple):
    """All that is said. words: from a label in the files to its number, -1: none."""

    file: File
    behaviours: tuple[str, ...]
    words: dict[str, int]
    entries: tuple[Entry, ...]


def manifest(folder: Path) -> Manifest:
    """Read what is said of the recordings in a folder, and see that all are there."""
    file = _found(folder)
    top = section(file.name, values(file), TOP)
    behaviours, words = _behaviours(top)
    listed = top.sections("recordings", ENTRY)
    entries = tuple(_entry(folder, top, each) for each in listed)
    names: dict[str, int] = {}
    for number, entry in enumerate(entries, 1):
        if entry.name in names:
            reason = (
                f"is called {entry.name!r}, and so is recording {names[entry.name]}"
            )
            advice = "give one of them another `name`"
            raise Unreadable(f"{file.name}: recording {number}", reason, advice)
        names[entry.name] = number
    return Manifest(file, behaviours, words, entries)


def _found(folder: Path) -> File:
    """Find the one manifest."""
    there = [name for name in NAMES if (folder / name).exists()]
    if not there:
        listed = [each.name for each in sorted(folder.iterdir())]
        reason = f"holds no {NAMES[0]}; it has: {', '.join(listed)[:200] or 'nothing'}"
        advice = near(NAMES[0], listed) or "docs/recordings.md shows one"
        raise Unreadable(folder, reason, advice)
    if len(there) > 1:
        raise Unreadable(folder, f"holds {' and '.join(there)}: wanted one of them")
    return inside(folder, there[0], str(folder))


def _behaviours(top: Section) -> tuple[tuple[str, ...], dict[str, int]]:
    """Give the names in order, and what number each label of the files is."""
    said = top.value("behaviours")
    if not isinstance(said, (dict, list)):
        raise top.wrong("behaviours", f"is {shown(said)}: wanted a list of names")
    pairs = said.items() if isinstance(said, dict) else zip(said, said, strict=True)
    known = {top.text_of(key): top.text_of(name) for key, name in pairs}
    if isinstance(said, list) and len(known) < len(said):
        raise top.wrong("behaviours", "names one of them twice")
    names = tuple(dict.fromkeys(known.values()))
    words = {key: names.index(name) for key, name in known.items()}
    for each in top.get("unlabelled", [""]):
        word = top.text_of(each, empty=True)
        if word in words:
            raise top.wrong("unlabelled", f"{word!r} is a behaviour as well")
        words[word] = -1
    return names, words


def _entry(folder: Path, top: Section, said: Section) -> Entry:
    """Read one recording, with what the top says where it says nothing itself."""
    layout = said.over(top, LAYOUT)
    devices = layout.section("devices", None)
    if not 1 <= len(devices.said) <= PLACES:
        raise layout.wrong("devices", f"names {len(devices.said)}: wanted 1 or 2")
    files = _files(folder, said, tuple(devices.said))
    clocks = said.section("clocks", tuple(devices.said)) if said.has("clocks") else None
    loggers = tuple(
        _declared(
            layout, devices.section(name, (*SENSORS, "time", "rate_hz")), *of, clocks
        )
        for name, of in files.items()
    )
    first = next(iter(files.values()))[1]
    name = said.text("name") if said.has("name") else first.name
    labels, intervals = None, None
    if said.has("intervals"):
        intervals = inside(folder, said.text("intervals"), said.where)
    elif layout.has("labels"):
        labels = layout.text("labels")
    else:
        raise said.wrong("labels", "is not there, and `intervals` neither")
    checked = layout.flag("check_units", default=True)
    return Entry(said.text("subject"), name, loggers, labels, intervals, checked)


def _files(
    folder: Path, said: Section, devices: tuple[str, ...]
) -> dict[str, tuple[str, File]]:
    """Give each device's file, in order of the devices."""
    if said.has("file") == said.has("files"):
        raise said.wrong("file", "wanted one of `file` and `files`")
    if said.has("file"):
        one = inside(folder, said.text("file"), said.where)
        return {name: (name, one) for name in devices}
    several = said.section("files", devices)
    for name in devices:
        if not several.has(name):
            raise said.wrong("files", f"names no file of the device {name!r}")
    where = several.where
    return {name: (name, inside(folder, several.text(name), where)) for name in devices}


def _declared(
    layout: Section, said: Section, name: str, file: File, clocks: Section | None
) -> Declared:
    """Read one device."""
    sensors = tuple(_sensor(said, kind) for kind in SENSORS if said.has(kind))
    if not sensors:
        reason = f"is not there: wanted one of {', '.join(SENSORS)}"
        raise said.wrong(SENSORS[0], reason)
    own = said.has("time") or said.has("rate_hz")
    timing = _timing(said if own else layout)
    clock = Clock()
    if clocks is not None and clocks.has(name):
        its = clocks.section(name, ("offset_s", "pace"))
        pace = its.number("pace", default=1.0)
        if not 0.5 <= pace <= 2.0:
            raise its.wrong("pace", f"is {pace:g}: wanted about 1, as clocks go")
        clock = Clock(its.number("offset_s", default=0.0), pace)
    return Declared(name, file, sensors, timing, clock)


def _sensor(said: Section, kind: str) -> Sensor:
    """Read what three axes are called and measured in."""
    its = said.section(kind, ("from", "unit", "full_scale"))
    named = its.value("from")
    columns = (named,) if isinstance(named, str) else named
    if not isinstance(columns, (list, tuple)) or len(columns) not in {1, 3}:
        raise its.wrong("from", "wanted three columns, or one array of three")
    unit = ALIASES.get(its.text("unit"), its.text("unit"))
    if unit not in UNITS[kind]:
        reason = f"{unit!r} does not fit the {kind}: wanted {', '.join(UNITS[kind])}"
        raise its.wrong("unit", reason)
    scale = its.number("full_scale", default=math.nan)
    if scale <= 0.0:
        raise its.wrong("full_scale", f"is {scale:g}: wanted a positive number")
    end = None if math.isnan(scale) else scale * SI[unit][1]
    return Sensor(kind, tuple(its.text_of(each) for each in columns), unit, end)


def _timing(said: Section) -> Timing:
    """Read when rows were measured."""
    if said.has("time") == said.has("rate_hz"):
        raise said.wrong("time", "wanted one of `time` and `rate_hz`")
    if said.has("rate_hz"):
        rate = said.number("rate_hz")
        if not SLOWEST_HZ <= rate <= QUICKEST_HZ:
            wanted = f"wanted {SLOWEST_HZ:g} to {QUICKEST_HZ:g}"
            raise said.wrong("rate_hz", f"is {rate:g}: {wanted}")
        return Timing(None, "s", rate)
    its = said.section("time", ("from", "unit"))
    unit = its.text("unit")
    if unit not in SECONDS:
        raise its.wrong("unit", f"{unit!r}: wanted {', '.join(SECONDS)}")
    return Timing(its.text("from"), unit, math.nan)
