"""Bundles that lie here are found by their names, and come there whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.artifact import survey
from pipeline.bundles.shelf import Shelf
from pipeline.bundles.whole import seen
from pipeline.errors import IntegrityError, SpecError


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """A shelf with three names on it, which hold nothing."""
    shelf = Shelf(tmp_path / "artifacts")
    for at, name in enumerate(("aaaa111122223333", "aaab111122223333", "f" * 16)):
        (shelf.root / name).mkdir(parents=True)
        os.utime(shelf.root / name, (at, at))
    (shelf.root / "notes").mkdir()
    return shelf


def test_a_bundle_is_found_by_how_its_hash_begins(shelf: Shelf) -> None:
    """And by all of it; what is no hash is no bundle."""
    assert shelf.find("f").name == "f" * 16
    assert shelf.find("aaaa111122223333").name == "aaaa111122223333"
    assert shelf.names() == ["aaaa111122223333", "aaab111122223333", "f" * 16]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("aaa", "'aaa' may be any of: aaaa111122223333, aaab111122223333\n  name more"),
        ("ffffe", "no bundle is called 'ffffe'\n  did you mean 'ffffffffffffffff'?"),
        ("aaab1111x", "no bundle is called 'aaab1111x'\n  did you mean 'aaab1111"),
        ("notes", "no bundle is called 'notes'\n  see: pipeline pack list"),
        ("", "no bundle is called ''\n  see: pipeline pack list"),
    ],
)
def test_a_name_that_is_none_is_met_with_near_ones(
    shelf: Shelf, wanted: str, said: str
) -> None:
    """As everywhere."""
    with pytest.raises(SpecError) as caught:
        shelf.find(wanted)

    assert str(caught.value).startswith(said)


def test_the_newest_comes_first(shelf: Shelf) -> None:
    """By when it came to lie there; one that cannot be read is among them."""
    kept = shelf.all()

    assert [one.hash[:4] for one in kept] == ["ffff", "aaab", "aaaa"]
    assert all("holds no bundle" in one.why for one in kept)


def test_a_bundle_is_taken_whole(made: Path, tmp_path: Path) -> None:
    """And git never picks it up."""
    shelf = Shelf(tmp_path / "artifacts")

    folder = shelf.take(made.name, made, survey(made))

    assert seen(folder) == seen(made)
    assert (tmp_path / "artifacts" / ".gitignore").read_text() == "*\n"


def test_a_file_that_was_not_sealed_so_leaves_nothing(
    bundle: Path, tmp_path: Path
) -> None:
    """Half a bundle never has its name."""
    shelf, sealed = Shelf(tmp_path / "artifacts"), survey(bundle)
    (bundle / "model.onnx").write_bytes(b"another one")

    with pytest.raises(IntegrityError, match="is not what was sealed"):
        shelf.take(bundle.name, bundle, sealed)

    assert list(shelf.root.iterdir()) == []
