"""The bytes of a step, counted by hand for a network of known sizes."""

from __future__ import annotations

import torch

from models.networks.cost import parameters
from models.training.architecture import built
from models.training.traffic import step_bytes
from tests.models.training import small


def test_bytes_grow_with_the_batch_by_what_a_window_moves() -> None:
    """And what weights and moments move does not grow with it."""
    network = built(small.PLAN)

    one, two, three = (step_bytes(network, batch) for batch in (1, 2, 3))

    assert three - two == two - one
    assert one - (two - one) == 28 * parameters(network)
    assert step_bytes(network, 2, 2) < two


def test_a_window_moves_what_its_layers_take_and_give() -> None:
    """The first convolution alone takes 9 x 2 x 100 and gives 2 x 2 x 100."""
    network = built(small.PLAN)
    first = 3 * 9 * 2 * 100 + 2 * 2 * 2 * 100

    moved = step_bytes(network, 2) - step_bytes(network, 1)

    # 12 convolutions and 10 norms of at most 18 x 100 numbers follow it.
    assert 4 * first < moved < 4 * (first + 22 * 5 * 18 * 100)


def test_counting_changes_nothing() -> None:
    """Neither statistics nor whether it is training, and no hook is left."""
    network = built(small.PLAN).train()
    before = {name: t.clone() for name, t in network.state_dict().items()}

    step_bytes(network, 4)

    assert network.training
    assert small.is_same(before, network.state_dict())
    assert not any(module._forward_hooks for module in network.modules())
    assert torch.is_grad_enabled()
