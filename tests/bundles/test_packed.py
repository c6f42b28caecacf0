"""One file of a bundle: always the same bytes, and the whole of it."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipeline.bundles import manifest as manifests
from pipeline.bundles.packed import FORMATS, packed
from pipeline.bundles.whole import seen


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_bundle_gives_the_same_bytes(bundle: Path, form: str) -> None:
    """Whatever the times and rights of its files, and wherever it lies."""
    manifest = manifests.read(bundle)
    before = packed(bundle, manifest, form)
    for path in sorted(bundle.rglob("*")):
        os.utime(path, (1, 1))
        path.chmod(0o700)

    moved = bundle.rename(bundle.with_name("elsewhere"))

    assert packed(moved, manifest, form) == before


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_unpacked_is_the_bundle(made: Path, tmp_path: Path, form: str) -> None:
    """Below its hash."""
    data = io.BytesIO(packed(made, manifests.read(made), form))

    if form == "zip":
        with zipfile.ZipFile(data) as archive:
            archive.extractall(tmp_path)
    else:
        with tarfile.open(fileobj=data) as packing:
            packing.extractall(tmp_path, filter="data")

    assert seen(tmp_path / made.name) == manifests.read(made)


def test_an_archive_can_be_read_by_others(made: Path, tmp_path: Path) -> None:
    """By tar itself."""
    data = packed(made, manifests.read(made), "tar.gz")
    (tmp_path / "b.tar.gz").write_bytes(data)

    shutil.unpack_archive(tmp_path / "b.tar.gz", tmp_path / "out", filter="data")

    assert seen(tmp_path / "out" / made.name).hash == made.name
