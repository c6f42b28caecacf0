"""The network as a CoreML package: converted wherever coremltools is, run nowhere here.

What can be known without a Mac is checked: shapes, types, and that each weight lies in
the package as it is. The same network gives the same bytes: the date and the random
names that the tool writes are replaced.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import torch

from models.networks.encoder import WINDOW
from models.networks.whole import Whole
from pipeline.bundles.manifest import Claim

NOT_RUN = "converted, not run here: CoreML runs on macOS alone"
MISSING = "coremltools is not installed"
_WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
_MODEL = "Data/com.apple.CoreML/model.mlmodel"


def convert(whole: Whole, target: Path) -> Claim:
    """Write the package to `target` and say so; or leave nothing, and say why.

    A tool that fails, or makes another network of it, costs the package and no more.
    """
    if importlib.util.find_spec("coremltools") is None:
        return Claim(state="pending", said=MISSING)
    try:
        with _in_silence(), tempfile.TemporaryDirectory() as folder:
            package = Path(folder, "made.mlpackage")
            _converted(whole.eval()).save(str(package))
            check(whole, package)
            _settle(package)
            shutil.copytree(package, target)
    except Exception as error:  # noqa: BLE001 - it meets versions it has not been tried on
        first = next(iter(str(error).splitlines()), type(error).__name__)
        return Claim(state="pending", said=f"coremltools failed: {first[:150]}")
    return Claim(state="converted", said=NOT_RUN)


def _converted(whole: Whole) -> Any:
    """Trace and convert in single precision: in half, codes would be others."""
    import coremltools as ct

    shape = (1, *WINDOW)
    with torch.no_grad():
        traced = torch.jit.trace(  # type: ignore[no-untyped-call]
            whole, torch.zeros(shape), check_trace=False
        )
    return ct.convert(
        traced,
        inputs=[ct.TensorType(name="windows", shape=shape, dtype=np.float32)],
        outputs=[ct.TensorType(name="codes"), ct.TensorType(name="logits")],
        convert_to="mlprogram",
        compute_precision=ct.precision.FLOAT32,
        minimum_deployment_target=ct.target.iOS16,
        skip_model_load=True,
    )


def check(whole: Whole, package: Path) -> None:
    """Hold a package against the network: its shapes, and each weight in it."""
    told = _described(package)
    frames, behaviours = WINDOW[-1], whole.classifier.window.conv.out_channels
    wanted = {"windows": (1, *WINDOW), "codes": (1, frames), "logits": (1, behaviours)}
    if told != wanted:
        raise ValueError(f"the CoreML package has {told}, wanted {wanted}")
    held = (package / _WEIGHTS).read_bytes()
    for name, weight in whole.named_parameters():
        is_used = not name.startswith("classifier.frames.")
        if is_used and weight.dim() > 1 and _bytes(weight) not in held:
            raise ValueError(f"the CoreML package does not hold {name} as it is")


def _described(package: Path) -> dict[str, tuple[int, ...]]:
    """Read the shapes of inputs and outputs from a package."""
    told = _spec(package).description
    return {
        one.name: tuple(one.type.multiArrayType.shape)
        for one in (*told.input, *told.output)
    }


def _spec(package: Path) -> Any:
    """Read the description of a package."""
    from coremltools.proto import Model_pb2

    spec = Model_pb2.Model()
    spec.ParseFromString((package / _MODEL).read_bytes())
    return spec


def _settle(package: Path) -> None:
    """Put what is always the same in the place of dates and random names."""
    spec = _spec(package)
    made = spec.description.metadata.userDefined
    for key in [key for key in made if key.endswith("conversion_date")]:
        del made[key]
    text = spec.SerializeToString(deterministic=True)
    (package / _MODEL).write_bytes(text)
    (package / _MODEL).chmod(0o644)
    listing = package / "Manifest.json"
    told = json.loads(listing.read_text())
    entries = told["itemInfoEntries"]
    names = {
        old: str(uuid5(NAMESPACE_URL, one["path"])) for old, one in entries.items()
    }
    told["itemInfoEntries"] = {names[old]: one for old, one in entries.items()}
    told["rootModelIdentifier"] = names[told["rootModelIdentifier"]]
    listing.write_text(json.dumps(told, indent=4, sort_keys=True) + "\n")


def _bytes(weight: torch.Tensor) -> bytes:
    return weight.detach().contiguous().numpy().tobytes()


@contextlib.contextmanager
def _in_silence() -> Iterator[None]:
    """Keep back bars of progress, and what the tool says of versions it has not met."""
    logger = logging.getLogger("coremltools")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
