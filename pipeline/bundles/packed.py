"""A bundle as one file: the same bundle always gives the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.bundles.manifest import Manifest

FORMATS = ("zip", "tar.gz")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644


def packed(folder: Path, manifest: Manifest, form: str) -> bytes:
    """Give a bundle as an archive in which all lies below its hash.

    In order of names, without times, owners and rights of their own.
    """
    return _zip(folder, manifest) if form == "zip" else _tar(folder, manifest)


def _members(folder: Path, manifest: Manifest) -> Iterator[tuple[str, bytes]]:
    for name in sorted([*manifest.files, "manifest.json"]):
        yield f"{manifest.hash}/{name}", (folder / name).read_bytes()


def _zip(folder: Path, manifest: Manifest) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _members(folder, manifest):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # whichever system it is made on
            entry.external_attr = _MODE << 16
            archive.writestr(entry, data, compresslevel=9)
    return buffer.getvalue()


def _tar(folder: Path, manifest: Manifest) -> bytes:
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=buffer, mode="wb", mtime=0) as packing,
        tarfile.open(fileobj=packing, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, data in _members(folder, manifest):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), _MODE
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
