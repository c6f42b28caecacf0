"""The style of figures, and the one door to what draws them."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.drawing import style

ROOT = Path(__file__).resolve().parents[2]
DRAW = """\
import sys
from pathlib import Path
from stages.drawing import style
fig = style.figure()
ax = fig.subplots()
ax.plot([0, 1], [0, 1])
ax.set(xlabel="time (s)")
style.saved(Path(sys.argv[1]), fig)
"""


def drawn(path: Path, values: np.ndarray) -> bytes:
    """Draw values (H, W) as a picture of a page's width."""
    fig = style.figure(style.PAGE, 3.0)
    fig.subplots().imshow(values, interpolation="nearest")
    style.saved(path, fig)
    return path.read_bytes()


def chunks(png: bytes) -> dict[str, bytes]:
    """Give what a PNG holds by the name of its parts."""
    found, at = {}, 8
    while at < len(png):
        size, name = struct.unpack(">I4s", png[at : at + 8])
        found[name.decode()] = png[at + 8 : at + 8 + size]
        at += size + 12
    return found


def in_a_home(home: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Draw in a process of its own, whose home this is."""
    gone = {"MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"}
    env = {name: value for name, value in os.environ.items() if name not in gone}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", DRAW, str(path)],
        env={**env, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_same_numbers_make_the_same_bytes(tmp_path: Path) -> None:
    """Drawn twice; and other numbers make others."""
    picture = np.arange(12.0).reshape(3, 4)

    first, again = (drawn(tmp_path / name, picture) for name in "ab")

    assert first == again
    assert first != drawn(tmp_path / "c", picture.T)


def test_a_figure_says_nothing_of_when_and_by_what(tmp_path: Path) -> None:
    """Size, resolution and picture are all that it holds."""
    found = chunks(drawn(tmp_path / "a.png", np.eye(3)))

    assert set(found) == {"IHDR", "pHYs", "IDAT", "IEND"}
    assert struct.unpack(">II", found["IHDR"][:8]) == (2100, 900)


def test_a_figure_of_too_many_colours_is_written_in_fewer(tmp_path: Path) -> None:
    """At the same size and resolution."""
    noise = np.random.default_rng(0).random((220, 560))

    png = drawn(tmp_path / "a.png", noise)

    found = chunks(png)
    assert "PLTE" in found
    assert struct.unpack(">II", found["IHDR"][:8]) == (2100, 900)
    assert len(png) <= style.MOST_BYTES


def test_a_saved_figure_is_empty(tmp_path: Path) -> None:
    """Nothing of it is kept in memory."""
    fig = style.figure()
    fig.subplots()

    style.saved(tmp_path / "a.png", fig)

    assert fig.axes == []


@pytest.mark.parametrize("is_there", [True, False])
def test_drawing_leaves_the_home_alone(tmp_path: Path, is_there: bool) -> None:
    """Whether anything could be kept there or not; and nothing is said of it."""
    home = tmp_path / "home"
    home.mkdir() if is_there else home.write_text("no folder")

    told = in_a_home(home, tmp_path / "a.png")

    assert (told.returncode, told.stderr) == (0, "")
    assert not is_there or not list(home.iterdir())
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_kinds_are_told_apart_by_colour_and_by_shape() -> None:
    """Ten behaviours have ten of each; more have colours still."""
    assert len(set(style.colours(14))) == 14
    assert len(set(style.markers(10))) == 10


def test_matplotlib_is_imported_in_one_room() -> None:
    """So that its settings, folders and bytes are the style's."""
    word = re.compile(r"^\s*(?:import|from) matplotlib", re.MULTILINE)
    rooms = ("stages", "models", "pipeline", "remote")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]

    found = {path.parent.name for path in files if word.search(path.read_text())}

    assert found == {"drawing"}
