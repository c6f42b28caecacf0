"""Read the graphs and arrays of a bundle that nobody vouches for.

A graph must hold all its numbers itself, and no operator but those that a bundle of
ours is made of; an array nothing that could be executed, and no more than fits.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnx

from pipeline.bundles import lint
from pipeline.bundles.contents import CALIBRATION, ENCODER, GOLDEN, HOST, MODEL
from pipeline.bundles.whole import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.bundles.manifest import Manifest

Array = npt.NDArray[Any]
Arrays = Mapping[str, Array]

_MOST_GRAPH, _MOST_ARRAYS = 100_000_000, 100_000_000
_NUMBERS = "fiu"  # real ones: of numpy's kinds of dtype
# A header may also promise more numbers than there is memory.
_UNREADABLE = (OSError, ValueError, EOFError, MemoryError)


class Wrong(Exception):
    """A file of the bundle that is not what it should be."""

    def __init__(self, path: str, what: str) -> None:
        """Say which, and why not."""
        super().__init__(what)
        self.fault = Fault(path=path, what=what)


def graph(folder: Path, name: str) -> Any:
    """Read a graph, once it is known to be harmless."""
    path = folder / name
    if path.stat().st_size > _MOST_GRAPH:
        raise Wrong(name, "is larger than a model of a bundle can be")
    try:
        model = onnx.load_from_string(path.read_bytes())
    except Exception as error:
        raise Wrong(name, f"is no model: {_first_line(error)}") from error
    for found in lint.far_data(model.graph):
        raise Wrong(name, f"reads {found} from another file")
    if model.functions:
        raise Wrong(name, "has functions of its own")
    for found in lint.unknown(model.graph):
        raise Wrong(name, f"holds {found}, which no bundle of this format does")
    for found in lint.open_shapes(model.graph):
        raise Wrong(name, f"is not static: the shape of {found} is open")
    for found in lint.idle(model.graph):
        raise Wrong(name, f"gives the same {found} whatever it is given")
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # its checker is C++, and raises what it likes
        raise Wrong(name, f"is no sound model: {_first_line(error)}") from error
    return model


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


def arrays(folder: Path, name: str) -> Arrays:
    """Read arrays, and nothing that could be executed or would not fit."""
    path = folder / name
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
        if size > _MOST_ARRAYS:
            raise Wrong(name, "unpacks to more than a bundle can hold")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            found = {key: held[key] for key in held.files}
    except (*_UNREADABLE, zipfile.BadZipFile) as error:
        raise Wrong(name, f"cannot be read: {error}") from error
    for key, numbers in found.items():
        if numbers.dtype.kind not in _NUMBERS:
            raise Wrong(name, f"has {key} of {numbers.dtype}, which is no number")
    return found


def calibration(folder: Path, manifest: Manifest) -> Array:
    """Read the windows that calibrate the encoder: (N, V, P, T), in its units."""
    path = folder / CALIBRATION
    try:
        if path.stat().st_size > _MOST_ARRAYS:
            raise Wrong(CALIBRATION, "is larger than a bundle can hold")
        with path.open("rb") as file:
            found: Array = np.lib.format.read_array(file, allow_pickle=False)
    except _UNREADABLE as error:
        raise Wrong(CALIBRATION, f"cannot be read: {error}") from error
    wanted = (len(found) if found.ndim else 0, *manifest.shape[1:])
    if found.dtype != np.float32 or found.shape != wanted or not len(found):
        raise Wrong(CALIBRATION, f"is {found.shape} {found.dtype}, wanted {wanted}")
    return found


def check_graphs(model: Any, encoder: Any, manifest: Manifest) -> None:
    """Hold shapes, labels and the cut against what is claimed."""
    n_labels, (_, *window) = len(manifest.labels), manifest.shape
    wanted = {
        "windows": tuple(manifest.shape),
        "codes": (1, window[-1]),
        "logits": (1, n_labels),
    }
    found = {
        value.name: lint.shape_of(value)
        for value in (*model.graph.input, *model.graph.output)
    }
    if found != wanted:
        raise Wrong(MODEL, f"has {found}, and the manifest makes it {wanted}")
    if (refused := lint.refused(model.graph)) != manifest.refused:
        raise Wrong(MODEL, f"is refused otherwise than claimed: {refused}")
    if (left := lint.refused(encoder.graph)) is not None:
        raise Wrong(ENCODER, f"is to be cut again, at {left.op} {left.name}")
    (takes,), (gives,) = encoder.graph.input, encoder.graph.output
    if manifest.refused is not None and gives.name != manifest.refused.cut:
        raise Wrong(ENCODER, f"ends at {gives.name}, not at {manifest.refused.cut}")
    if lint.shape_of(takes) != tuple(manifest.shape):
        raise Wrong(ENCODER, f"takes {lint.shape_of(takes)}, not {manifest.shape}")


def check_arrays(golden: Arrays, host: Arrays, manifest: Manifest) -> None:
    """Want every array, in the shape that the others make it."""
    window, n_labels = tuple(manifest.shape[1:]), len(manifest.labels)
    n, n_frames = len(golden.get("windows", ())), window[-1]
    wanted = {
        "windows": (n, *window),
        "codes": (n, n_frames),
        "logits": (n, n_labels),
        "probabilities": (n, n_labels),
    }
    _want(GOLDEN, golden, wanted)
    if not n:
        raise Wrong(GOLDEN, "holds no window")
    table = (manifest.codes, n_labels)
    units = (*window[:2], 1)
    tables = {"mean": units, "deviation": units, "frames": table, "windows": table}
    _want(HOST, host, tables)
    if not (host["deviation"] > 0).all():
        raise Wrong(HOST, "has a deviation that is not positive")
    is_book, is_grid = {"moved", "bias"} <= host.keys(), "thresholds" in host
    if is_book == is_grid:
        raise Wrong(HOST, "holds neither a codebook nor a grid, or both")


def _want(name: str, held: Arrays, wanted: Mapping[str, tuple[int, ...]]) -> None:
    for key, shape in wanted.items():
        found = held[key].shape if key in held else None
        if found != shape:
            raise Wrong(name, f"has {key} of shape {found}, wanted {shape}")
        if not np.isfinite(held[key]).all():
            raise Wrong(name, f"has {key} that is not finite")
