"""The whole network: codes, logits, reconstruction, and that it learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.networks.conv2d_vq import Conv2dVQ
from models.networks.cost import PARAMETER_LIMIT, parameters
from models.networks.objective import Weights, objective
from tests.models.networks.toys import Nearest, sines, windows


def network(seed: int = 0) -> Conv2dVQ:
    """Give a network that tells three behaviours apart."""
    return Conv2dVQ(Nearest(), 3, seed=seed)


def test_codes_are_one_for_each_frame() -> None:
    """(B, 100) int32, and the vectors of those codes are what later parts see."""
    made = network().eval()

    seen = made(windows(4))

    assert seen.codes.shape == (4, 100)
    assert seen.codes.dtype == torch.int32
    codebook = made.quantiser.codes  # type: ignore[attr-defined]
    wanted = codebook[seen.codes.long()].permute(0, 2, 1).unsqueeze(2)
    torch.testing.assert_close(seen.quantised, wanted, rtol=0, atol=1e-5)


def test_every_output_has_its_shape() -> None:
    """As the docstring of Seen says."""
    seen = network()(windows(4))

    assert seen.latent.shape == seen.quantised.shape == (4, 64, 1, 100)
    assert seen.reconstruction.shape == (4, 9, 2, 100)
    assert seen.logits.frames.shape == (4, 3, 1, 100)
    assert seen.logits.window.shape == (4, 3)
    assert set(seen.losses) == {"vq"}


def test_later_parts_know_nothing_but_the_codes() -> None:
    """With one code for everything, all windows are classified and rebuilt alike."""
    made = Conv2dVQ(Nearest(n_codes=1), 3).eval()

    seen = made(windows(5))

    for told in (seen.logits.window, seen.logits.frames, seen.reconstruction):
        torch.testing.assert_close(told, told[:1].expand_as(told), rtol=0, atol=1e-5)


def test_all_parts_together_keep_within_what_the_target_holds() -> None:
    """At most 313,000 parameters; what is larger is refused with its count."""
    made = network()
    parts = (made.encoder, made.decoder, made.classifier)

    assert sum(map(parameters, parts)) <= PARAMETER_LIMIT
    with pytest.raises(ValueError, match=r"hold 380,552 parameters together"):
        Conv2dVQ(Nearest(), 3, width=96)


def trained(seed: int, steps: int) -> tuple[Conv2dVQ, list[float]]:
    """Train on sines, and give the objective at each step."""
    made, data = network(seed), sines(192)
    optimiser = torch.optim.AdamW(made.parameters(), lr=3e-3)
    course = []
    for step in range(steps):
        rows = slice(32 * (step % 6), 32 * (step % 6) + 32)
        seen = made(data.windows[rows])
        labels = data.frame_labels[rows], data.window_labels[rows]
        found = objective(seen, data.windows[rows], *labels)
        optimiser.zero_grad()
        found.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        course.append(float(found.total.detach()))
    return made, course


def test_it_learns_to_tell_sines_apart() -> None:
    """After 30 steps the objective has fallen, and new sines are told apart.

    By chance a third would be right; 80 of 96 by chance has probability below 1e-20.
    """
    made, course = trained(seed=0, steps=30)
    fresh = sines(96, seed=9)

    told = made.eval()(fresh.windows).logits.window.argmax(1)

    assert sum(course[-3:]) < 0.7 * sum(course[:3])
    assert int((told == fresh.window_labels).sum()) >= 80


def test_the_same_seed_learns_the_same_bits() -> None:
    """Every weight and every loss is equal after some steps; another seed's is not."""
    one, course = trained(seed=1, steps=3)
    same, again = trained(seed=1, steps=3)
    other, _ = trained(seed=2, steps=3)

    assert course == again
    pairs = zip(one.state_dict().items(), same.state_dict().values(), strict=True)
    assert all(torch.equal(value, twin) for (_, value), twin in pairs)
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_building_leaves_the_global_stream_alone() -> None:
    """Nothing is drawn from torch's own stream."""
    quantiser = Nearest()
    before = torch.get_rng_state()

    Conv2dVQ(quantiser, 3)

    assert torch.equal(torch.get_rng_state(), before)


def test_the_objective_is_the_sum_of_its_weighted_parts() -> None:
    """And each part is what its equation says, worked out by hand here."""
    data = sines(6)
    seen = network()(data.windows)
    weights = Weights(reconstruction=0.5, quantiser=2.0, frames=3.0, window=0.25)

    found = objective(
        seen, data.windows, data.frame_labels, data.window_labels, weights
    )

    log_p = seen.logits.window - seen.logits.window.logsumexp(1, keepdim=True)
    by_hand = -log_p[torch.arange(6), data.window_labels].mean()
    torch.testing.assert_close(found.window, by_hand)
    torch.testing.assert_close(found.frames, _frames_by_hand(seen.logits.frames, data))
    rebuilt = (seen.reconstruction - data.windows).square().mean()
    torch.testing.assert_close(found.reconstruction, rebuilt)
    summed = sum(w * p for w, p in zip(weights, found[1:], strict=True))
    torch.testing.assert_close(found.total, summed)


def _frames_by_hand(frames: Tensor, data: object) -> Tensor:
    """Give the mean of -log p(label) over all frames of all windows."""
    log_p = frames[:, :, 0] - frames[:, :, 0].logsumexp(1, keepdim=True)
    labels: Tensor = data.frame_labels  # type: ignore[attr-defined]
    return -log_p.gather(1, labels[:, None]).mean()


def test_unknown_labels_do_not_count() -> None:
    """A label of -1 changes nothing, and with none known the part is zero."""
    data = sines(6)
    seen = network()(data.windows)
    some = data.window_labels.clone()
    some[3:] = -1
    none = torch.full_like(data.frame_labels, -1)

    found = objective(seen, data.windows, none, some)

    half = nn.functional.cross_entropy(seen.logits.window[:3], some[:3])
    torch.testing.assert_close(found.window, half)
    assert float(found.frames.detach()) == 0.0


def test_labels_of_any_whole_type_count_alike() -> None:
    """Eight bits or sixty-four."""
    data = sines(6)
    seen = network().eval()(data.windows)

    wide, narrow = (
        objective(seen, data.windows, data.frame_labels.to(t), data.window_labels.to(t))
        for t in (torch.int64, torch.int8)
    )

    assert torch.equal(wide.total, narrow.total)


LABELS = torch.zeros(6, 100, dtype=torch.int64)
REFUSED = {
    "above": (LABELS + 3, "holds 3 at (0, 0): labels are 0 .. 2, and -1 where"),
    "below": (LABELS - 2, "holds -2 at (0, 0): labels are 0 .. 2"),
    "floats": (LABELS.float(), "must be (6, 100) whole numbers, found (6, 100) float"),
    "flags": (LABELS.bool(), "must be (6, 100) whole numbers, found (6, 100) bool"),
    "for windows": (LABELS[:, 0], "must be (6, 100) whole numbers, found (6,) int64"),
}


@pytest.mark.parametrize(("labels", "says"), REFUSED.values(), ids=REFUSED)
def test_wrong_labels_are_refused_in_words(labels: Tensor, says: str) -> None:
    """With the place, before any kernel sees them."""
    data = sines(6)
    seen = network().eval()(data.windows)

    with pytest.raises(ValueError, match="frame_labels") as refused:
        objective(seen, data.windows, labels, data.window_labels)

    assert says in str(refused.value)


def test_other_windows_than_were_seen_are_refused() -> None:
    """One window would be compared with all."""
    data = sines(6)
    seen = network().eval()(data.windows)

    with pytest.raises(ValueError, match=r"that were seen, found \(1, 9, 2, 100\)"):
        objective(seen, data.windows[:1], data.frame_labels, data.window_labels)
