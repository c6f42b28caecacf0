"""All that was found of a codebook, as one account."""

from __future__ import annotations

import numpy as np

from models.codes.shape import Shape
from models.codes.spoken import Spoken
from models.codes.usage import Usage
from stages.codebook.found import Found
from stages.codebook.tables import CLUSTERS, clusters
from stages.exchange import Codes


def told(found: Found) -> dict[str, object]:
    """Give all of it, as plain values or what account.py makes such."""
    said: dict[str, object] = {"missing": found.missing, "metrics": found.metrics}
    if found.codes is not None and found.spoken is not None:
        said |= _heard(found.codes, found.spoken)
    if found.shape is not None:
        said["vectors"] = _lying(found.shape)
        said["clusters"] = {
            "dimensions": found.shape.groups.dimensions,
            "agreement_with_k_means": found.shape.groups.agreement,
            "summaries": [
                dict(zip(CLUSTERS, row, strict=True)) for row in clusters(found)
            ],
            "audit": found.shape.groups.audit,
        }
    return said


def _heard(codes: Codes, heard: Spoken) -> dict[str, object]:
    """Say what codes tell."""
    lasting, ms = heard.lasting, 1e3 / codes.rate_hz
    said: dict[str, object] = {
        "use": {"seen": _used(heard.seen), "unseen": _used(heard.unseen)},
        "durations": {
            "runs": lasting.runs,
            "mean_ms": ms * lasting.mean,
            "longest_ms": ms * lasting.longest,
            "quantiles_ms": {q: ms * v for q, v in lasting.quantiles.items()},
        },
        "changes": {"rate": heard.changes.rate, "entropy": heard.changes.entropy},
    }
    if heard.meaning is not None:
        meaning = heard.meaning._asdict()
        shares = meaning.pop("by_behaviour").tolist()
        del meaning["named"]
        by_behaviour = dict(zip(codes.labels.tolist(), shares, strict=True))
        said["meaning"] = {**meaning, "by_behaviour": by_behaviour}
    return said


def _used(usage: Usage | None) -> dict[str, object] | None:
    """Say how codes are used; subjects and codes one by one stand in the tables."""
    if usage is None:
        return None
    said = usage._asdict()
    said["perplexity_by_subject"] = said.pop("typical")
    del said["by_subject"], said["counts"]
    return said


def _lying(shape: Shape) -> dict[str, object]:
    """Say where codes lie."""
    return {
        "count": len(shape.nearest),
        "explained": shape.principal.explained[:10],
        "dimensions": shape.dimensions,
        "nearest_median": np.median(shape.nearest),
        "nearest_least": shape.nearest.min(),
    }
