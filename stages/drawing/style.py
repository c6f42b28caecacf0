"""The style of every figure: sizes, colours, and the bytes that are written.

Figures are as wide as a column or a page of a journal, their text is 8 points, and
the same numbers make the same bytes: no date, no name of a program, no setting of the
user. Colours are those of Okabe and Ito, which colour-blind readers tell apart; what
matters is never told by colour alone.
"""

from __future__ import annotations

import atexit
import io
import logging
import os
import shutil
import string
import sys
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

COLUMN = 3.5
PAGE = 7.0
DPI = 300
MOST_BYTES = 300_000

BLACK, GREY, PALE = "#000000", "#767676", "#d9d9d9"
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#E69F00", "#009E73", "#CC79A7"
SKY, VERMILION, YELLOW = "#56B4E9", "#D55E00", "#F0E442"
BRIGHT = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
PALETTE = (*BRIGHT, BLACK, GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DARKENING = 0.55

SEQUENTIAL, DIVERGING = "cividis", "PuOr"

SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": BLACK,
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 8,
    "figure.constrained_layout.h_pad": 0.04,
    "figure.constrained_layout.w_pad": 0.04,
    "figure.dpi": DPI,
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "grid.color": PALE,
    "grid.linewidth": 0.4,
    "hatch.linewidth": 0.5,
    "image.cmap": SEQUENTIAL,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "patch.linewidth": 0.6,
    "savefig.dpi": DPI,
    "xtick.labelsize": 7.5,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 1.5,
    "xtick.minor.width": 0.4,
    "ytick.labelsize": 7.5,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.minor.size": 1.5,
    "ytick.minor.width": 0.4,
}


def figure(width: float = COLUMN, height: float = 2.4) -> Figure:
    """Give an empty figure of so many inches; its parts arrange themselves."""
    _prepare()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def saved(path: Path, fig: Figure) -> None:
    """Write a figure as PNG and let go of it: same figure, same bytes."""
    drawn = io.BytesIO()
    fig.savefig(drawn, format="png", metadata={"Software": None})
    fig.clear()
    path.write_bytes(_small(drawn.getvalue()))


def lettered(axes: Iterable[Axes]) -> None:
    """Letter the panels of a figure a, b, c, ... outside their upper left corners."""
    for letter, ax in zip(string.ascii_lowercase, axes, strict=False):
        ax.set_title(letter, loc="left", fontweight="bold", fontsize=9)


def plain(*axes: Axis) -> None:
    """Write the numbers beside logarithmic axes as 0.1, 1, 10."""
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    for axis in axes:
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axis.set_minor_locator(NullLocator())


def colours(n: int) -> list[str]:
    """Give n colours for n kinds: the palette, then the same colours darkened.

    Beyond the palette, and always in print, a second sign must tell kinds apart too:
    a name beside the line, or `markers`.
    """
    rounds = range(1, 2 + n // len(BRIGHT))
    dark = [_darkened(bright, times) for times in rounds for bright in BRIGHT]
    return [*PALETTE, *dark][:n]


def markers(n: int) -> list[str]:
    """Give n shapes of points, each used again only after all others."""
    return [MARKERS[i % len(MARKERS)] for i in range(n)]


def _darkened(colour: str, times: int) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part * DARKENING**times):02x}" for part in parts)


def _small(png: bytes) -> bytes:
    """Give a PNG of 256 colours where the one with all of them is too large."""
    if len(png) <= MOST_BYTES:
        return png
    from PIL import Image

    smaller = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        few = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        few.save(smaller, format="png", optimize=True, dpi=(DPI, DPI))
    return smaller.getvalue()


@cache
def _prepare() -> None:
    """Import matplotlib with our settings alone, once in a process."""
    _keep_out_of_home()
    import matplotlib as mpl

    logging.getLogger("matplotlib").setLevel(logging.WARNING)  # not of its fonts
    mpl.rcdefaults()
    mpl.rcParams.update(SETTINGS)


def _keep_out_of_home() -> None:
    """Let matplotlib keep its list of fonts where it has one, else in passing.

    By itself it makes two folders in the user's home, and warns where it cannot.
    """
    if "MPLCONFIGDIR" in os.environ or "matplotlib" in sys.modules:
        return
    if all(os.access(folder, os.W_OK) for folder in _folders()):
        return
    passing = tempfile.mkdtemp(prefix="pipeline-figures-")
    atexit.register(shutil.rmtree, passing, ignore_errors=True)
    os.environ["MPLCONFIGDIR"] = passing


def _folders() -> list[Path]:
    """Name the folders that matplotlib uses unless it is told otherwise."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() may raise
    if sys.platform == "darwin":
        return [home / ".matplotlib"]
    kinds = {"XDG_CONFIG_HOME": ".config", "XDG_CACHE_HOME": ".cache"}
    return [
        Path(os.environ.get(name) or home / usual) / "matplotlib"
        for name, usual in kinds.items()
    ]
