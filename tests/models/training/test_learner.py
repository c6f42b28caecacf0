"""Learning: what is taken up goes on as if it had never stopped; the best is kept."""

from __future__ import annotations

import io

import pytest
import torch

from models.training.learner import Epoch, Learner
from models.training.learning import Diverged, Share, learn
from tests.models.training import small


@pytest.fixture(scope="module")
def undisturbed() -> Learner:
    """One that learned from begin to end."""
    whole = small.learner()
    for _ in learn(whole, small.series(), small.unseen()):
        pass
    return whole


def resumed(after: int) -> Learner:
    """One that was written down after an epoch, and taken up by another process."""
    first = small.learner()
    epochs = learn(first, small.series(), small.unseen())
    for _ in range(after):
        next(epochs)
    held = io.BytesIO()
    torch.save(first.state(), held)
    held.seek(0)

    second = small.learner()
    second.take_up(torch.load(held, weights_only=True))
    torch.manual_seed(after)  # nothing may depend on the global stream
    for _ in learn(second, small.series(), small.unseen()):
        pass
    return second


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_what_is_taken_up_ends_with_the_same_bits(
    after: int, undisturbed: Learner
) -> None:
    """Weights, codebook, the best of them, and the whole history."""
    second = resumed(after)

    assert small.is_same(small.weights(second), small.weights(undisturbed))
    assert small.is_same(second.best, undisturbed.best)
    assert second.history == undisturbed.history
    assert second.best_epoch == undisturbed.best_epoch


def test_it_learns(undisturbed: Learner) -> None:
    """What is lost on labels and on the signal falls."""
    first, last = undisturbed.history[0], undisturbed.history[-1]

    assert last.means.window < first.means.window
    assert last.means.reconstruction < first.means.reconstruction


def test_an_epoch_written_as_lists_is_read_back(undisturbed: Learner) -> None:
    """As a checkpoint and a worker's line hold it."""
    assert [Epoch.of(each.plain()) for each in undisturbed.history] == (
        undisturbed.history
    )


def epoch(number: int, loss: float) -> Epoch:
    """An epoch with a validation loss."""
    return Epoch.of([number, [0.0] * 6, 0.1, [loss, 0.5, 0.5, 1.0, 1.0]])


def test_the_weights_of_the_best_epoch_are_kept() -> None:
    """Not the last ones; and what is learned later does not change them."""
    one = small.learner()
    one.note(epoch(1, 0.1))  # the opening: never the best
    one.note(epoch(2, 2.0))
    kept = small.weights(one)
    with torch.no_grad():
        next(one.network.parameters()).add_(1.0)
    one.note(epoch(3, 3.0))

    assert one.best_epoch == 2
    assert small.is_same(dict(one.finished().state_dict()), kept)


def test_it_ends_when_patience_does() -> None:
    """So many epochs after the best; those of the opening are waited for."""
    one = small.learner(small.RECIPE._replace(epochs=20, opening=2, patience=2))
    ended = []
    for number, loss in enumerate([9.0, 9.0, 3.0, 2.0, 2.5, 2.1, 2.2], start=1):
        one.note(epoch(number, loss))
        ended.append(one.has_ended)

    assert ended == [False] * 5 + [True] * 2


def test_nothing_is_learned_after_the_end(undisturbed: Learner) -> None:
    """To go on from the end is to give the same again."""
    assert list(learn(undisturbed, small.series(), small.unseen())) == []


def test_without_a_whole_epoch_there_is_no_network() -> None:
    """What was never trained is not handed on."""
    with pytest.raises(ValueError, match="nothing was learned"):
        small.learner().finished()


def test_numbers_that_come_apart_end_it_in_words() -> None:
    """What, where, what next, and what is still true."""
    huge = small.series(scale=1e25)
    with pytest.raises(
        Diverged, match=r"epoch 1, step 1: .* lower the rate \(0.01\); the 0 epochs"
    ):
        next(learn(small.learner(), huge, small.unseen()))


def test_weights_of_another_network_are_refused() -> None:
    """In words, and nothing is taken over."""
    other = small.learner(plan=small.PLAN._replace(width=6))
    mine = small.learner()
    before = small.weights(mine)

    with pytest.raises(ValueError, match="another network"):
        mine.take_up(other.state())

    assert small.is_same(before, small.weights(mine))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epochs": 0}, "epochs is 0"),
        ({"batch": 0}, "batch is 0"),
        ({"opening": 4}, "opening is 4 of 4 epochs"),
        ({"rate": 0.0}, "rate is 0"),
        ({"precision": "half"}, "must be one of float32"),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(
    wrong: dict[str, object], said: str
) -> None:
    """Before anything is built on it."""
    with pytest.raises(ValueError, match=said):
        small.learner(small.RECIPE._replace(**wrong))  # type: ignore[arg-type]


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    """Each process must have as many windows as the others."""
    with pytest.raises(ValueError, match="8 for 3 processes"):
        next(learn(small.learner(), small.series(), small.unseen(), share=Share(0, 3)))
