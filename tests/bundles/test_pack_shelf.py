"""`pipeline pack list`, `clean`, `archive`: what lies here, and what becomes of it."""

from __future__ import annotations

import json
import os

import pytest

from pipeline.bundles.contents import ALWAYS, MODEL
from tests.bundles.packing import Packing


def test_bundles_are_listed_the_newest_first(packing: Packing) -> None:
    """For people in 100 columns, with every file, and for scripts."""
    names = ["1" * 16, packing.hash]
    packing.put(*names)

    rows = packing.pack("list").splitlines()
    told = json.loads(packing.pack("list", "--json"))["bundles"]

    assert [row[:16].strip() for row in rows] == ["bundle", *reversed(names)]
    assert max(map(len, rows)) <= 100
    assert [one["hash"] for one in told] == list(reversed(names))
    assert told[0]["targets"]["onnx"]["state"] == "ran"
    said = packing.pack("list", "--verbose")
    assert all(said.count(name) >= 2 for name in ALWAYS)


def test_none_is_said_to_be_none(packing: Packing) -> None:
    """With what takes one."""
    packing.put()

    assert "take one out of a run: pipeline pack create" in packing.pack("list")
    said = packing.pack("verify", "3a5b", code=2)
    assert said == (
        "no bundle is called '3a5b'\n"
        "  none lies here; take one out of a run: pipeline pack create\n"
    )


def test_clearing_lists_first(packing: Packing) -> None:
    """Deleted is what is asked for, the oldest, and only with --yes."""
    names = ["1" * 16, "2" * 16, "3" * 16]
    packing.put(*names)

    listed = packing.pack("clean", "--keep", "1")
    assert sorted(os.listdir(packing.shelf)) == names
    packing.pack("clean", "--keep", "1", "--yes")

    assert os.listdir(packing.shelf) == ["3" * 16]
    assert "in all, 2 bundles; nothing was deleted" in listed
    assert "delete them with: pipeline pack clean --keep 1 --yes" in listed
    assert "nothing can go" in packing.pack("clean", "--keep", "1")


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
def test_an_archive_is_one_file_and_no_other_is_lost(
    packing: Packing, form: str
) -> None:
    """Written twice it is the same; another file of that name stays."""
    packing.put(packing.hash)
    path = packing.laptop.repo / f"{packing.hash}.{form}"

    first = packing.pack("archive", packing.hash[:4], "--format", form)
    again = packing.pack("archive", packing.hash[:4], "--format", form)
    path.write_text("my own")
    refused = packing.pack("archive", packing.hash, "--format", form, code=2)

    assert first == again
    assert refused.startswith(f"{path.name} is there already, and is something else")
    assert path.read_text() == "my own"


def test_a_damaged_bundle_is_not_archived(packing: Packing) -> None:
    """It would carry the damage on."""
    packing.put(packing.hash)
    (packing.folder / MODEL).unlink()

    said = packing.pack("archive", packing.hash, code=7)

    assert f"{MODEL} is not there" in said
    assert not list(packing.laptop.repo.glob("*.tar.gz"))
