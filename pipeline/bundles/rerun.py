"""What a bundle's own graphs and tables give for its golden vectors, run here and now.

This and `opening` are the files of pipeline/ that compute: they stay on the laptop, and
are imported when a bundle is verified, and never before. Of the bundle nothing is
executed but its graphs, whose operators are looked through first; its decoder is done
here anew, from the numbers of its tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import onnxruntime

from pipeline.bundles.contents import (
    CALIBRATION,
    ENCODER,
    GOLDEN,
    HOST,
    MANIFEST,
    MODEL,
)
from pipeline.bundles.opening import (
    Wrong,
    arrays,
    calibration,
    check_arrays,
    check_graphs,
    graph,
)
from pipeline.bundles.whole import Fault

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from pipeline.bundles.manifest import Manifest
    from pipeline.bundles.opening import Array, Arrays

# Another machine adds up in another order. The scores of behaviours are some ten.
TOLERANCE = 1e-4
# Windows that no answer is written down for, and how many codes of them may differ from
# one way to the other: some hang on the last digit.
_OTHERS, _FEW = 16, 0.01


class Rerun(NamedTuple):
    """What was run, and what is wrong with it.

    logits, host_logits: the largest difference from the golden vectors
    """

    windows: int = 0
    codes: int = 0
    codes_differing: int = 0
    logits: float = 0.0
    host_codes_differing: int = 0
    host_logits: float = 0.0
    faults: tuple[Fault, ...] = ()


def rerun(folder: Path, manifest: Manifest) -> Rerun:
    """Run the model, and the encoder with our decoder, on every golden window.

    Each file must have been held against the manifest before.
    """
    try:
        model, encoder = (graph(folder, name) for name in (MODEL, ENCODER))
        golden, host = (arrays(folder, name) for name in (GOLDEN, HOST))
        check_graphs(model, encoder, manifest)
        check_arrays(golden, host, manifest)
        others = calibration(folder, manifest)[:_OTHERS]
        found = _compared(model, encoder, golden, host, manifest)
        apart = tuple(_apart(model, encoder, host, others))
        return found._replace(faults=(*found.faults, *apart))
    except Wrong as wrong:
        return Rerun(faults=(wrong.fault,))
    except (ValueError, IndexError, KeyError, TypeError) as error:
        # Whoever made it by hand may think of what we did not.
        what = f"does not fit its files: {error}"
        return Rerun(faults=(Fault(path=MANIFEST, what=what),))


def _compared(
    model: Any, encoder: Any, golden: Arrays, host: Arrays, manifest: Manifest
) -> Rerun:
    """Run both ways, and compare with the golden vectors."""
    windows = golden["windows"].astype(np.float32)
    standard = ((windows - host["mean"]) / host["deviation"]).astype(np.float32)
    codes, logits = _run(MODEL, model, windows)
    (latent,) = _run(ENCODER, encoder, standard)
    host_codes, host_logits = _decoded(latent[:, :, 0], host)
    found = Rerun(
        windows=len(windows),
        codes=int(codes.size),
        codes_differing=int((codes != golden["codes"]).sum()),
        logits=_gap(logits, golden["logits"]),
        host_codes_differing=int((host_codes != golden["codes"]).sum()),
        host_logits=_gap(host_logits, golden["logits"]),
    )
    allowed = TOLERANCE * max(1.0, float(np.abs(golden["logits"]).max()))
    faults = [
        *_off(MODEL, found.codes_differing, found.codes, found.logits, allowed),
        *_off(
            HOST, found.host_codes_differing, found.codes, found.host_logits, allowed
        ),
        *_unlike(golden, manifest, found, allowed),
    ]
    return found._replace(faults=tuple(faults))


def _apart(model: Any, encoder: Any, host: Arrays, others: Array) -> Iterator[Fault]:
    """Say where the two ways part on windows in standard units, (N, V, P, T).

    A model that has the golden answers by heart gives itself away here.
    """
    raw = (others * host["deviation"] + host["mean"]).astype(np.float32)
    codes, _ = _run(MODEL, model, raw)
    (latent,) = _run(ENCODER, encoder, others)
    differing = int((codes != _decoded(latent[:, :, 0], host)[0]).sum())
    if differing > _FEW * codes.size:
        what = f"parts from encoder.onnx in {differing} of {codes.size} codes"
        yield Fault(path=MODEL, what=f"{what} of {CALIBRATION}")


def _run(name: str, model: Any, inputs: Array) -> list[Array]:
    """Run a graph on windows one by one, as a device does, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (takes,) = session.get_inputs()
        given = [session.run(None, {takes.name: one[None]}) for one in inputs]
    except Exception as error:  # likewise C++
        raise Wrong(name, f"does not run: {str(error)[:200]}") from error
    return [np.concatenate(parts) for parts in zip(*given, strict=True)]


def _decoded(latent: Array, host: Arrays) -> tuple[Array, Array]:
    """Find codes and logits behind the cut: latent (N, Z, T) -> (N, T), (N, K)."""
    try:
        if "moved" in host:
            scores = np.einsum("nzt,cz->ntc", latent, host["moved"]) + host["bias"]
            codes = scores.argmax(-1)
        else:
            steps = host["thresholds"][:, None, :, None]
            level = (latent[None] >= steps).sum(0)
            codes = np.einsum("z,nzt->nt", host["strides"], level).astype(np.int64)
        return codes, host["windows"][codes].mean(1)
    except (ValueError, IndexError) as error:
        raise Wrong(HOST, "does not fit what the encoder gives") from error


def _gap(found: Array, wanted: Array) -> float:
    """Give the largest difference; what is no number differs endlessly."""
    gap = np.abs(found.astype(np.float64) - wanted).max()
    return float(gap) if np.isfinite(gap) else float("inf")


def _off(
    path: str, differing: int, codes: int, gap: float, allowed: float
) -> Iterator[Fault]:
    """Say what is not as the golden vectors have it."""
    if differing:
        yield Fault(path=path, what=f"gives {differing} of {codes} codes otherwise")
    if gap > allowed:
        what = f"gives logits that differ by {gap:.2g}; {allowed:.2g} is allowed"
        yield Fault(path=path, what=what)


def _unlike(
    golden: Arrays, manifest: Manifest, found: Rerun, allowed: float
) -> Iterator[Fault]:
    """Say where the golden vectors, or what is claimed of them, do not agree."""
    raised = np.exp(golden["logits"] - golden["logits"].max(1, keepdims=True))
    probabilities = raised / raised.sum(1, keepdims=True)
    if _gap(probabilities, golden["probabilities"]) > TOLERANCE:
        yield Fault(path=GOLDEN, what="its probabilities are not those of its logits")
    claimed = manifest.parity
    if (claimed.windows, claimed.codes) != (found.windows, found.codes):
        what = f"it claims {claimed.windows} windows, and there are {found.windows}"
        yield Fault(path=MANIFEST, what=what)
    if differing := max(claimed.codes_differing, claimed.host_codes_differing):
        what = f"when it was made, {differing} codes differed already"
        yield Fault(path=MANIFEST, what=what)
    for gap in (claimed.logits, claimed.host_logits):
        if not 0 <= gap <= allowed:
            what = f"when it was made, logits differed by {gap:.2g} already"
            yield Fault(path=MANIFEST, what=what)
