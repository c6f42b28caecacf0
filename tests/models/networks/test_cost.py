"""Products and parameters are counted as by hand; folding and loading keep the rest."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.networks.checkpoint import restore
from models.networks.convolution import Convolution
from models.networks.cost import cost, macs, parameters
from models.networks.decoder import Decoder
from models.networks.folding import folded
from tests.models.networks.toys import WINDOW, Deployed, stream, windows

# Encoder and classifier at width 48 for 8 behaviours: weights times the places they are
# used at. Stem on two rows of 100 frames, everything else on one.
BY_HAND = (
    9 * 24 * 7 * 200
    + 24 * 48 * 2 * 5 * 100
    + 4 * (48 * 48 * 5 + 48 * 48) * 100
    + 48 * 64 * 100
    + 64 * 48 * 100
    + 48 * 8 * 100
    + 48 * 8
)


def test_products_are_counted_as_by_hand() -> None:
    """Weights of each convolution times the frames and rows it gives."""
    assert macs(Deployed(), WINDOW) == BY_HAND


def test_products_grow_with_the_batch() -> None:
    """Three windows cost three times one."""
    assert macs(Deployed(), (3, *WINDOW[1:])) == 3 * BY_HAND


def test_encoder_and_classifier_stay_below_what_half_a_millisecond_holds() -> None:
    """Two operations a product, and 60 million of them at most."""
    assert 2 * macs(Deployed(), WINDOW) < 60e6


def test_parameters_are_counted_once() -> None:
    """A layer that is used twice has its weights once: 12 x 12 x 3 and 12 biases."""
    layer = nn.Conv2d(12, 12, (1, 3), padding=(0, 1))

    found = cost(nn.Sequential(layer, nn.ReLU(), layer), (1, 12, 1, 10))

    assert found.parameters == 12 * 12 * 3 + 12
    assert found.macs == 2 * 12 * 12 * 3 * 10


def test_counting_leaves_the_network_as_it_was() -> None:
    """Mode, weights and running statistics: nothing is moved by counting."""
    network = Deployed()
    network.encoder.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    macs(network, WINDOW)

    assert network.training
    assert not network.encoder.training
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("causal", [False, True])
def test_batch_norms_fold_into_convolutions(*, causal: bool) -> None:
    """After some training steps the folded copy says the same, with no norm left."""
    network = Deployed(causal=causal)
    for seed in range(3):
        network(windows(8, seed) + 1.0)  # moves the running statistics
    network.eval()

    plain = folded(network)

    assert not any(isinstance(m, nn.BatchNorm2d) for m in plain.modules())
    assert any(isinstance(m, nn.BatchNorm2d) for m in network.modules())
    for found, wanted in zip(plain(windows(4)), network(windows(4)), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def test_folding_takes_parameters_away() -> None:
    """Each norm had two numbers a channel, and its convolution gets one bias."""
    brick = Convolution(3, 5, (1, 3), generator=stream(0))

    assert parameters(brick) == 3 * 5 * 3 + 2 * 5
    assert parameters(folded(brick)) == 3 * 5 * 3 + 5


def test_a_checkpoint_of_the_same_network_is_restored() -> None:
    """Bit for bit."""
    network, other = Deployed(0), Deployed(1)

    restore(other, network.state_dict())

    assert torch.equal(other.eval()(windows(1))[0], network.eval()(windows(1))[0])


def _without(name: str) -> dict[str, object]:
    """Give a checkpoint that lacks one value."""
    return {n: v for n, v in Deployed(1).state_dict().items() if n != name}


BIAS = "classifier.window.conv.bias"
WRONG = {
    "of another network": (
        Decoder(generator=stream(0)).state_dict(),
        "lacks classifier.frames.conv.bias",
    ),
    "lacking a value": (_without(BIAS), f"lacks {BIAS}"),
    "with one value more": (
        {**_without(""), "head.weight": torch.zeros(1)},
        "has besides head.weight",
    ),
    "for four behaviours": (
        {**_without(""), BIAS: torch.zeros(4)},
        f"{BIAS} is (4,) float32, not (8,) float32",
    ),
    "in halves": (
        {**_without(""), BIAS: torch.zeros(8).half()},
        f"{BIAS} is (8,) float16, not (8,) float32",
    ),
    "with nan": (
        {**_without(""), BIAS: torch.full((8,), torch.nan)},
        f"{BIAS} is not finite",
    ),
    "wrapped": ({"model": _without("")}, "has besides model"),
    "no tensor": ({**_without(""), BIAS: "zeros"}, f"{BIAS} is a str"),
}


@pytest.mark.parametrize(("state", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_checkpoint_is_refused_whole(
    state: dict[str, object], says: str
) -> None:
    """The message names what differs, and the network keeps every weight it had."""
    network = Deployed()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    with pytest.raises(ValueError, match="of another network") as refused:
        restore(network, state)

    assert says in str(refused.value)
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_module_is_no_checkpoint() -> None:
    """What `torch.save(network)` leaves is refused as what it is."""
    with pytest.raises(ValueError, match="must map names to tensors, found a Deployed"):
        restore(Deployed(), Deployed())
