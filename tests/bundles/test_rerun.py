"""What is run of a bundle gives its golden vectors, or it is said what does not."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from pipeline.bundles import manifest as manifests
from pipeline.bundles.contents import (
    CALIBRATION,
    ENCODER,
    GOLDEN,
    HOST,
    MANIFEST,
    MODEL,
)
from pipeline.bundles.rerun import Rerun, rerun
from tests.bundles.made import signed_again


def again(folder: Path) -> Rerun:
    """Run a bundle whose files are taken for whole."""
    return rerun(folder, manifests.read(folder))


def faults(folder: Path) -> list[tuple[str, str]]:
    """Say what is wrong, as pairs."""
    return [(one.path, one.what) for one in again(folder).faults]


def rewritten(path: Path, **arrays: Any) -> None:
    """Put other arrays into a file of arrays."""
    with np.load(path) as held:
        now = {**held, **arrays}
    np.savez(path, allow_pickle=True, **now)


def test_a_bundle_gives_its_golden_vectors(made: Path) -> None:
    """By its model, and by its encoder with our decoder."""
    found = again(made)

    assert (found.faults, found.windows, found.codes) == ((), 8, 800)
    assert (found.codes_differing, found.host_codes_differing) == (0, 0)
    assert 0 <= max(found.logits, found.host_logits) < 1e-5


def weight_moved(model: onnx.ModelProto) -> None:
    """Move one weight of the encoder."""
    held = next(h for h in model.graph.initializer if h.name.endswith("mix.weight"))
    numbers = numpy_helper.to_array(held).copy()
    numbers.flat[0] += 5.0
    held.CopyFrom(numpy_helper.from_array(numbers, held.name))


def axis_opened(model: onnx.ModelProto) -> None:
    """Let the batch have any size."""
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"


def numbers_moved_out(model: onnx.ModelProto) -> None:
    """Have a weight read from a file of the machine."""
    held = model.graph.initializer[0]
    held.data_location = onnx.TensorProto.EXTERNAL
    held.external_data.add(key="location", value="/etc/hostname")


def loop_added(model: onnx.ModelProto) -> None:
    """Add an operator that goes on for ever."""
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], [], "turn", body=body))


def function_added(model: onnx.ModelProto) -> None:
    """Hide operators in a function."""
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", [], [], [], opset))


def foreign_added(model: onnx.ModelProto) -> None:
    """Ask for an operator of somebody else's library."""
    node = helper.make_node("Conv", ["windows"], ["x"], "fast", domain="vendor")
    model.graph.node.append(node)


def sparse_added(model: onnx.ModelProto) -> None:
    """Keep numbers in a place that is seldom looked at."""
    model.graph.sparse_initializer.add().values.name = "hidden"


def output_added(model: onnx.ModelProto) -> None:
    """Give more than a bundle does."""
    model.graph.output.append(model.graph.output[0])
    model.graph.output[-1].name = "centred"


def learnt_by_heart(model: onnx.ModelProto) -> None:
    """Give the same codes whatever is asked."""
    node = next(one for one in model.graph.node if one.output[0] == "codes")
    model.graph.node.remove(node)
    codes = numpy_helper.from_array(np.zeros((1, 100), np.int32), "known")
    model.graph.initializer.append(codes)
    model.graph.node.append(helper.make_node("Identity", ["known"], ["codes"], "codes"))


GRAPHS: dict[str, tuple[Callable[[onnx.ModelProto], None], str]] = {
    "a weight": (weight_moved, "gives "),
    "an open axis": (axis_opened, "is not static: the shape of windows is open"),
    "a file elsewhere": (numbers_moved_out, "from another file"),
    "a loop": (loop_added, "holds Loop at turn, which no bundle of this format"),
    "a function": (function_added, "has functions of its own"),
    "a foreign operator": (foreign_added, "holds Conv at fast, which no bundle"),
    "a sparse constant": (sparse_added, "reads hidden from another file"),
    "answers by heart": (learnt_by_heart, "gives the same codes whatever it is given"),
    "one more output": (output_added, "is no sound model"),
}


@pytest.mark.parametrize(("spoil", "said"), GRAPHS.values(), ids=list(GRAPHS))
def test_another_model_is_found(
    bundle: Path, spoil: Callable[[onnx.ModelProto], None], said: str
) -> None:
    """However well the manifest is signed; and what is not known is not run."""
    model = onnx.load(bundle / MODEL)
    spoil(model)
    (bundle / MODEL).write_bytes(model.SerializeToString())
    signed_again(bundle)

    ((path, what), *_) = faults(bundle)

    assert path == MODEL
    assert said in what


def test_an_encoder_that_was_not_cut_is_found(bundle: Path) -> None:
    """The whole model in its place."""
    (bundle / ENCODER).write_bytes((bundle / MODEL).read_bytes())
    signed_again(bundle)

    assert faults(bundle) == [
        (ENCODER, "is to be cut again, at Transpose codes/frames")
    ]


ARRAYS: dict[str, tuple[str, str, Callable[[Any], Any], str]] = {
    "a golden code": (GOLDEN, "codes", lambda a: a + (a == a[0, 0]), "codes otherwise"),
    "golden infinity": (GOLDEN, "logits", lambda a: a - np.inf, "not finite"),
    "golden texts": (GOLDEN, "codes", lambda a: a.astype(str), "which is no number"),
    "golden logits": (GOLDEN, "logits", lambda a: a + 1e-2, "logits that differ"),
    "golden nan": (GOLDEN, "logits", lambda a: a * np.nan, "not finite"),
    "probabilities": (GOLDEN, "probabilities", lambda a: a / 2, "not those of its"),
    "no window": (GOLDEN, "windows", lambda a: a[:0], "has codes of shape"),
    "a pickle": (GOLDEN, "codes", lambda a: a.astype(object), "cannot be read"),
    "the codebook": (HOST, "moved", lambda a: a[::-1], "codes otherwise"),
    "fewer codes": (HOST, "moved", lambda a: a[:-1], "does not fit"),
    "the table": (HOST, "windows", lambda a: a + 1.0, "logits that differ"),
    "a table too small": (HOST, "windows", lambda a: a[:3], "has windows of shape"),
    "the units": (HOST, "mean", lambda a: a + 1.0, "codes otherwise"),
    "no deviation": (HOST, "deviation", lambda a: a * 0, "is not positive"),
    "both rules": (HOST, "thresholds", lambda _: np.zeros((1, 1)), "or both"),
}


@pytest.mark.parametrize(
    ("name", "key", "spoil", "said"), ARRAYS.values(), ids=list(ARRAYS)
)
def test_other_arrays_are_found(
    bundle: Path, name: str, key: str, spoil: Callable[[Any], Any], said: str
) -> None:
    """Of the golden vectors and of the host's tables."""
    with np.load(bundle / name) as held:
        before = held.get(key)
    rewritten(bundle / name, **{key: spoil(before)})
    signed_again(bundle)

    assert any(said in what for _, what in faults(bundle)), faults(bundle)


def test_a_model_that_knows_the_golden_answers_alone_is_found(bundle: Path) -> None:
    """Its golden vectors are its own; on other windows the encoder says otherwise."""
    model = onnx.load(bundle / MODEL)
    held = next(h for h in model.graph.initializer if h.name == "codes/bias")
    moved = numpy_helper.to_array(held)[::-1].copy()
    held.CopyFrom(numpy_helper.from_array(moved, held.name))
    (bundle / MODEL).write_bytes(model.SerializeToString())
    signed_again(bundle)

    said = [what for path, what in faults(bundle) if path == MODEL]

    assert any("parts from encoder.onnx in " in what for what in said)


def test_a_header_that_promises_too_much_is_a_fault(bundle: Path) -> None:
    """More numbers than any machine holds, in a hundred bytes."""
    head = {"descr": "<f4", "fortran_order": False, "shape": (10**14, 9, 2, 100)}
    with (bundle / CALIBRATION).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, head)
    signed_again(bundle)

    ((path, what),) = faults(bundle)

    assert (path, what[:14]) == (CALIBRATION, "cannot be read")


def test_what_unpacks_to_more_than_fits_is_not_unpacked(bundle: Path) -> None:
    """A megabyte that would become a gigabyte."""
    with (
        zipfile.ZipFile(
            bundle / GOLDEN, "w", zipfile.ZIP_DEFLATED, compresslevel=1
        ) as archive,
        archive.open("windows.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(101):
            member.write(bytes(1_000_000))
    signed_again(bundle)

    said = "unpacks to more than a bundle can hold"
    assert faults(bundle) == [(GOLDEN, said)]


LIES: dict[str, tuple[dict[str, Any], str, str]] = {
    "labels": ({"labels": ("a", "b")}, MODEL, "the manifest makes it"),
    "shape": ({"shape": (1, 9, 2, 50)}, MODEL, "the manifest makes it"),
    "codes": ({"codes": 31}, HOST, "has frames of shape"),
    "no cut": ({"refused": None}, MODEL, "is refused otherwise than claimed"),
}


@pytest.mark.parametrize(("lie", "path", "said"), LIES.values(), ids=list(LIES))
def test_a_manifest_that_lies_of_the_model_is_found(
    bundle: Path, lie: dict[str, Any], path: str, said: str
) -> None:
    """The graph and the tables say what they are."""
    signed_again(bundle, **lie)

    ((where, what),) = faults(bundle)

    assert where == path
    assert said in what


@pytest.mark.parametrize(
    ("lie", "said"),
    [
        ({"codes_differing": 3}, "when it was made, 3 codes differed"),
        ({"host_codes_differing": 2}, "when it was made, 2 codes differed"),
        ({"host_logits": 0.5}, "when it was made, logits differed by 0.5"),
        ({"host_logits": float("nan")}, "when it was made, logits differed by nan"),
        ({"windows": 9}, "it claims 9 windows, and there are 8"),
    ],
    ids=str,
)
def test_a_manifest_that_owns_to_differences_does_not_pass(
    bundle: Path, lie: dict[str, Any], said: str
) -> None:
    """Nor one that counted otherwise."""
    parity = replace(manifests.read(bundle).parity, **lie)
    signed_again(bundle, parity=parity)

    ((where, what),) = faults(bundle)

    assert where == MANIFEST
    assert said in what


@pytest.mark.parametrize("name", [MODEL, ENCODER, GOLDEN, HOST, CALIBRATION])
@pytest.mark.parametrize("text", [b"", b"\xff" * 9, b"PK\x05\x06" + bytes(18)])
def test_what_cannot_be_read_is_a_fault_and_no_crash(
    bundle: Path, name: str, text: bytes
) -> None:
    """Of each kind of file, whatever its library raises."""
    (bundle / name).write_bytes(text)
    signed_again(bundle)

    assert [where for where, _ in faults(bundle)] == [name]


@pytest.mark.parametrize("part", ["input", "output"])
def test_an_encoder_with_more_ends_than_two_is_a_fault(bundle: Path, part: str) -> None:
    """What nobody thought of ends in words as well."""
    model = onnx.load(bundle / ENCODER)
    more = helper.make_tensor_value_info("more", 1, [1, 9, 2, 100])
    model.graph.node.append(helper.make_node("Identity", ["standard"], ["more"]))
    getattr(model.graph, part).append(more)
    if part == "input":
        del model.graph.node[-1]
    (bundle / ENCODER).write_bytes(model.SerializeToString())
    signed_again(bundle)

    ((path, what),) = faults(bundle)

    assert (path, what[:22]) == (MANIFEST, "does not fit its files")
