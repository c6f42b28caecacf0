"""The same stage learns from whatever was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from stages import train
from tests.stages.reading import writers

if TYPE_CHECKING:
    from tests.stages.conftest import Context

PEOPLE = range(4)
SECONDS = 10.0
OUTPUTS = ("model.pt", "codes.npz", "logits.npz", "sample.npz")


def folder_of_dogs(folder: Path) -> None:
    """Write a test of each dog."""
    made = [writers.simulated(n, SECONDS) for n in PEOPLE]
    rows = [row for n, each in enumerate(made) for row in writers.dog_rows(n, 1, each)]
    writers.write_rows(folder / "DogMoveData.csv", writers.DOG_HEAD, rows)


def folder_of_people(folder: Path) -> None:
    """Write windows of each person, two of them in each part."""
    parts = ("train", "test", "train", "test")
    made = [(parts[n], n, writers.simulated(n, SECONDS, 50.0)) for n in PEOPLE]
    writers.write_uci(folder, made)


def folder_of_files(folder: Path) -> None:
    """Write a CSV file of each subject."""
    writers.write_folder(folder, len(PEOPLE), SECONDS)


FOLDERS: dict[str, Callable[[Path], None]] = {
    "recordings": folder_of_files,
    "uci_har": folder_of_people,
    "dogs": folder_of_dogs,
}


SLOW = [
    pytest.param(each, marks=pytest.mark.slow) for each in ("recordings", "uci_har")
]


@pytest.mark.parametrize("source", ["dogs", *SLOW])
def test_training_reads_files_by_the_name_of_their_source(
    tmp_path: Path, context: Context, source: str
) -> None:
    """Windows (9, 2, 100), each subject in a part of its own; what was read is told."""
    place = tmp_path / "recordings"
    place.mkdir()
    FOLDERS[source](place)
    ctx, reports = context("train", {"data:recordings": place}, OUTPUTS)

    train.run(train.Params(profile="tiny", epochs=1, data={"source": source}), ctx)

    assert reports.metrics["data_subjects"] == len(PEOPLE)
    assert reports.metrics["leaks"] == 0
    with np.load(ctx.out / "sample.npz") as sample:
        assert sample["golden"].shape[1:] == (9, 2, 100)
    with np.load(ctx.out / "codes.npz") as codes:
        assert len(set(codes["part"])) == len(set(codes["subject"])) == 4
