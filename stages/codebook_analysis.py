"""Look at the codebook: how its codes are used, how long, and what they mean.

Codes tell of use, order, durations and meaning; the model tells where the codes lie.
Either may be missing: what can be said is said, what cannot is named, and nothing is
ever drawn of noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from models.codes.shape import shape
from models.codes.spoken import Recordings, Spoken, spoken
from models.shapes import Array
from pipeline.stage import StageContext
from stages import account
from stages.codebook.found import Found
from stages.codebook.tables import tables
from stages.codebook.telling import told
from stages.drawing import codebook_analysis as drawing
from stages.exchange import Codes

Read = TypeVar("Read")
SEEN, UNSEEN = "train", "test"
CODES, MODEL = "train/codes.npz", "train/model.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Codes drawn in the table of what follows what, and most clusters looked for."""

    drawn: int = 40
    clusters: int = 12


def run(params: Params, ctx: StageContext) -> None:
    """Look at what is there, and say what is not."""
    for name, least in (("drawn", 2), ("clusters", 1)):
        if getattr(params, name) < least:
            raise ValueError(
                f"{name} is {getattr(params, name)}: wanted {least} or more"
            )
    found = looked(params, ctx)
    for sentence in found.missing:
        ctx.log.warning(sentence)
    with ctx.result("codebook_analysis.json") as path:
        account.write(path, told(found))
    for name, (header, rows) in tables(found).items():
        with ctx.result(name) as path:
            account.table(path, header, rows)
    if found.analysed:
        with ctx.figure("codebook_visualization.png") as path:
            drawing.draw(path, found, params.drawn)
    ctx.metric(**found.metrics)


def looked(params: Params, ctx: StageContext) -> Found:
    """Read what there is and look at it."""
    codes, vectors = there(ctx, CODES, Codes.read), there(ctx, MODEL, codebook)
    missing = [
        f"{ref} is not there: nothing is said of {what}"
        for ref, it, what in (
            (CODES, codes, "how codes are used"),
            (MODEL, vectors, "where codes lie"),
        )
        if it is None
    ]
    if codes is not None and not (codes.codes >= 0).any():
        missing.append(f"{CODES} holds no frame: nothing is said of how codes are used")
        codes = None
    heard = None if codes is None else spoken(recordings(codes))
    missing += [] if heard is None else unheard(heard)
    if vectors is None:
        return Found(codes, heard, None, tuple(missing))
    if codes is not None and len(vectors) != codes.n_codes:
        message = (
            f"{CODES} has {codes.n_codes} codes and {MODEL} has {len(vectors)}: "
            "they are of different runs of train; run it again"
        )
        raise ValueError(message)
    weights = None if heard is None else heard.counts.sum(axis=0)
    seen = shape(vectors, weights, seed=ctx.seed, most=params.clusters)
    return Found(codes, heard, seen, tuple(missing))


def there(ctx: StageContext, ref: str, read: Callable[[Path], Read]) -> Read | None:
    """Read an input, or give None where it was not given or is gone."""
    path = ctx.inputs.get(ref)
    return read(path) if path is not None and path.exists() else None


def codebook(path: Path) -> Array:
    """Read the vectors (C, Z) of a trained model's codes, whatever its quantiser."""
    import torch

    from stages import trained

    quantiser: Any = trained.read(path).network.quantiser
    with torch.no_grad():
        vectors = quantiser.embed(torch.arange(quantiser.num_codes)[None])[0].T
    doubled: Array = vectors.double().numpy()
    return doubled


def recordings(codes: Codes) -> Recordings:
    """Give the codes as numbers alone."""
    _, owner = np.unique(codes.subject, return_inverse=True)
    return Recordings(
        codes.codes.astype(np.int64),
        codes.truth.astype(np.int64),
        codes.lengths,
        owner.astype(np.int64),
        codes.part == SEEN,
        codes.part == UNSEEN,
        codes.n_codes,
        len(codes.labels),
    )


def unheard(heard: Spoken) -> Iterator[str]:
    """Say what codes could not tell."""
    if heard.seen is None:
        yield f"no recording is of part {SEEN}: nothing is said of use by seen subjects"
    if heard.unseen is None:
        yield f"no recording is of part {UNSEEN}: nothing is said of unseen subjects"
    if heard.meaning is None:
        yield (
            f"truth is not known on both {SEEN} and {UNSEEN}: "
            "nothing is said of what codes mean"
        )
