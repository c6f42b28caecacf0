"""What every strategy ends with: order, support, names, and an account of it all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.clustering.matching import Matching, match
from models.clustering.model import Model, nearest_index
from models.clustering.points import Points
from models.clustering.support import Supported, support, supported

if TYPE_CHECKING:
    import numpy.typing as npt

    from models.shapes import Array, IntArray

Audit = dict[str, object]


@dataclass(frozen=True, eq=False)
class Clustering:
    """labels (B,) of the rows that were fitted, the clusters, and how they came about.

    `predict` on the rows that were fitted gives `labels`, exactly. `audit` holds
    numbers, text, lists and dicts alone, so that it can be written as JSON.
    """

    labels: IntArray
    model: Model
    audit: Audit = field(repr=False)

    def predict(self, features: npt.ArrayLike) -> IntArray:
        """Give the label of each row (B,), by the same rule that gave `labels`."""
        return self.model.predict(features)


@dataclass(frozen=True)
class Support:
    """The least share of all weight that a cluster must have.

    Below `merge_below` it is merged into the nearest, below `drop_below` it is dropped.
    """

    merge_below: float = 0.01
    drop_below: float = 0.001

    def __post_init__(self) -> None:
        """Refuse what are no shares."""
        if not 0 <= self.drop_below <= self.merge_below <= 1:
            raise ValueError(
                "support wants 0 <= drop_below <= merge_below <= 1, "
                f"found {self.drop_below} and {self.merge_below}"
            )


ENOUGH = Support()


def settle(
    model: Model,
    points: Points,
    least: Support,
    prior: IntArray,
    next_label: int,
    audit: Audit,
) -> Clustering:
    """Enforce the support, order clusters by it, and name them as before.

    prior (B,): the earlier label of each row, -1 where none was known. Where none was
    known at all, names are 0, 1, ... from the largest cluster down. Before it is named
    a cluster goes by its place in `model`: the account of what was dropped and merged
    uses those, and "ordered_as" says which of them each final label was.
    """
    enough = supported(
        model,
        points,
        merge_below=least.merge_below,
        drop_below=least.drop_below,
    )
    model = _by_size(enough)
    index = nearest_index(model, points.rows)
    # Of two on one spot, whichever is first has the rows of both, in another order too.
    used, index = np.unique(index, return_inverse=True)
    model = model.taken(used)
    by_row = index[points.place]
    matching = match(by_row, len(model.names), prior, _row_weights(points), next_label)
    named = model.renamed(matching.names)
    after = support(index, len(model.names), points).tolist()
    account = {
        **audit,
        "rows": len(points.place),
        "distinct": len(points.rows),
        "total_weight": points.total,
        "support": {
            "merge_below": least.merge_below,
            "drop_below": least.drop_below,
            "before": _texts(enough.before),
            "after": _texts(dict(zip(named.names.tolist(), after, strict=True))),
        },
        "decisions": [
            {**d._asdict(), "moved": _texts(d.moved)} for d in enough.decisions
        ],
        "ordered_as": model.names.tolist(),
        "matching": _account(matching),
        "labels": labels_account(named),
    }
    return Clustering(named.names[by_row], named, account)


def labels_account(model: Model) -> list[dict[str, object]]:
    """Write down each label, its weight in the model, and its mean."""
    return [
        {"label": name, "weight": weight, "mean": mean}
        for name, weight, mean in zip(
            model.names.tolist(),
            model.weights.tolist(),
            model.means.tolist(),
            strict=True,
        )
    ]


def _by_size(enough: Supported) -> Model:
    """Order clusters by their support, then by their mean, which no two share."""
    model = enough.model
    share = np.array([enough.after[name] for name in model.names.tolist()])
    return model.taken(np.lexsort([*model.means.T[::-1], -share]))


def _row_weights(points: Points) -> Array:
    """Share the weight of a distinct row evenly over the rows that are equal to it."""
    count = np.bincount(points.place, minlength=len(points.rows))
    return (points.weights / count)[points.place]


def _account(matching: Matching) -> Audit:
    """Write a matching as plain data."""
    names = matching.names.tolist()
    return {
        "names": names,
        "prior": matching.prior.tolist(),
        "overlap": matching.overlap.tolist(),
        "matched": [n for n in names if n not in matching.fresh],
        "fresh": list(matching.fresh),
        "vanished": list(matching.vanished),
        "next_label": matching.next_label,
    }


def _texts(shares: dict[int, float]) -> dict[str, float]:
    """Write names as text, as the keys of JSON are."""
    return {str(name): share for name, share in shares.items()}
