"""Tables of subjects, of codes and of clusters, as far as they are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from models.codes.lasting import lasting
from models.codes.spoken import Spoken
from models.codes.usage import perplexity
from models.shapes import BoolArray, IntArray
from stages.codebook.found import Found
from stages.exchange import Codes

Row = Sequence[Any]
NOTHING = ""
SUBJECTS = ("subject", "part", "frames", "codes_used", "perplexity")
KNOWN = ("frames", "frames_unseen", "behaviour", "share", "mean_run_ms")
CODES = ("code", *KNOWN, "cluster", "pc1", "pc2")
CLUSTERS = ("cluster", "codes", *KNOWN)


def tables(found: Found) -> dict[str, tuple[Row, list[Row]]]:
    """Give header and rows of each table, by its file."""
    made: dict[str, tuple[Row, list[Row]]] = {}
    if found.codes is not None and found.spoken is not None:
        made["subjects.csv"] = SUBJECTS, list(_subjects(found.codes, found.spoken))
        made["codes.csv"] = CODES, list(_codes(found))
    if found.shape is not None:
        made["clusters.csv"] = CLUSTERS, list(clusters(found))
    return made


def clusters(found: Found) -> Iterator[Row]:
    """Say of each cluster of codes how it is used and what it is used for."""
    if found.shape is None:
        return
    of_code = found.shape.groups.of_code
    count = int(of_code.max()) + 1
    rows = [[g, int((of_code == g).sum())] for g in range(count)]
    if found.codes is None or found.spoken is None:
        yield from ([*row, *[NOTHING] * len(KNOWN)] for row in rows)
        return
    runs = _mean_runs(found.codes, of_code, count)
    heard = found.spoken
    for row, mean in zip(rows, runs, strict=True):
        is_in = of_code == row[0]
        behaviours = _commonest(heard.behaviours[is_in].sum(axis=0), found.codes)
        yield *row, *_frames(heard, is_in), *behaviours, mean


def _subjects(codes: Codes, heard: Spoken) -> Iterator[Row]:
    """Say of each subject how evenly it uses the codes."""
    names, first = np.unique(codes.subject, return_index=True)
    even = perplexity(heard.counts)
    for name, place, counts, level in zip(
        names, first, heard.counts, even, strict=True
    ):
        taken = int((counts > 0).sum())
        yield name, codes.part[place], int(counts.sum()), taken, level


def _codes(found: Found) -> Iterator[Row]:
    """Say of each code how it is used and where it lies."""
    assert found.codes is not None
    assert found.spoken is not None
    each = np.eye(found.codes.n_codes, dtype=bool)
    ms = 1e3 / found.codes.rate_hz * found.spoken.lasting.by_label
    for code in range(found.codes.n_codes):
        behaviours = _commonest(found.spoken.behaviours[code], found.codes)
        place: Row = [NOTHING] * 3
        if found.shape is not None:
            at = found.shape.principal.places[code, :2]
            place = [int(found.shape.groups.of_code[code]), *at]
        frames = _frames(found.spoken, each[code])
        yield code, *frames, *behaviours, ms[code], *place


def _frames(heard: Spoken, is_in: BoolArray) -> tuple[int, int]:
    """Count frames of some codes (C,), all of them and those of unseen subjects."""
    unseen = 0 if heard.unseen is None else int(heard.unseen.counts[is_in].sum())
    return int(heard.counts[:, is_in].sum()), unseen


def _commonest(behaviours: IntArray, codes: Codes) -> tuple[str, float | str]:
    """Name the commonest behaviour of frames (L,), and say their share."""
    if not behaviours.any():
        return NOTHING, NOTHING
    most = int(behaviours.argmax())
    return str(codes.labels[most]), float(behaviours[most] / behaviours.sum())


def _mean_runs(codes: Codes, of_code: IntArray, count: int) -> list[float]:
    """Mean run of each cluster, in ms."""
    labels = np.where(codes.codes >= 0, of_code[codes.codes], -1)
    runs = lasting(labels, count, codes.lengths)
    assert runs is not None
    mean: list[float] = (1e3 / codes.rate_hz * runs.by_label).tolist()
    return mean
