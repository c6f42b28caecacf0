"""A bundle is what its manifest says, file by file, or it is said what is not."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.bundles import manifest as manifests
from pipeline.bundles.contents import ALWAYS, GOLDEN, LABELS, MANIFEST, MODEL
from pipeline.bundles.manifest import Claim
from pipeline.bundles.whole import faults, listed, seen
from pipeline.errors import IntegrityError
from tests.bundles.made import COMMIT, signed_again


def found(folder: Path) -> list[tuple[str, str]]:
    """Say what is wrong, as pairs."""
    return [(one.path, one.what) for one in faults(folder)[1]]


def test_a_bundle_has_all_that_one_must_have(made: Path) -> None:
    """Nothing is wrong with it, and it has the commit it was made at."""
    assert found(made) == []
    assert set(ALWAYS) <= set(listed(made))
    assert (made / "COMMIT_SHA").read_text() == f"{COMMIT}\n"
    assert seen(made).hash == made.name


def test_a_flipped_bit_in_any_file_is_found(bundle: Path) -> None:
    """Each file in its turn, in its first, its middle and its last byte."""
    for name in [*listed(bundle), MANIFEST]:
        path = bundle / name
        good = path.read_bytes()
        for at in (0, len(good) // 2, len(good) - 1):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            assert [where for where, _ in found(bundle)] == [name], (name, at)
        path.write_bytes(good)
    assert found(bundle) == []


def test_a_missing_file_is_found(bundle: Path) -> None:
    """Each file in its turn."""
    for name in listed(bundle):
        (bundle / name).rename(bundle.parent / "away")
        assert found(bundle) == [(name, "is not there")]
        (bundle.parent / "away").rename(bundle / name)


def test_what_is_too_many_is_found(bundle: Path) -> None:
    """A file, a hidden one, a pipe, and links, of which none is followed."""
    (bundle / "extra").write_text("x")
    (bundle / "hailo" / ".hidden").write_text("x")
    os.mkfifo(bundle / "pipe")
    (bundle / "out").symlink_to("/etc")
    (bundle / "loop").symlink_to(".")

    assert sorted(found(bundle)) == [
        ("extra", "is not in the manifest"),
        ("hailo/.hidden", "is not in the manifest"),
        ("loop", "is a link, which no bundle has"),
        ("out", "is a link, which no bundle has"),
        ("pipe", "is neither a file nor a folder"),
    ]


def test_a_link_in_the_place_of_a_file_is_found(bundle: Path) -> None:
    """Even where it leads to the very bytes."""
    (bundle / MODEL).rename(bundle.parent / "model")
    (bundle / MODEL).symlink_to(bundle.parent / "model")

    assert found(bundle) == [(MODEL, "is a link, which no bundle has")]


def test_a_linked_folder_is_not_followed(bundle: Path) -> None:
    """Its files are not there, wherever it leads."""
    (bundle / "hailo").rename(bundle.parent / "hailo")
    (bundle / "hailo").symlink_to(bundle.parent / "hailo")

    assert ("hailo", "is a link, which no bundle has") in found(bundle)
    assert ("hailo/compile.py", "is not there") in found(bundle)


@pytest.mark.parametrize("name", ["../evil", "/etc/hostname", "a/../../b", "./x"])
def test_a_name_that_leads_outside_is_never_opened(bundle: Path, name: str) -> None:
    """It is refused, whatever lies there."""
    manifest = manifests.read(bundle)
    lie = {**manifest.files, name: manifest.files[MODEL]}

    signed_again(bundle, files=lie)

    assert (name, "leads out of the bundle") in found(bundle)


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "coreml ran": ({"coreml": Claim(state="ran")}, "it claims coreml ran, and the"),
    "a HEF": ({"hailo": Claim(state="compiled")}, "it claims hailo compiled, and the"),
    "onnx did not run": (
        {"onnx": Claim(state="pending")},
        "it claims onnx pending, and the files make it ran",
    ),
    "a target unheard of": ({"tpu": Claim(state="ran")}, "its targets are wrong: tpu"),
}


@pytest.mark.parametrize(("claim", "said"), CLAIMS.values(), ids=list(CLAIMS))
def test_a_claim_without_its_file_is_found(
    bundle: Path, claim: dict[str, Claim], said: str
) -> None:
    """However well the manifest is signed."""
    manifest = manifests.read(bundle)

    signed_again(bundle, targets={**manifest.targets, **claim})

    ((path, what),) = found(bundle)
    assert (path, what[: len(said)]) == (MANIFEST, said)


@pytest.mark.parametrize(
    "text",
    ["{}", '{"0":"stand"}', '{"1":"a","0":"b"}', "[]", "3", "x", '{"0":["a"]}'],
)
def test_a_label_map_that_says_otherwise_is_found(bundle: Path, text: str) -> None:
    """Names, their order, and whether it is one at all."""
    (bundle / LABELS).write_text(text)
    manifest = signed_again(bundle)

    place = bundle.rename(bundle.with_name(manifest.hash))

    assert found(place) == [(LABELS, "does not say the manifest's labels in order")]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("VERSION", "2\n", "should say 1"),
        ("VERSION", "", "should say 1"),
        ("COMMIT_SHA", "main\n", "does not name a commit"),
        ("COMMIT_SHA", "\udcff", "does not name a commit"),
    ],
)
def test_small_files_say_what_they_must(
    bundle: Path, name: str, text: str, what: str
) -> None:
    """A version of the form, a commit."""
    (bundle / name).write_bytes(text.encode(errors="surrogateescape"))
    manifest = signed_again(bundle)

    place = bundle.rename(bundle.with_name(manifest.hash))

    assert found(place) == [(name, what)]


def test_a_bundle_under_the_name_of_another_is_found(bundle: Path) -> None:
    """A name that is no hash is nobody's."""
    other = bundle.rename(bundle.with_name("0" * 16))
    assert found(other) == [(".", f"is bundle {bundle.name}, under another name")]

    assert found(other.rename(bundle.with_name("deployed"))) == []


def test_the_hash_is_that_of_the_files(bundle: Path) -> None:
    """Of all but the commit and the manifest."""
    signed_again(bundle, hash="0" * 16)

    said = f"it says hash {'0' * 16}, and its files make {bundle.name}"
    assert (MANIFEST, said) in found(bundle)


def test_a_later_format_is_left_to_its_version(bundle: Path) -> None:
    """Told before anything else is held against it."""
    manifest = replace(manifests.read(bundle), format=2)
    (bundle / MANIFEST).write_text(manifest.signed().text())

    with pytest.raises(IntegrityError) as caught:
        seen(bundle)

    assert "has format 2, and this version knows 1" in str(caught.value)


Spoil = Callable[[str], str]
SPOILT: dict[str, Spoil] = {
    "empty": lambda _: "",
    "a list": lambda _: "[]",
    "null": lambda _: "null",
    "deep": lambda _: "[" * 100_000,
    "half": lambda text: text[: len(text) // 2],
    "a key less": lambda text: json.dumps(
        {key: value for key, value in json.loads(text).items() if key != "files"}
    ),
    "a size as text": lambda text: text.replace('"size": 2', '"size": "2"'),
    "one space more": lambda text: text + " ",
    "another order": lambda text: json.dumps(json.loads(text)),
    "another number": lambda text: text.replace('"codes": 32', '"codes": 33'),
    "a digest less": lambda text: text.replace('"digest": "', '"digest": "0'),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=list(SPOILT))
def test_a_manifest_that_is_none_is_refused(bundle: Path, spoil: Spoil) -> None:
    """In one line, and nothing is raised that is no error of ours."""
    path = bundle / MANIFEST
    path.write_text(spoil(path.read_text()))

    manifest, ((where, what),) = None, found(bundle)

    assert (manifest, where) == (faults(bundle)[0], MANIFEST)
    assert str(bundle) in what


def test_nothing_at_all_is_no_bundle(tmp_path: Path) -> None:
    """Said of a folder without a manifest, and of one that is not there."""
    for folder in (tmp_path, tmp_path / "none"):
        assert found(folder) == [
            (MANIFEST, f"{folder} holds no bundle: it has no {MANIFEST}")
        ]


def test_what_is_larger_than_a_bundle_is_not_read(bundle: Path) -> None:
    """A list that promises a terabyte is refused before anything is hashed."""
    manifest = manifests.read(bundle)
    huge = replace(manifest.files[GOLDEN], size=10**12)

    signed_again(bundle, files={**manifest.files, GOLDEN: huge})

    assert found(bundle)[0] == (".", "larger than a bundle can be")


@pytest.mark.parametrize("shape", [(), (1,), (1, 9, 2, 0), (1, 9, 2, -1)])
def test_a_shape_that_is_none_is_found(bundle: Path, shape: tuple[int, ...]) -> None:
    """Before anything is run by it."""
    signed_again(bundle, shape=shape)

    assert found(bundle) == [(MANIFEST, "its shape or its labels are none")]
