"""What comes in and goes out of the evidence on a device, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from models.hsmm import messages as plain
from models.hsmm.edges import Edges
from models.hsmm.tensors import evidence
from tests.models.fitting.drawn import (
    on_device,
    ragged,
    with_gradients,
)
from tests.models.fitting.enumerated import some_process


def test_a_record_without_frames_has_evidence_one() -> None:
    """Lengths of zero are allowed: log 1 = 0, beside others and alone."""
    process = on_device(some_process(2, 3, np.random.default_rng(17)))
    lik = torch.zeros((2, 4, 2), dtype=torch.float64, requires_grad=True)

    beside = evidence.log_evidence(process, lik, torch.tensor([0, 4]))
    alone = evidence.log_evidence(process, lik[:, :0])
    torch.autograd.backward(beside.sum())

    assert not evidence.occupancy(process, lik, torch.tensor([0, 0])).any()
    assert beside[0].item() == 0.0
    assert alone.tolist() == [0.0, 0.0]
    assert lik.grad is not None
    assert float(lik.grad[0].abs().max()) == 0.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lik": torch.zeros(2, 4, 3).double()}, r"log_lik has shape \(2, 4, 3\)"),
        ({"lik": torch.zeros(2, 4, 2, dtype=torch.float32)}, "all float64 or all"),
        ({"nan": True}, "nan at sequence 1, frame 2, state 0"),
        ({"lengths": torch.tensor([5, 1])}, r"0 \.\. 4"),
        ({"lengths": torch.tensor([4.0, 1.0])}, "lengths are of torch.float32"),
        ({"lengths": [4, 1]}, "found list among the arguments"),
    ],
    ids=["shape", "dtype", "nan", "lengths", "float lengths", "list"],
)
def test_what_does_not_fit_is_named(change: dict[str, object], says: str) -> None:
    """One message: what, where, found and wanted."""
    lik = torch.zeros((2, 4, 2), dtype=torch.float64)
    if "nan" in change:
        lik[1, 2, 0] = torch.nan
    lik = change.get("lik", lik)  # type: ignore[assignment]
    lengths = change.get("lengths")

    with pytest.raises(ValueError, match=says):
        evidence.log_evidence(
            on_device(some_process(2, 3, np.random.default_rng(18))),
            lik,
            lengths,  # type: ignore[arg-type]
        )


def test_a_field_that_does_not_fit_is_named() -> None:
    """The tail too, which would be spread over all states in silence."""
    process = on_device(some_process(2, 3, np.random.default_rng(18)))
    lik = torch.zeros((1, 4, 2), dtype=torch.float64)

    with pytest.raises(ValueError, match=r"log_tail has shape \(1,\): \(2,\)"):
        evidence.log_evidence(process._replace(log_tail=process.log_tail[:1]), lik)
    with pytest.raises(ValueError, match=r"log_pi holds inf at \(0,\)"):
        evidence.log_evidence(process._replace(log_pi=process.log_pi + torch.inf), lik)
    with pytest.raises(ValueError, match="durations of one frame"):
        evidence.log_evidence(process._replace(log_d=process.log_d[:0]), lik)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32])
def test_lengths_of_any_whole_numbers_and_no_records_are_read(
    dtype: torch.dtype,
) -> None:
    """Narrow integers are no masks; of no records there is no evidence."""
    process = on_device(some_process(2, 3, np.random.default_rng(18)))
    lik = torch.zeros((2, 4, 2), dtype=torch.float64)
    lengths = torch.tensor([4, 2])

    found = evidence.log_evidence(process, lik, lengths.to(dtype))

    assert found.tolist() == evidence.log_evidence(process, lik, lengths).tolist()
    assert evidence.log_evidence(process, lik[:0], lengths[:0].to(dtype)).shape == (0,)


def test_evidence_is_part_of_a_larger_graph() -> None:
    """Climbing it by an optimiser through a softmax makes the records likelier."""
    rng = np.random.default_rng(11)
    _, lengths = ragged(12, (4, 30, 2))
    codes = torch.tensor(rng.integers(0, 5, (4, 30)))
    raw = torch.tensor(rng.standard_normal((2, 5)), requires_grad=True)
    process = on_device(some_process(2, 6, rng))
    climbs = torch.optim.SGD([raw], lr=0.05)
    trace = []

    for _ in range(20):
        climbs.zero_grad()
        lik = raw.log_softmax(1).T[codes]
        loss = -evidence.log_evidence(process, lik, torch.tensor(lengths)).sum()
        torch.autograd.backward(loss)
        climbs.step()
        trace.append(loss.item())

    assert trace == sorted(trace, reverse=True)


def test_states_that_are_left_for_good_are_told_as_numpy_tells_them() -> None:
    """Left-censored, with a state that nothing leads back to: same evidence, no nan."""
    log_a = np.array(
        [[-np.inf, 0.0, -np.inf], [-np.inf, -np.inf, 0.0], [-np.inf, 0.0, -np.inf]]
    )
    process = some_process(3, 4, np.random.default_rng(24))._replace(log_a=log_a)
    log_lik, lengths = ragged(25, (3, 9, 3))
    fields = with_gradients(on_device(process))
    edges = Edges("censored", "censored")

    found = evidence.log_evidence(
        fields, torch.tensor(log_lik), torch.tensor(lengths), edges
    )
    torch.autograd.backward(found.sum())

    wanted = plain.log_evidence(process, log_lik, lengths, edges)
    np.testing.assert_allclose(found.detach(), wanted, atol=1e-10)
    for field in fields:
        assert field is not None
        assert field.grad is None or bool(field.grad.isfinite().all())


def test_there_is_no_gradient_of_the_gradient() -> None:
    """Asking for it is an error that says so, not counts that pass for constants."""
    process = on_device(some_process(2, 3, np.random.default_rng(27)))
    lik = torch.zeros((1, 5, 2), dtype=torch.float64, requires_grad=True)
    total = evidence.log_evidence(process, lik).sum()

    with pytest.raises(RuntimeError, match="no gradient of its gradient"):
        torch.autograd.grad(total, lik, create_graph=True)


def test_edges_are_refused_as_numpy_refuses_them() -> None:
    """A tail without its excess, states that never meet, and a word unknown."""
    process = on_device(some_process(2, 3, np.random.default_rng(26)))
    lik = torch.zeros((1, 4, 2), dtype=torch.float64)
    apart = process._replace(log_a=torch.full((2, 2), -torch.inf, dtype=torch.float64))

    with pytest.raises(ValueError, match="log_excess"):
        evidence.log_evidence(
            process._replace(log_excess=None), lik, edges=Edges("censored")
        )
    with pytest.raises(ValueError, match="nothing follows state 0"):
        evidence.log_evidence(apart, lik, edges=Edges("censored"))
    with pytest.raises(ValueError, match="the right edge is 'open'"):
        evidence.log_evidence(process, lik, edges=Edges(right="open"))  # type: ignore[arg-type]


class _Launches(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that a device would be sent, views left out."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


def test_a_frame_costs_as_many_launches_as_stated() -> None:
    """12 forward, 12 backward and 6 for durations, whatever N, K and D are."""
    process = with_gradients(on_device(some_process(3, 4, np.random.default_rng(19))))

    def launches(n_steps: int) -> tuple[int, int]:
        lik = torch.zeros((2, n_steps, 3), dtype=torch.float64)
        with _Launches() as forward:
            found = evidence.log_evidence(process, lik).sum()
        with _Launches() as backward:
            torch.autograd.grad(found, process[:4])
        return forward.count, backward.count

    one, two = launches(100), launches(164)

    # Every 32 frames, 7 more bring the ring back to zero.
    assert two[0] - one[0] == 64 * 12 + 2 * 7
    assert two[1] - one[1] == 64 * 18 + 2 * 7
