"""The messages on a device: against enumeration, numpy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.hsmm import messages as plain
from models.hsmm.edges import Edge, Edges
from models.hsmm.posterior import posterior
from models.hsmm.tensors import evidence, laws
from tests.models.fitting.drawn import (
    ALL_EDGES,
    SIDES,
    on_device,
    ragged,
    with_gradients,
)
from tests.models.fitting.enumerated import expected, some_process


@pytest.mark.parametrize("right", SIDES)
def test_evidence_and_its_gradients_are_sums_over_segmentations(
    right: Edge, device: str
) -> None:
    """Log evidence, occupancy, moves and durations equal what enumeration adds up."""
    edges = Edges("complete", right)
    process = some_process(3, 4, np.random.default_rng(1))
    log_lik, lengths = ragged(2, (3, 6, 3))
    log_lik[0, 2, 1] = -np.inf
    wanted = [
        expected(process, log_lik[n, :t], edges) for n, t in enumerate(lengths.tolist())
    ]

    fields = with_gradients(on_device(process, device))
    lik = torch.tensor(log_lik, device=device, requires_grad=True)
    found = evidence.log_evidence(
        fields, lik, torch.tensor(lengths, device=device), edges
    )
    torch.autograd.backward(found.sum())

    assert found.tolist() == pytest.approx([w.log_evidence for w in wanted], abs=1e-12)
    assert lik.grad is not None
    for n, want in enumerate(wanted):
        occupied = lik.grad[n, : lengths[n]].cpu().numpy()
        np.testing.assert_allclose(occupied, want.occupancy, atol=1e-12)
    for field, sums in (
        (fields.log_pi, [w.first for w in wanted]),
        (fields.log_a, [w.moves for w in wanted]),
    ):
        assert field.grad is not None
        np.testing.assert_allclose(field.grad.cpu().numpy(), sum(sums), atol=1e-12)
    assert fields.log_d.grad is not None
    if right == "complete":
        ended = sum(w.ended for w in wanted)
        np.testing.assert_allclose(fields.log_d.grad.cpu(), ended, atol=1e-12)


@pytest.mark.parametrize("edges", ALL_EDGES, ids="-".join)
def test_torch_gives_what_numpy_gives(edges: Edges, device: str) -> None:
    """Evidence and occupancy agree to 1e-10 on ragged records longer than D."""
    process = some_process(4, 9, np.random.default_rng(3))
    log_lik, lengths = ragged(4, (6, 70, 4))
    wanted = posterior(process, log_lik, lengths, edges)

    fields = on_device(process, device)
    lik = torch.tensor(log_lik, device=device)
    long = torch.tensor(lengths, device=device)
    found = evidence.log_evidence(fields, lik, long, edges)
    lived_in = evidence.occupancy(fields, lik, long, edges)

    np.testing.assert_allclose(found.cpu(), wanted.log_evidence, rtol=0, atol=1e-10)
    np.testing.assert_allclose(lived_in.cpu(), wanted.occupancy, rtol=0, atol=1e-10)


@pytest.mark.parametrize("edges", ALL_EDGES, ids="-".join)
def test_gradients_are_finite_differences(edges: Edges) -> None:
    """Each field's gradient, at every entry that is not -inf, to 1e-6 of its size."""
    process = some_process(3, 3, np.random.default_rng(5))
    log_lik, lengths = ragged(6, (2, 5, 3))
    fields = with_gradients(on_device(process))
    lik = torch.tensor(log_lik, requires_grad=True)
    off = torch.nonzero(~torch.eye(3, dtype=torch.bool), as_tuple=True)
    free = torch.tensor(process.log_a)[off].requires_grad_()

    def total(*inputs: torch.Tensor) -> torch.Tensor:
        moves = torch.full((3, 3), -torch.inf, dtype=torch.float64)
        moves = moves.index_put(off, inputs[1])
        named = laws.Process(inputs[0], moves, *inputs[2:5])
        return evidence.log_evidence(named, inputs[5], torch.tensor(lengths), edges)

    excess = fields.log_excess
    assert excess is not None
    inputs = (
        fields.log_pi, free, fields.log_d, fields.log_tail, excess, lik,
    )  # fmt: skip
    assert torch.autograd.gradcheck(total, inputs, eps=1e-6, atol=1e-7, rtol=1e-6)


def test_counts_come_out_of_the_censored_last_segment_too() -> None:
    """The gradients of log_d and log_tail spread a cut segment over d >= seen."""
    process = some_process(2, 3, np.random.default_rng(7))
    log_lik, _ = ragged(8, (1, 6, 2))
    want = expected(process, log_lik[0], Edges())
    law = np.exp(np.vstack([process.log_d, process.log_tail]))
    spread = np.zeros_like(law)
    for d in range(1, 4):
        spread[d - 1 :] += want.cut[d - 1] * law[d - 1 :] / law[d - 1 :].sum(axis=0)

    fields = with_gradients(on_device(process))
    torch.autograd.backward(evidence.log_evidence(fields, torch.tensor(log_lik)).sum())

    assert fields.log_d.grad is not None
    assert fields.log_tail.grad is not None
    np.testing.assert_allclose(fields.log_d.grad, want.ended + spread[:-1], atol=1e-12)
    np.testing.assert_allclose(fields.log_tail.grad, spread[-1], atol=1e-12)


def test_what_cannot_be_has_no_evidence_and_no_nan() -> None:
    """A record without a path has -inf and zero gradients, and its neighbour not."""
    process = some_process(2, 4, np.random.default_rng(9))
    log_lik, _ = ragged(10, (2, 8, 2))
    log_lik[0, 3] = -np.inf
    alone = plain.log_evidence(process, log_lik[1:])
    fields = with_gradients(on_device(process))
    lik = torch.tensor(log_lik, requires_grad=True)

    found = evidence.log_evidence(fields, lik)
    torch.autograd.backward(found[1], retain_graph=True)
    torch.autograd.backward(found.sum())

    assert found[0].item() == -np.inf
    assert found[1].item() == pytest.approx(alone[0], abs=1e-12)
    for tensor in (lik, *fields):
        assert tensor is not None
        assert tensor.grad is not None or tensor is fields.log_excess
        assert tensor.grad is None or bool(tensor.grad.isfinite().all())
    assert lik.grad is not None
    assert float(lik.grad[0].abs().max()) == 0.0


def test_a_law_that_cannot_last_has_gradients_that_are_numbers() -> None:
    """Durations and tails of log 0 are not counted, and the rest is enumeration's."""
    process = some_process(2, 4, np.random.default_rng(22), tail=False)
    log_d = process.log_d - np.log1p(-np.exp(process.log_d[3]))
    log_d[3] = -np.inf
    process = process._replace(log_d=log_d)
    log_lik, _ = ragged(23, (1, 6, 2))
    fields = with_gradients(on_device(process))

    torch.autograd.backward(evidence.log_evidence(fields, torch.tensor(log_lik)).sum())

    want = expected(process, log_lik[0], Edges())
    assert fields.log_d.grad is not None
    assert fields.log_tail.grad is not None
    assert bool(fields.log_d.grad.isfinite().all())
    assert not fields.log_d.grad[3].any()
    assert not fields.log_tail.grad.any()
    total = want.ended.sum() + want.cut.sum()
    assert fields.log_d.grad.sum().item() == pytest.approx(total, abs=1e-12)


def test_records_are_alone_in_a_batch(device: str) -> None:
    """A record's evidence is the same beside longer ones, whatever padding holds."""
    process = some_process(3, 5, np.random.default_rng(13))
    log_lik, lengths = ragged(14, (5, 40, 3))
    padded = log_lik.copy()
    padded[np.arange(40) >= lengths[:, None]] = np.nan

    together = evidence.log_evidence(
        on_device(process, device),
        torch.tensor(padded, device=device),
        torch.tensor(lengths, device=device),
    )

    for n, length in enumerate(lengths.tolist()):
        alone = evidence.log_evidence(
            on_device(process, device),
            torch.tensor(log_lik[n : n + 1, :length], device=device),
        )
        assert together[n].item() == pytest.approx(alone.item(), abs=1e-11)


def test_single_precision_is_right_to_its_stated_error(device: str) -> None:
    """At T = 2,000 the evidence is right to 1e-6 of itself and occupancy to 1e-3."""
    process = some_process(5, 30, np.random.default_rng(15))
    log_lik = 3.0 * np.random.default_rng(16).standard_normal((2, 2_000, 5))
    wanted = posterior(process, log_lik)

    small = torch.tensor(log_lik, dtype=torch.float32, device=device)
    narrow = on_device(process, device, torch.float32)
    found = evidence.log_evidence(narrow, small)
    lived_in = evidence.occupancy(narrow, small)

    assert found.dtype == torch.float64
    np.testing.assert_allclose(found.cpu(), wanted.log_evidence, rtol=1e-6)
    np.testing.assert_allclose(lived_in.cpu(), wanted.occupancy, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(
    n_states=st.integers(1, 4),
    longest=st.integers(1, 8),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 12)),
    seed=st.integers(0, 99),
    scale=st.sampled_from([1e-3, 1.0, 1e3]),
    edges=st.sampled_from(ALL_EDGES),
)
def test_torch_follows_numpy_on_any_shape_scale_and_stride(
    n_states: int,
    longest: int,
    shape: tuple[int, int],
    seed: int,
    scale: float,
    edges: Edges,
) -> None:
    """Evidence agrees to 1e-10 of its size, for one frame, one state, D above T."""
    process = some_process(n_states, longest, np.random.default_rng(seed))
    log_lik, lengths = ragged(seed, (*shape, n_states))
    log_lik *= scale
    wanted = plain.log_evidence(process, log_lik, lengths, edges)

    backwards = torch.tensor(np.ascontiguousarray(log_lik.T)).permute(2, 1, 0)
    found = evidence.log_evidence(
        on_device(process), backwards, torch.tensor(lengths), edges
    )

    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("edges", ALL_EDGES, ids="-".join)
def test_states_rarer_than_rounding_have_evidence_and_gradients(edges: Edges) -> None:
    """Moves of e^-60 and e^-600 into two of four states: numpy's answer, and no nan."""
    rng = np.random.default_rng(31)
    process = some_process(4, 5, rng)
    log_a = process.log_a + np.array([0.0, 0.0, -60.0, -600.0])
    log_a -= np.logaddexp.reduce(log_a, axis=1, keepdims=True)
    process = process._replace(log_a=log_a)
    log_lik, lengths = ragged(32, (3, 12, 4))
    log_lik[1, 0, :3] = -np.inf
    wanted = posterior(process, log_lik, lengths, edges)

    fields = with_gradients(on_device(process))
    lik = torch.tensor(log_lik, requires_grad=True)
    found = evidence.log_evidence(fields, lik, torch.tensor(lengths), edges)
    torch.autograd.backward(found.sum())

    np.testing.assert_allclose(found.detach(), wanted.log_evidence, rtol=1e-12)
    assert lik.grad is not None
    np.testing.assert_allclose(lik.grad, wanted.occupancy, atol=1e-10)
    for field in fields:
        assert field is not None
        assert field.grad is None or bool(field.grad.isfinite().all())
