"""Words: codes of one company, however many manners it has; the same for everybody."""

from __future__ import annotations

import numpy as np
import pytest

from models.hdp import words
from models.hdp.words import Dictionary, Reading
from models.hsmm import agreement
from models.shapes import Array, IntArray

LENGTHS = np.array([6000, 6000, 1203, 6000])
# Beforehand twelve codes weigh together what 512 do.
READING = Reading(strength=Reading().strength * 512 / 12)


def spoken() -> tuple[Array, IntArray, IntArray]:
    """Vectors of 12 codes, four a behaviour; codes and truth of four recordings.

    Each bout has a manner: it shows two of its behaviour's four codes alone.
    """
    rng = np.random.default_rng(5)
    vectors = np.repeat(6.0 * np.eye(3, 4), 4, axis=0)
    vectors += 0.5 * rng.standard_normal((12, 4))
    truth = np.zeros((4, 6000), dtype=np.int64)
    codes = np.zeros_like(truth)
    for row in range(4):
        at, kind = 0, row % 3
        while at < 6000:
            kind, length = (kind + rng.integers(1, 3)) % 3, rng.integers(100, 300)
            manner = rng.choice(4, 2, replace=False)
            bout = slice(at, at + length)
            truth[row, bout] = kind
            codes[row, bout] = 4 * kind + rng.choice(manner, len(truth[row, bout]))
            at += length
    return vectors, codes, truth


def learnt() -> Dictionary:
    """Learn from all but the last recording."""
    vectors, codes, _ = spoken()
    rng = np.random.default_rng(0)
    return words.learn(vectors, codes[:3], LENGTHS[:3], READING, rng)


def test_manners_of_one_behaviour_are_one_word() -> None:
    """On a recording that nothing was learned from."""
    _, codes, truth = spoken()

    found, steps = words.spell(learnt(), codes, LENGTHS, READING)

    true = truth[3, ::10]
    assert steps[3] == len(true)
    counts = agreement.joint(found[3], true, int(found.max()) + 1, 3)
    assert agreement.share_right(counts, agreement.names(counts)) > 0.95


def test_a_recording_is_spelt_alike_beside_others_and_alone() -> None:
    """No other recording matters, and none has a word behind its end."""
    _, codes, _ = spoken()
    known = learnt()

    beside, steps = words.spell(known, codes, LENGTHS, READING)
    alone, _ = words.spell(known, codes[2:3], LENGTHS[2:3], READING)

    assert steps[2] == 120
    assert np.array_equal(beside[2, :120], alone[0, :120])


def test_each_words_codes_are_a_law() -> None:
    """Codes that were never seen have a chance too."""
    known = learnt()

    assert np.exp(known.log_code).sum(axis=1) == pytest.approx(1.0)
    assert np.exp(known.log_share).sum() == pytest.approx(1.0)
    assert np.isfinite(known.log_code).all()


def test_codes_out_of_range_are_refused() -> None:
    """By where they are."""
    vectors, codes, _ = spoken()
    codes[1, 7] = 12

    with pytest.raises(ValueError, match=r"codes holds 12 at \(1, 7\)"):
        words.learn(vectors, codes, LENGTHS, Reading(), np.random.default_rng(0))
