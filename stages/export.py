"""Pack the trained network into a bundle, and say only what was run of it.

The bundle is a folder named by the hash of its content, artifacts/export/<hash>/;
docs/bundles.md says what lies in it. Every graph is run and held against the network in
torch before it is sealed; what no tool here can run is called converted, or pending.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from models.networks.cost import parameters
from models.networks.deployed import deployed
from models.networks.encoder import WINDOW
from models.networks.forbidden import forbidden
from models.networks.whole import Whole
from models.threads import one_thread
from pipeline.bundles import contents, lint
from pipeline.bundles.manifest import Claim, Manifest
from pipeline.bundles.whole import listed, seen
from pipeline.stage import StageContext
from stages import account
from stages.bundling import coreml, filling, golden, hailo, running, words
from stages.bundling.filling import Content
from stages.bundling.running import Proof
from stages.trained import read as read_trained

POINTER = "bundle.json"  # has a name that can be an input; the folder's is its hash
PACKAGES = ("torch", "numpy", "onnx", "onnxruntime", "coremltools")
RUNS = {"tiny": 50, "small": 2000, "full": 10_000}  # that latency is the median of


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How much is measured; whether CoreML is converted, where its tools are."""

    profile: str = "small"
    runs: int | None = None
    coreml: bool = True


def run(params: Params, ctx: StageContext) -> None:
    """Read, write both graphs, run them, and tell."""
    runs = params.runs or RUNS[params.profile]
    content, left = gather(ctx)
    draft = ctx.out / ".draft"
    draft.mkdir()

    filling.fill(draft, content)
    ctx.tick(1, 4)
    claims = converted(draft, content, is_asked=params.coreml)
    ctx.tick(2, 4)
    found = proved(draft, content, left)
    ctx.tick(3, 4)
    manifest = describe(draft, content, claims, found)
    folder = draft.replace(ctx.out / manifest.hash)
    seen(folder)

    windows = content.sample.calibration
    time = running.latency(folder / contents.MODEL, windows, runs)
    tell(ctx, content, manifest, found)
    ctx.metric(latency_ms=time.median, latency_p99_ms=time.p99)
    ctx.tick(4, 4)


def gather(ctx: StageContext) -> tuple[Content, int]:
    """Read what the stages before made; give it, and how many windows are undecided."""
    trained = read_trained(ctx.input("train/model.pt"))
    sample = golden.sample(ctx.input("train/sample.npz"))
    found = calibration(ctx.input("calibration/calibration.json"))
    temperature = float(found["temperature"])
    made = deployed(trained.network, trained.scale, temperature)
    for graph in (made.whole, made.front):
        refuse(graph)
    with one_thread():
        wanted = golden.golden(trained, sample.golden, temperature)
    decided = golden.decided(wanted.latent, made)
    if not decided.any():
        message = "no golden window is decided: the codes lie on top of each other"
        raise ValueError(message)
    content = Content(trained, made, wanted.of(decided), sample, found)
    return content, int((~decided).sum())


def calibration(path: Path) -> Mapping[str, Any]:
    """Read what calibration found; raise ValueError for anything else."""
    try:
        found = json.loads(path.read_bytes())
        is_right = 0 < float(found["temperature"]) < float("inf")
    except (ValueError, KeyError, TypeError) as error:
        is_right, found = False, {"error": error}
    if not is_right:
        message = f"{path.name} holds no positive temperature; run calibration again"
        raise ValueError(message)
    return dict(found)


def refuse(graph: Any) -> None:
    """Refuse a graph that holds what the rules bar."""
    barred = forbidden(graph)
    if barred:
        message = f"the exported graph is barred: {'; '.join(map(str, barred))}"
        raise ValueError(message)


def converted(draft: Path, content: Content, *, is_asked: bool) -> dict[str, Claim]:
    """Make the other forms; say of each what it is."""
    if not is_asked:
        package = Claim(state="pending", said="not asked for: coreml is false")
    else:
        temperature = float(content.calibration["temperature"])
        whole = Whole(content.trained.network, content.trained.scale, temperature)
        package = coreml.convert(whole, draft / contents.COREML)
    ran = Claim(state="ran", said="ran here in onnxruntime")
    return {"onnx": ran, "coreml": package, "hailo": hailo.compiled(draft)}


def proved(draft: Path, content: Content, left: int) -> Proof:
    """Run what was written on golden windows, from the files themselves."""
    with one_thread():
        return running.proof(draft, content.golden, left)


def describe(
    draft: Path, content: Content, claims: Mapping[str, Claim], found: Proof
) -> Manifest:
    """Write the manifest, which names the bundle."""
    made, (kind, n_codes) = content.made, filling.quantiser(content.trained)
    files = listed(draft)
    manifest = Manifest(
        hash=contents.hash_of(files),
        files=files,
        shape=(1, *WINDOW),
        labels=content.trained.labels,
        quantiser=kind,
        codes=n_codes,
        targets=claims,
        refused=lint.refused(made.whole.graph),
        parity=found.parity,
        tools=tools(),
    ).signed()
    (draft / contents.MANIFEST).write_text(manifest.text())
    return manifest


def tools() -> dict[str, str]:
    """Say which versions made it."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def tell(ctx: StageContext, content: Content, manifest: Manifest, found: Proof) -> None:
    """Say what was made, in numbers and in words."""
    files, parity = manifest.files, manifest.parity
    ctx.metric(
        parameters=parameters(content.trained.network),
        onnx_bytes=files[contents.MODEL].size,
        bundle_bytes=sum(one.size for one in files.values()),
        parity=found.probability,
        codes_differing=max(parity.codes_differing, parity.host_codes_differing),
        undecided=parity.undecided,
        refused_ops=manifest.refused.count if manifest.refused else 0,
    )
    with ctx.output(POINTER) as path:
        path.write_text(json.dumps({"hash": manifest.hash}) + "\n")
    with ctx.result("bundle.txt") as path:
        path.write_text(words.summary(manifest))
    made = content.made
    for name, rows in (
        ("parity.csv", words.parity_rows(manifest)),
        ("targets.csv", words.target_rows(manifest)),
        ("operators.csv", words.operator_rows(made.whole.graph, made.front.graph)),
    ):
        with ctx.result(name) as path:
            header, *lines = rows
            account.table(path, header, lines)
    ctx.log.info(words.summary(manifest).rstrip())
