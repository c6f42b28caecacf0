"""Logits of frames and windows, and nothing that normalises them."""

from __future__ import annotations

import pytest
import torch

from models.networks.classifier import Classifier
from models.networks.decoder import Decoder
from tests.models.networks.toys import stream


def vectors(n_windows: int, seed: int = 0) -> torch.Tensor:
    """Give vectors of normal noise."""
    return torch.randn(n_windows, 64, 1, 100, generator=stream(seed))


def test_frames_and_window_have_logits() -> None:
    """(B, K, 1, 100) for the frames, (B, K) for the window."""
    logits = Classifier(8, generator=stream(0))(vectors(3))

    assert logits.frames.shape == (3, 8, 1, 100)
    assert logits.window.shape == (3, 8)


def test_logits_are_not_normalised() -> None:
    """They are neither probabilities nor their logarithms."""
    logits = Classifier(8, generator=stream(0)).eval()(vectors(3))

    for found, axis in ((logits.frames, 1), (logits.window, 1)):
        mass = found.exp().sum(axis)
        assert (mass - 1).abs().min() > 1e-3
        assert (found < 0).any()


def test_a_frame_sees_no_other_frame() -> None:
    """Changing one vector changes the logits of its frame alone."""
    classifier, first = Classifier(4, generator=stream(0)).eval(), vectors(1)
    other = first.clone()
    other[..., 40] += 1.0

    changed = (classifier(first).frames != classifier(other).frames).any(1).flatten()

    assert changed.nonzero().flatten().tolist() == [40]


def test_the_window_does_not_care_for_the_order_of_its_frames() -> None:
    """Its hidden layer is averaged over time."""
    classifier, first = Classifier(4, generator=stream(0)).eval(), vectors(2)
    shuffled = first[..., torch.randperm(100, generator=stream(1))]

    found = classifier(shuffled).window

    torch.testing.assert_close(found, classifier(first).window, rtol=0, atol=1e-5)


@pytest.mark.parametrize("n_behaviours", [1, 0, -3])
def test_there_must_be_something_to_tell_apart(n_behaviours: int) -> None:
    """One behaviour needs no classifier."""
    with pytest.raises(ValueError, match="n_behaviours must be 2 or more"):
        Classifier(n_behaviours, generator=stream(0))


def test_the_decoder_gives_windows() -> None:
    """(B, 64, 1, 100) becomes (B, 9, 2, 100)."""
    rebuilt = Decoder(generator=stream(0))(vectors(3))

    assert rebuilt.shape == (3, 9, 2, 100)


def test_each_place_and_channel_has_weights_of_its_own() -> None:
    """Output (v, p) is row 2 v + p of the last convolution."""
    decoder = Decoder(generator=stream(0)).eval()
    before = decoder(vectors(1))
    last = list(decoder.body)[-1]
    with torch.no_grad():
        last.conv.bias[2 * 5 + 1] += 1.0  # type: ignore[union-attr, index, operator]

    moved = decoder(vectors(1)) - before

    wanted = torch.zeros_like(moved)
    wanted[:, 5, 1] = 1.0
    torch.testing.assert_close(moved, wanted, rtol=0, atol=1e-5)
