"""One clustering for many: the least expected distance to posterior samples.

Two frames are together in a share of the samples: the co-clustering matrix. It has a
cell per pair of frames, and is never made. The losses below are sums over the table of
how two clusterings share frames, n_ij,

    loss(a, b) = sum_i phi(n_i.) + sum_j phi(n_.j) - 2 sum_ij phi(n_ij)

    Binder's      phi(n) = n^2         the count of pairs on which a and b differ
    information   phi(n) = n log n     n times the variation of information (Meila 2007)

and frames that no sample tells apart move as one atom. Names of labels play no part.
Binder's loss likes tiny extra clusters; variation of information does not, and is the
default (Wade and Ghahramani 2018).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from models.hdp import doors

if TYPE_CHECKING:
    from models.shapes import Array, IntArray

Loss = Literal["information", "binder"]

# Sums of phi are exact to about 1e-16 of phi(M); a gain below this is rounding.
LEAST_GAIN = 1e-9


class Estimate(NamedTuple):
    """labels (M,): the clustering, largest cluster 0; expected_loss: per frame.

    For "information" the loss is in nats; for "binder" it is the expected share of the
    M^2 ordered pairs on which a sample differs.
    """

    labels: IntArray
    expected_loss: float


class Atoms(NamedTuple):
    """Frames that all samples keep together.

    labels (S, U): of each atom in each sample; sizes (U,); of_frame (M,): its atom
    """

    labels: IntArray
    sizes: Array
    of_frame: IntArray


def point(
    samples: IntArray, *, loss: Loss = "information", rounds: int = 20
) -> Estimate:
    """Give the clustering of least expected loss against samples (S, M).

    Takes the best of the samples, then moves one atom after another while that gains.
    Samples that are best alike, to rounding, are all tried, so that the same samples
    in another order or under other names give the same clustering. Time is
    S^2 U + rounds U S K for U atoms.
    """
    samples = doors.labels(samples, "SM", "samples")
    doors.at_least_one(samples.shape[0], "the number of samples")
    doors.at_least_one(samples.shape[1], "the number of frames")
    if loss not in ("information", "binder"):
        raise ValueError(f"loss is {loss!r}: 'information' or 'binder' is wanted")
    if samples.max() >= samples.shape[1]:
        # Tables have a cell for each label up to the largest: number them anew.
        _, ranks = np.unique(samples, return_inverse=True)
        samples = ranks.reshape(samples.shape)
    atoms = gather(samples)
    ends = [
        _refined(row, atoms, loss, rounds) for row in _best(atoms.labels, atoms, loss)
    ]
    labels = _best(np.stack(ends), atoms, loss)[0]
    found = canonical(labels[atoms.of_frame])
    n_frames = float(len(found))
    scale = n_frames if loss == "information" else n_frames**2
    return Estimate(found, expected_loss(labels, atoms, loss) / scale)


def canonical(labels: IntArray, sizes: Array | None = None) -> IntArray:
    """Rename labels (M,) by size, largest 0; ties by who comes first."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    held = np.bincount(inverse, weights=sizes)
    order = np.lexsort((first, -held))
    names = np.empty(len(order), dtype=np.int64)
    names[order] = np.arange(len(order))
    renamed: IntArray = names[inverse]
    return renamed


def gather(samples: IntArray) -> Atoms:
    """Group the frames of samples (S, M) by their labels in all samples.

    Atoms are in the order of their first frames, whatever the labels are called. Labels
    are packed into one number sample by sample: no two rows are ever compared.
    """
    of_frame = np.zeros(samples.shape[1], dtype=np.int64)
    for row in samples:
        packed = of_frame * (int(row.max()) + 1) + row
        # Ranks by counting: there are few numbers, and sorting is ten times dearer.
        ranks = np.cumsum(np.bincount(packed) > 0) - 1
        of_frame = ranks[packed]
    _, first, sizes = np.unique(of_frame, return_index=True, return_counts=True)
    order = np.argsort(first)
    names = np.argsort(order)
    return Atoms(
        samples[:, first[order]], sizes[order].astype(np.float64), names[of_frame]
    )


def expected_loss(labels: IntArray, atoms: Atoms, loss: Loss) -> float:
    """Mean loss of labels (U,) against each sample, over atoms."""
    tables = [_table(labels, row, atoms.sizes) for row in atoms.labels]
    losses = [
        _phi(table.sum(axis=1), loss).sum()
        + _phi(table.sum(axis=0), loss).sum()
        - 2.0 * _phi(table, loss).sum()
        for table in tables
    ]
    return float(max(np.mean(losses), 0.0))


def _best(rows: IntArray, atoms: Atoms, loss: Loss) -> IntArray:
    """Give those of rows (R, U) of least loss, to rounding, once each and in order."""
    named = np.unique([canonical(row, atoms.sizes) for row in rows], axis=0)
    losses = np.array([expected_loss(row, atoms, loss) for row in named])
    best: IntArray = named[losses <= losses.min() + _least_gain(atoms)]
    return best


def _least_gain(atoms: Atoms) -> float:
    """Give what a gain must pass to be more than rounding."""
    whole = _phi(np.array([atoms.sizes.sum()]), "information")[0]
    return LEAST_GAIN * max(float(whole), 1.0)


def _held(cells: IntArray, sizes: Array, n_cells: int = 0) -> Array:
    """Frames in each cell."""
    held = np.bincount(cells, weights=sizes, minlength=n_cells)
    return held.astype(np.float64, copy=False)


def _table(labels: IntArray, row: IntArray, sizes: Array) -> Array:
    """Frames in cluster i of one and j of the other: (K, J)."""
    n_rows, n_columns = int(labels.max()) + 1, int(row.max()) + 1
    cells = labels * n_columns + row
    return _held(cells, sizes, n_rows * n_columns).reshape(n_rows, n_columns)


def _phi(counts: Array, loss: Loss) -> Array:
    if loss == "binder":
        squares: Array = counts**2
        return squares
    logs: Array = counts * np.log(np.maximum(counts, 1.0))
    return logs


def _refined(labels: IntArray, atoms: Atoms, loss: Loss, rounds: int) -> IntArray:
    """Move atoms of labels (U,) round after round, while that gains."""
    labels = labels.copy()
    for _ in range(rounds):
        if not _refine(labels, atoms, loss):
            break
    return labels


def _refine(labels: IntArray, atoms: Atoms, loss: Loss) -> bool:
    """Move each atom where it costs least, largest first; say whether any moved.

    labels (U,) change in place. One cluster that was empty before is on offer.
    """
    tables = _tables(labels, atoms, int(labels.max()) + 2)
    held = _held(labels, atoms.sizes, tables.shape[1])
    samples = np.arange(len(tables))
    least = _least_gain(atoms)
    has_moved = False
    for u in np.argsort(-atoms.sizes, kind="stable"):
        size, here = atoms.sizes[u], labels[u]
        shared = tables[samples, :, atoms.labels[:, u]]
        shared[:, here] -= size
        rest = held.copy()
        rest[here] -= size
        cost = _phi(rest + size, loss) - _phi(rest, loss)
        cost -= 2.0 * (_phi(shared + size, loss) - _phi(shared, loss)).mean(axis=0)
        there = int((cost <= cost.min() + least).argmax())
        if cost[there] < cost[here] - least:
            tables[samples, here, atoms.labels[:, u]] -= size
            tables[samples, there, atoms.labels[:, u]] += size
            held[here] -= size
            held[there] += size
            labels[u] = there
            has_moved = True
    return has_moved


def _tables(labels: IntArray, atoms: Atoms, n_clusters: int) -> Array:
    """Tables against each sample: (S, K, J)."""
    tables = np.zeros((len(atoms.labels), n_clusters, int(atoms.labels.max()) + 1))
    for table, row in zip(tables, atoms.labels, strict=True):
        counted = _table(labels, row, atoms.sizes)
        table[: counted.shape[0], : counted.shape[1]] = counted
    return tables
