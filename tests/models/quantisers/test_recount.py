"""A step of averages recounted, and the frames whose codes never change."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.quantisers import golden, hostside
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.health import Evidence
from models.quantisers.recount import recount
from models.quantisers.watching import watch


@pytest.fixture(scope="module")
def seen() -> Evidence:
    """Four steps on frames around eight centres, half of the codes thrown away."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(8, 4))
    rows = centres[rng.integers(8, size=(4, 2, 1, 60))]
    rows = (rows + 0.1 * rng.normal(size=rows.shape)).transpose(0, 1, 4, 2, 3)
    batches = list(torch.tensor(rows, dtype=torch.float32))
    quantiser = VectorQuantizerEMA2D(16, 4, decay=0.9)
    return watch(quantiser, batches, n_codes=16, throw_away=0.5)


def test_our_step_is_the_textbooks(seen: Evidence) -> None:
    """To the digits of single precision; and what was thrown away came back."""
    found = recount(seen, decay=0.9)

    assert found.error < 1e-6
    assert found.survival == 1.0
    assert found.outside[1:].tolist() == [0, 8, 0, 0]


def test_another_decay_is_noticed(seen: Evidence) -> None:
    """Averages that forget faster than was said are not those of the textbook."""
    assert recount(seen, decay=0.99).error > 1e-3


def test_codes_that_stay_away_are_noticed(seen: Evidence) -> None:
    """Half of the thrown codes left where they were is a survival of a half."""
    assert seen.books is not None
    books = seen.books.copy()
    books[-1, 8:12] = 100.0

    assert recount(seen._replace(books=books), decay=0.9).survival == 0.5


def test_frames_worked_out_by_hand_have_their_codes() -> None:
    """In torch and in numpy alike."""
    frames = torch.from_numpy(golden.frames())[:, :, None]

    in_torch = FSQ(golden.LEVELS).codes_of(frames).numpy()
    in_numpy = hostside.decode(golden.frames(), golden.LEVELS).codes

    assert in_torch.tolist() == in_numpy.tolist() == golden.codes().tolist()
