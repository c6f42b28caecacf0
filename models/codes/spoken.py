"""All that codes of recordings tell by themselves, without the codebook's vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.codes.lasting import Lasting, lasting
from models.codes.meaning import Meaning, joint, meaning
from models.codes.usage import Usage, by_subject, usage
from models.hsmm.agreement import commonest
from models.temporal.behaviour import Behaviour, behaviour

if TYPE_CHECKING:
    from models.shapes import BoolArray, IntArray


class Spoken(NamedTuple):
    """What C codes of G subjects tell.

    counts (G, C): frames of each subject and code
    behaviours (C, L): frames of each code and behaviour, where that is known
    seen, unseen: use by those that the codebook was learned from, and by the others;
    None where there is nobody
    named (C,): the commonest behaviour of each code on the seen, -1 for none
    meaning: that, judged on the unseen; None where truth is missing on either side
    lasting: runs of codes. bouts: runs of behaviours, None where none is known
    changes: what follows what, over all
    """

    counts: IntArray
    behaviours: IntArray
    seen: Usage | None
    unseen: Usage | None
    named: IntArray
    meaning: Meaning | None
    lasting: Lasting
    bouts: Lasting | None
    changes: Behaviour


class Recordings(NamedTuple):
    """R recordings, T frames long at most.

    codes (R, T), truth (R, T): -1 behind the end, and of truth where it is unknown
    lengths (R,). owner (R,): subject 0 .. G-1. is_seen, is_unseen (R,): the codebook
    was learned from it; it is kept to judge. n_codes C, n_labels L
    """

    codes: IntArray
    truth: IntArray
    lengths: IntArray
    owner: IntArray
    is_seen: BoolArray
    is_unseen: BoolArray
    n_codes: int
    n_labels: int


def spoken(given: Recordings) -> Spoken:
    """Ask recordings of one frame or more."""
    if not (given.codes >= 0).any():
        raise ValueError("recordings hold no frame: one or more is wanted")
    n_subjects = int(given.owner.max()) + 1
    counts = by_subject(given.codes, given.owner, n_subjects, given.n_codes)
    n_labels = max(given.n_labels, 1)
    shape = (n_subjects, given.n_codes, n_labels)
    tables = joint(given.codes, given.truth, given.owner, shape)
    seen, unseen = (
        np.unique(given.owner[rows]) for rows in (given.is_seen, given.is_unseen)
    )
    naming, judged = tables[seen].sum(axis=0), tables[unseen]
    is_known = bool(naming.any() and judged.any())
    runs = lasting(given.codes, given.n_codes, given.lengths)
    assert runs is not None
    return Spoken(
        counts,
        tables.sum(axis=0),
        _used(counts[seen]),
        _used(counts[unseen]),
        commonest(naming),
        meaning(naming, judged) if is_known else None,
        runs,
        lasting(given.truth, n_labels, given.lengths),
        behaviour(given.codes, given.n_codes, given.lengths),
    )


def _used(counts: IntArray) -> Usage | None:
    return usage(counts) if counts.any() else None
