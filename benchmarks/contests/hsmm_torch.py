"""The semi-Markov messages in torch against numpy, autograd and bandwidth.

Nobody publishes these messages for torch, so the rival is what one writes in an hour: a
loop of logsumexp over T frames, and autograd back through every one of them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.measure import Timing, in_turns
from models.hsmm import messages
from models.hsmm.process import Process as PlainProcess
from models.hsmm.tensors.evidence import log_evidence, occupancy
from models.hsmm.tensors.laws import Process, survival
from models.hsmm.tensors.viterbi import viterbi

STATES, LONGEST = 20, 100


def bytes_moved(
    n_records: int, n_steps: int, n_states: int, longest: int, *, size: int = 8
) -> int:
    """Bytes that the forward walk must read and write, caches left out.

    Each frame passes 8 times over its N K D terms (ring 2, their sum with the laws 2,
    log_softmax 2, two maxima) and 5 times over its N K K moves.
    """
    frame = 8 * n_records * n_states * longest + 5 * n_records * n_states**2
    return n_steps * frame * size


def some_process(n_states: int, longest: int, device: str = "cpu") -> Process:
    """Draw a process from a fixed seed."""
    made = torch.Generator().manual_seed(1)
    log_a = torch.randn(n_states, n_states, generator=made, dtype=torch.float64)
    log_a.fill_diagonal_(-torch.inf)
    law = torch.randn(longest + 1, n_states, generator=made, dtype=torch.float64)
    law = law.log_softmax(0)
    log_pi = torch.randn(n_states, generator=made, dtype=torch.float64)
    fields = (log_pi.log_softmax(0), log_a.log_softmax(1), law[:-1], law[-1])
    return Process(*(field.to(device) for field in fields))


def some_records(n_records: int, n_steps: int, device: str = "cpu") -> Tensor:
    """Draw log likelihoods (N, T, K) from a fixed seed."""
    made = torch.Generator().manual_seed(2)
    shape = (n_records, n_steps, STATES)
    return torch.randn(shape, generator=made, dtype=torch.float64).to(device)


def by_autograd(process: Process, log_lik: Tensor) -> Tensor:
    """Log p(y) (N,) as one writes it first: running sums, lists and logsumexp."""
    n_steps = log_lik.shape[1]
    summed = torch.cat([torch.zeros_like(log_lik[:, :1]), log_lik.cumsum(1)], 1)
    before = [process.log_pi.expand(len(log_lik), -1)]
    for t in range(1, n_steps):
        window = torch.stack(before[::-1][: len(process.log_d)])
        ends = (window + process.log_d[: len(window), None]).logsumexp(0)
        starts = ((ends + summed[:, t])[..., None] + process.log_a).logsumexp(1)
        before.append(starts - summed[:, t])
    window = torch.stack(before[::-1][: len(process.log_d)])
    last = survival(process.log_d, process.log_tail)[: len(window), None]
    return (window + last + summed[:, -1]).logsumexp((0, 2))


def contest(rounds: int) -> list[tuple[str, str, str]]:
    """Give rows (what, measured, against)."""
    torch.set_num_threads(1)
    process = some_process(STATES, LONGEST)
    plain = PlainProcess(*(field.numpy() for field in process[:4]))
    rows = [*_gradients(process, rounds), *_batched(process, plain, rounds)]
    if torch.cuda.is_available():
        rows += _on_gpu(rounds)
    return rows


def _least(timing: Timing) -> float:
    return min(timing.seconds)


def _gradients(process: Process, rounds: int) -> list[tuple[str, str, str]]:
    """Time evidence and occupancy of one short record, ours and by autograd."""
    lik = some_records(4, 500)

    def rival() -> Tensor:
        leaf = lik.clone().requires_grad_()
        return torch.autograd.grad(by_autograd(process, leaf).sum(), leaf)[0]

    apart = float((rival() - occupancy(process, lik)).abs().max())
    found = in_turns(
        {"ours": lambda: occupancy(process, lik), "autograd": rival}, rounds=rounds
    )
    ours, theirs = _least(found["ours"]), _least(found["autograd"])
    against = (
        f"autograd through the loop {theirs * 1e3:.0f} ms ({theirs / ours:.1f}x), "
        f"largest difference {apart:.0e}"
    )
    return [
        ("torch gradients, 4 x 500 frames, K=20 D=100", f"{ours * 1e3:.0f} ms", against)
    ]


def _batched(
    process: Process, plain: PlainProcess, rounds: int
) -> list[tuple[str, str, str]]:
    """Time one long record and as many frames in a batch, torch and numpy."""
    return [
        _row(process, plain, some_records(n_records, n_steps), rounds)
        for n_records, n_steps in ((1, 10_000), (100, 100))
    ]


def _row(
    process: Process, plain: PlainProcess, lik: Tensor, rounds: int
) -> tuple[str, str, str]:
    n_records, n_steps, _ = lik.shape
    array = lik.numpy()
    found = in_turns(
        {
            "forward": lambda: log_evidence(process, lik),
            "both": lambda: occupancy(process, lik),
            "viterbi": lambda: viterbi(process, lik),
            "numpy": lambda: messages.log_evidence(plain, array),
        },
        rounds=rounds,
    )
    times = {name: f"{_least(one) * 1e3:.0f} ms" for name, one in found.items()}
    moved = bytes_moved(n_records, n_steps, STATES, LONGEST)
    rate = moved / _least(found["forward"]) / 1e9
    measured = (
        f"evidence {times['forward']}, with gradients {times['both']}, "
        f"Viterbi {times['viterbi']}"
    )
    against = f"numpy evidence {times['numpy']}; {rate:.0f} GB/s moved"
    return f"torch {n_records} x {n_steps} frames, K=20 D=100", measured, against


def _on_gpu(rounds: int) -> list[tuple[str, str, str]]:
    """Time the forward walk of a large batch against the bandwidth of a copy."""
    n_records, n_steps = 1_024, 1_000
    process = some_process(STATES, LONGEST, "cuda")
    lik = some_records(n_records, n_steps, "cuda")
    block = torch.empty(1 << 28, dtype=torch.float64, device="cuda")
    other = torch.empty_like(block)

    def walk() -> None:
        log_evidence(process, lik)
        torch.cuda.synchronize()

    def copy() -> None:
        other.copy_(block)
        torch.cuda.synchronize()

    walk()
    found = in_turns({"walk": walk, "copy": copy}, rounds=rounds)
    bandwidth = 2 * 8 * block.numel() / _least(found["copy"])
    moved = bytes_moved(n_records, n_steps, STATES, LONGEST)
    reached = moved / _least(found["walk"])
    return [
        (
            f"torch on GPU, {n_records} x {n_steps} frames, K={STATES} D={LONGEST}",
            f"{_least(found['walk']) * 1e3:.0f} ms, {reached / 1e9:.0f} GB/s",
            f"copy {bandwidth / 1e9:.0f} GB/s ({reached / bandwidth:.0%})",
        )
    ]
