"""Ways to spoil a folder of recordings, each in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stages.reading.sources import read
from stages.reading.unreadable import Unreadable
from tests.stages.reading import writers

Spoil = Callable[[Path], object]
MANIFEST = "recordings.yaml"


def refusal(folder: Path, spoil: Spoil) -> str:
    """Spoil a folder; give the message with which reading it ends."""
    spoil(folder)
    with pytest.raises(Unreadable) as refused:
        read("recordings", folder, seed=0, subjects=1, seconds=1.0)
    return str(refused.value)


def said(**changes: Any) -> Spoil:
    """Change keys of the manifest; None leaves one out."""

    def spoil(folder: Path) -> None:
        now = {**yaml.safe_load((folder / MANIFEST).read_text()), **changes}
        kept = {key: value for key, value in now.items() if value is not None}
        writers.write_manifest(folder, kept)

    return spoil


def entry(**changes: Any) -> Spoil:
    """Change keys of the second recording."""
    second = {"file": "dog1.csv", "subject": "dog 1", **changes}
    kept = {key: value for key, value in second.items() if value is not None}
    return said(recordings=[{"file": "dog0.csv", "subject": "dog 0"}, kept])


def sensor(kind: str, **changes: Any) -> Spoil:
    """Change keys of a sensor of the collar."""
    devices = writers.devices()
    devices["collar"][kind].update(changes)
    return said(devices=devices)


def text(content: str) -> Spoil:
    """Write another manifest."""
    return lambda folder: (folder / MANIFEST).write_text(content)


def cell(line: int, column: int, value: str) -> Spoil:
    """Write another value into dog1.csv."""

    def spoil(folder: Path) -> None:
        path = folder / "dog1.csv"
        rows = path.read_text().split("\n")
        cells = rows[line - 1].split(",")
        cells[column] = value
        rows[line - 1] = ",".join(cells)
        path.write_text("\n".join(rows))

    return spoil


def array(name: str, value: Any) -> Spoil:
    """Put dog1.npz in the place of dog1.csv, with another array."""

    def spoil(folder: Path) -> None:
        made = writers.simulated(1, 3.0)
        arrays = {"label": np.array(writers.words(made)), **writers.columns(made)}
        np.savez(folder / "dog1.npz", **{**arrays, name: value})
        entry(file="dog1.npz")(folder)

    return spoil


def interval(*rows: tuple[Any, ...]) -> Spoil:
    """Label the second recording by stretches."""

    def spoil(folder: Path) -> None:
        head = ["begin_s", "end_s", "behaviour"]
        writers.write_rows(folder / "said.csv", head, rows)
        entry(intervals="said.csv")(folder)

    return spoil


def at_rest(folder: Path) -> None:
    """Write a device that lies still, in m/s^2, and say that it is g."""
    reads = [f"{n / 100},0.0,0.0,{9.81 + n % 2 / 100},sit" for n in range(300)]
    (folder / "dog0.csv").write_text("\n".join(["t,x,y,z,label", *reads]))
    acc = {"accelerometer": {"from": ["x", "y", "z"], "unit": "g"}}
    said(devices={"collar": acc})(folder)
