"""`pipeline pack`: out of a run, run again, listed, cleared, archived."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.bundles.contents import MODEL
from pipeline.bundles.whole import seen
from tests.afar import Remote
from tests.bundles.made import signed_again
from tests.bundles.packing import PIPELINE, Packing
from tests.lab import Host, Lab
from tests.laptop import Laptop


def test_a_bundle_is_taken_out_of_a_sealed_run(packing: Packing, made: Path) -> None:
    """Byte for byte; taken twice it is there once; and the stage knew its commit."""
    packing.run()

    first, again = packing.pack("create"), packing.pack("create")

    assert first.startswith(f"bundle {packing.hash} of run {packing.laptop.run_id}: ")
    assert "was here already, whole" in again
    assert seen(packing.folder) == seen(made)
    told = (packing.laptop.results / "export" / "commit.txt").read_text().strip()
    assert told == packing.laptop.git("rev-parse", "HEAD")


def test_what_differs_from_the_seal_is_not_taken(packing: Packing) -> None:
    """A file of the run's folder that was changed after it was sealed."""
    packing.run()
    stage = packing.laptop.run_folder() / "tree" / "artifacts" / "export"
    (stage / packing.hash / MODEL).write_bytes(b"another one")

    said = packing.pack("create", code=7)

    assert f"{MODEL} is not what was sealed\n  see what else differs:" in said
    assert not packing.folder.exists()


def test_a_damaged_one_on_the_shelf_is_not_taken_for_it(packing: Packing) -> None:
    """It is said how to be rid of it."""
    packing.run()
    packing.pack("create")
    (packing.folder / "extra").write_text("x")

    said = packing.pack("create", code=7)

    assert "extra is not in the manifest\n  remove it, and take it again: rm -r" in said


def test_a_bundle_whose_gates_failed_is_not_taken(packing: Packing) -> None:
    """The numbers say no."""
    packing.run(least="-1", code=3)

    said = packing.pack("create", code=3)

    assert said.startswith("stage 'export' of run ")
    assert "its gates failed\n  which, and by how much: pipeline status" in said


def test_a_run_without_a_bundle_has_none(chain: Laptop) -> None:
    """Said with what would make one; before any run, there is no run."""
    assert "no run is known" in chain.pipeline("pack", "create", code=2)
    chain.pipeline("run")

    said = chain.pipeline("pack", "create", code=2)

    assert "has sealed no bundle, as far as is known here\n  the stage `export`" in said


def test_a_bundle_is_run_again(packing: Packing) -> None:
    """What was run, and what was not."""
    packing.put(packing.hash)

    lines = packing.pack("verify", packing.hash[:5]).splitlines()

    assert lines[0].startswith(f"bundle {packing.hash}, in ")
    assert lines[2] == (
        "  graph   static, 1x9x2x100; cut at 'latent', before Transpose 'codes/frames'"
    )
    assert "onnx    ran: 8 windows, 0 of 800 codes differ, logits by" in lines[3]
    assert "host    ran behind encoder.onnx: 0 of 800 codes differ" in lines[4]
    assert "hailo   pending: no HEF" in lines[6]
    assert lines[7].startswith("passed: every file is whole, and what was run gave")


@pytest.mark.parametrize("target", ["coreml", "hailo"])
def test_what_was_not_run_does_not_pass(packing: Packing, target: str) -> None:
    """It ends with 6: nothing is known against it, and nothing for it."""
    packing.put(packing.hash)

    said = packing.pack("verify", packing.hash, "--target", target, code=6)

    assert f"target {target} is not proved: " in said
    assert "passed" not in said


def test_without_its_packages_nothing_has_passed(packing: Packing) -> None:
    """A module that cannot be imported stands for one that is not there."""
    packing.put(packing.hash)
    blocked = packing.laptop.write(
        "blocked/onnxruntime.py", "raise ImportError(name='onnxruntime')"
    )
    packing.laptop.env["PYTHONPATH"] += f":{blocked.parent}"

    said = packing.pack("verify", packing.hash, code=6)

    assert said.startswith("onnxruntime is not installed here: nothing of the bundle")


def test_a_fault_is_named_and_ends_with_7(packing: Packing) -> None:
    """A flipped byte, and then a model that was changed and signed again."""
    packing.put(packing.hash)
    (packing.folder / MODEL).write_bytes(b"another one")

    flipped = packing.pack("verify", packing.hash, code=7)
    manifest = signed_again(packing.folder)
    packing.folder.rename(packing.shelf / manifest.hash)
    signed = packing.pack("verify", manifest.hash, "--json", code=7)

    assert f"  {MODEL}: has 11 bytes, and should have " in flipped
    assert "not passed: 1 fault; nothing of it was run" in flipped
    told = json.loads(signed)
    assert told["has_passed"] is False
    assert [one["path"] for one in told["faults"]] == [MODEL]


REFUSED: dict[str, tuple[list[str], str]] = {
    "no bundle": (["verify"], "pack verify: say which bundle\n  see them all with"),
    "a name too many": (["list", "a"], "pack list takes no name, found 'a'\n"),
    "an option of another": (
        ["verify", "a", "--keep", "3"],
        "--keep is for pack clean, not for pack verify\n  see: pipeline pack --help\n",
    ),
    "how many": (["clean"], "pack clean: say how many to keep, 0 or more\n  as in:"),
    "fewer than none": (["clean", "--keep", "-1"], "pack clean: say how many to keep"),
}


@pytest.mark.parametrize(("typed", "said"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_meant_is_refused(
    packing: Packing, typed: list[str], said: str
) -> None:
    """In words."""
    packing.put()

    assert packing.pack(*typed, code=2).startswith(said)


def test_errors_come_as_json_too(packing: Packing) -> None:
    """The last document says why a target is not proved."""
    packing.put(packing.hash)
    args = ("verify", packing.hash, "--target", "hailo", "--json")

    *_, last = packing.pack(*args, code=6).splitlines()

    told: dict[str, Any] = json.loads(last)["error"]
    assert told["exit_code"] == 6


def test_a_bundle_is_verified_where_no_pipeline_is(
    laptop: Laptop, bundle: Path
) -> None:
    """On a device there is the folder alone."""
    laptop.env |= {"OMP_NUM_THREADS": "1"}

    said = laptop.pipeline("pack", "verify", str(bundle))

    assert "passed: every file is whole" in said


def test_a_bundle_of_a_box_is_pulled_first(
    remote: Remote, box: Host, lab: Lab, made: Path
) -> None:
    """Said with what brings it home; then it is the one that was sealed there."""
    shutil.copytree(made.parent, remote.repo / "src")
    remote.on(box, lab, PIPELINE.replace("LEAST", "1"))
    remote.pipeline("run", "--host", "gpu")

    early = remote.pipeline("pack", "create", code=2)
    remote.pipeline("pull", "export")
    remote.pipeline("pack", "create")

    assert early == (
        "the artifacts of stage 'export' are still on gpu\n"
        f"  bring them home: pipeline pull {remote.run_id} export\n"
    )
    assert seen(remote.repo / "artifacts" / "bundles" / made.name) == seen(made)
