"""The page for users says what is so."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from stages.reading.manifest import ENTRY, TOP
from stages.reading.measured import SENSORS
from stages.reading.source import SOURCES, Source, chosen
from stages.reading.sources import read
from tests.stages.reading import writers

if TYPE_CHECKING:
    from models.synthetic.recording import Recording

PAGE = (Path(__file__).parents[3] / "docs" / "recordings.md").read_text()
FENCED = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
KNOWN_AS = {"collar": ("a", "g", "m"), "back": ("ba", "bg", "bm")}


def write(path: Path, made: Recording, *, labelled: bool = True) -> None:
    """Write a recording with the columns of the page's manifest."""
    read = writers.columns(made)
    named = {"t_ms": [f"{1000 * second:.0f}" for second in read["t"]]}
    for device, kinds in KNOWN_AS.items():
        for name in writers.NAMES:
            column = f"{kinds['agm'.index(name[0])]}{name[1]}"
            named[column] = [f"{value:.9g}" for value in read[f"{device}_{name}"]]
    if labelled:
        said = writers.words(made)
        known = {"stand", "sit", "walk", "trot"}
        named["behaviour"] = [word if word in known else "unknown" for word in said]
    path.parent.mkdir(exist_ok=True)
    writers.write_rows(path, list(named), zip(*named.values(), strict=True))


def test_the_manifest_of_the_page_reads_the_files_it_lists(tmp_path: Path) -> None:
    """As it stands there, with files as it says they are."""
    made = [writers.simulated(subject, 12.0) for subject in range(4)]
    write(tmp_path / "rex" / "monday.csv", made[0])
    write(tmp_path / "rex" / "friday.csv", made[1])
    write(tmp_path / "bella.csv", made[2], labelled=False)
    for name in ("max-collar.csv", "max-back.csv"):
        write(tmp_path / name, made[3])
    spans = [(1, 4, "sit"), (4, 5.5, "walk")]
    head = ["begin_s", "end_s", "behaviour"]
    writers.write_rows(tmp_path / "bella-video.csv", head, spans)
    (page,) = (each for each in FENCED if "recordings:" in each)
    (tmp_path / "recordings.yaml").write_text(page)

    found = read("recordings", tmp_path, seed=0, subjects=1, seconds=1.0)

    assert found.labels == ("stand", "sit", "walk", "trot")
    assert found.subjects == ("rex", "bella", "max")
    assert [each.name for each in found.recordings[:2]] == [
        "rex/monday.csv",
        "rex in the snow",
    ]
    np.testing.assert_array_equal(
        found.recordings[2].truth[[50, 150, 399, 400, 549, 550]], [-1, 1, 1, 2, 2, -1]
    )
    assert found.recordings[3].first == 35
    assert found.absent.tolist() == [[False, False]] * 6 + [[False, True]] * 3


def test_every_key_is_on_the_page() -> None:
    """Of the manifest, of a sensor, of the data of a run; and every source."""
    wanted = {*TOP, *ENTRY, *SENSORS, *SOURCES, "from", "unit", "full_scale"}
    wanted |= {each.name for each in fields(Source)}

    assert {key for key in wanted if f"`{key}`" not in PAGE} == set()


def test_the_params_of_the_page_are_known() -> None:
    """They are read as the stage reads them."""
    (page,) = (each for each in FENCED if each.startswith("params:"))

    said = chosen(yaml.safe_load(page)["params"]["data"])

    assert said.source == "dogs"
    assert set(said.labels.values()) == {"walk", "trot", "lie", "sit"}
