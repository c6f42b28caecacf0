"""See how the codes are used, by those they were learned from and by those unseen."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from models.first import codebook, drawing, split
from models.shapes import IntArray
from pipeline.stage import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Nothing to choose."""


def run(params: Params, ctx: StageContext) -> None:  # noqa: ARG001 - the contract
    """Count the codes, report, and draw the counts on unseen subjects."""
    with np.load(ctx.input("train/model.npz")) as model:
        n_codes = len(model["codes"])
    with np.load(ctx.input("train/codes.npz")) as arrays:
        codes, groups = arrays["codes"], arrays["groups"]

    seen = codebook.histogram(codes[groups == split.TRAIN], n_codes)
    unseen = codebook.histogram(codes[groups == split.TEST], n_codes)

    with ctx.result("codebook.json") as path:
        report = {"seen": describe(seen), "unseen": describe(unseen)}
        path.write_text(json.dumps(report, indent=2) + "\n")
    with ctx.figure("usage.svg") as path:
        title = f"frames of each of {n_codes} codes, unseen subjects, commonest first"
        path.write_text(drawing.bars(np.sort(unseen)[::-1].astype(float), title))
    ctx.metric(
        perplexity=codebook.perplexity(unseen),
        perplexity_seen=codebook.perplexity(seen),
        usage=codebook.usage(unseen),
        entropy=codebook.entropy(unseen),
    )


def describe(counts: IntArray) -> dict[str, object]:
    """Give all there is to say of one histogram."""
    return {
        "perplexity": codebook.perplexity(counts),
        "usage": codebook.usage(counts),
        "entropy": codebook.entropy(counts),
        "histogram": counts.tolist(),
    }
