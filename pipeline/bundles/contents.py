"""What lies in a bundle, by name; and the hash that names the whole of it."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.artifact import Artifact

MANIFEST = "manifest.json"
MODEL = "model.onnx"  # raw windows -> codes, logits
ENCODER = "encoder.onnx"  # windows in standard units -> the map at the cut
HOST = "host.npz"  # what the host needs behind the cut
DECODER = "host_decode.py"
GOLDEN = "golden.npz"
LABELS = "label_map.json"
CONFIG = "config.yaml"
METRICS = "metrics.json"
VERSION = "VERSION"
COMMIT = "COMMIT_SHA"
COREML = "coreml.mlpackage"  # a folder
CALIBRATION = "hailo/calibration.npy"
HOOK = "hailo/compile.py"
HEF = "hailo/encoder.hef"

# What every bundle has. CoreML and HEF are there where their tools were.
ALWAYS = (
    *(MODEL, ENCODER, HOST, DECODER, GOLDEN, LABELS, CONFIG, METRICS, VERSION),
    *(COMMIT, CALIBRATION, HOOK),
)
# Who made it, and what was measured while it was made: not what it is.
_NOT_HASHED = frozenset({MANIFEST, COMMIT})
NAME = re.compile(r"[0-9a-f]{16}")


def is_inside(name: str) -> bool:
    """Tell whether a name leads to a place below the folder it is put behind."""
    place = PurePosixPath(name)
    is_plain = str(place) == name and not place.is_absolute()
    return is_plain and ".." not in place.parts and "\0" not in name


def hash_of(files: Mapping[str, Artifact]) -> str:
    """Name a bundle by the content of its files; the same content, the same name.

    The commit and the manifest are left out: another commit may make the same bundle.
    """
    digest = hashlib.sha256()
    for name in sorted(files.keys() - _NOT_HASHED):
        digest.update(f"{name}\0{files[name].sha256}\n".encode())
    return digest.hexdigest()[:16]
