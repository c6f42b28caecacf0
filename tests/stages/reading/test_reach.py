"""A manifest reaches nothing but the files of its folder, and runs nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.reading.file import inside
from stages.reading.manifest import manifest
from tests.stages.reading.reader import refused


def outside(folder: Path) -> str:
    """Link out of the folder."""
    (folder.parent / "secret.csv").write_text("t\n")
    (folder / "a.csv").symlink_to(folder.parent / "secret.csv")
    return "a.csv"


def through(folder: Path) -> str:
    """Link a folder out of the folder."""
    (folder.parent / "secrets").mkdir()
    (folder.parent / "secrets" / "a.csv").write_text("t\n")
    (folder / "sub").symlink_to(folder.parent / "secrets")
    return "sub/a.csv"


def pipe(folder: Path) -> str:
    """Be a pipe, at which a reader would wait for ever."""
    os.mkfifo(folder / "a.csv")
    return "a.csv"


def circle(folder: Path) -> str:
    """Link to itself."""
    (folder / "a.csv").symlink_to(folder / "a.csv")
    return "a.csv"


NO_PATH = "is no path within the folder\n  name it from the folder downward, with /"
LEADS = "is a link that leads out of the folder\n  put the file itself into the folder"
PATHS: dict[str, tuple[Callable[[Path], str], str]] = {
    "upward": (lambda _: "../secret.csv", f"'../secret.csv' {NO_PATH}"),
    "upward within": (lambda _: "a/../../b", f"'a/../../b' {NO_PATH}"),
    "absolute": (lambda _: "/etc/passwd", f"'/etc/passwd' {NO_PATH}"),
    "of Windows": (lambda _: "..\\a.csv", f"'..\\\\a.csv' {NO_PATH}"),
    "a link": (outside, f"'a.csv' {LEADS}"),
    "a folder's link": (through, f"'sub/a.csv' {LEADS}"),
    "the folder": (lambda _: ".", "there is no file '.'"),
    "a pipe": (pipe, "there is no file 'a.csv'\n  did you mean 'a.csv'?"),
}


@pytest.mark.parametrize("case", PATHS)
def test_a_manifest_reaches_only_its_folder(tmp_path: Path, case: str) -> None:
    """Whoever lends a folder lends nothing else."""
    make, message = PATHS[case]
    folder = tmp_path / "folder"
    folder.mkdir()
    name = make(folder)

    said = refused(lambda: inside(folder, name, "here"))

    assert said == f"here: {message}"


@pytest.mark.parametrize("make", [circle, lambda _: "a\0b", lambda _: "a" * 5000])
def test_a_path_that_cannot_be_is_refused(
    tmp_path: Path, make: Callable[[Path], str]
) -> None:
    """A circle of links, a zero byte, a name too long for any disk."""
    name = make(tmp_path)

    assert refused(lambda: inside(tmp_path, name, "here")).startswith("here: ")


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    """As tools that spare disks make them."""
    (tmp_path / "real.csv").write_text("t\n")
    (tmp_path / "a.csv").symlink_to("real.csv")

    assert inside(tmp_path, "a.csv", "here").path == tmp_path.resolve() / "real.csv"


LAUGHS = "a: &a [x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MANIFESTS = {
    "code": (
        "a: !!python/object/apply:os.mkdir [owned]\n",
        "recordings.yaml:1: is no Y",
    ),
    "anchors": (LAUGHS, "recordings.yaml:2: is no YAML: aliases"),
    "depth": ("[" * 500, "recordings.yaml: is nested too deeply"),
    "length": ("a: " + "b" * 2**20, "recordings.yaml: is 1048579 bytes"),
    "a zero byte": ("a: \0\n", "recordings.yaml: is no YAML: "),
    "two documents": ("a: 1\n---\nb: 2\n", "recordings.yaml:2: is no YAML: "),
    "a list for a key": ("? [a, b]\n: 1\n", "recordings.yaml"),
    "a map for a key": ("? {a: b}\n: 1\n", "recordings.yaml:1: is no YAML: "),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_a_manifest_only_says(tmp_path: Path, case: str) -> None:
    """It runs nothing, and unfolds to no more than was written."""
    content, begin = MANIFESTS[case]
    (tmp_path / "recordings.yaml").write_text(content)

    said = refused(lambda: manifest(tmp_path))

    assert said.startswith(begin)
    assert len(said) < 1000
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"a": 1, "a": 2}', "{'a': 1}", "NaN"]
)
def test_a_manifest_in_json_only_says(tmp_path: Path, content: str) -> None:
    """Depth, keys twice, other quotes."""
    (tmp_path / "recordings.json").write_text(content)

    assert refused(lambda: manifest(tmp_path)).startswith("recordings.json")
