"""Records, processes and models at random, for the tests of this folder."""

from __future__ import annotations

import numpy as np
import torch

from models.hsmm.code_emission import CodeEmission
from models.hsmm.durations import Durations, Truncate
from models.hsmm.edges import Edge, Edges
from models.hsmm.em import Model
from models.hsmm.histogram import Histogram
from models.hsmm.maximise import Dynamics
from models.hsmm.negative_binomial import NegativeBinomial
from models.hsmm.poisson import Poisson
from models.hsmm.process import Process
from models.hsmm.tensors import laws
from models.shapes import Array, IntArray
from tests.models.fitting.enumerated import some_process

SIDES: tuple[Edge, Edge] = ("complete", "censored")
ALL_EDGES = [Edges(left, right) for left in SIDES for right in SIDES]
FAMILIES: list[type[Durations]] = [Poisson, NegativeBinomial, Histogram]


def on_device(
    process: Process, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> laws.Process:
    """Put a process on a device."""
    fields = (
        None if field is None else torch.tensor(field, dtype=dtype, device=device)
        for field in process
    )
    return laws.Process(*fields)  # type: ignore[arg-type]


def with_gradients(process: laws.Process) -> laws.Process:
    """Ask for the gradients of every field."""
    return laws.Process(*(f.requires_grad_() for f in process if f is not None))


def ragged(seed: int, shape: tuple[int, int, int]) -> tuple[Array, IntArray]:
    """Draw log likelihoods (N, T, K) and lengths, the first of them T."""
    rng = np.random.default_rng(seed)
    log_lik = 2.0 * rng.standard_normal(shape)
    lengths = rng.integers(1, shape[1] + 1, shape[0])
    lengths[0] = shape[1]
    return log_lik, lengths


def some_laws(
    family: type[Durations], longest: int, rng: np.random.Generator
) -> Durations:
    """Give three states laws at random."""
    if family is Poisson:
        return Poisson(rng.uniform(1.5, longest, 3))
    if family is NegativeBinomial:
        return NegativeBinomial(rng.uniform(1.5, longest, 3), rng.uniform(0.5, 5.0, 3))
    shares = rng.dirichlet(np.ones(longest), 3).T
    return Histogram(np.log(shares), np.full(3, -np.inf))


def some_start(
    seed: int,
    family: type[Durations],
    *,
    longest: int = 6,
    truncate: Truncate = "tail",
    pseudo: float = 0.1,
) -> Model:
    """Give three states and five codes, all at random."""
    rng = np.random.default_rng(seed)
    laws = some_laws(family, longest, rng)
    table = laws.table(longest, truncate)
    process = some_process(3, longest, rng)._replace(**table._asdict())
    emission = CodeEmission(np.log(rng.dirichlet(np.ones(5), 3)), np.full(5, pseudo))
    return Model(Dynamics(process, laws, truncate), emission)


def some_records(seed: int, n_steps: int = 40) -> tuple[IntArray, IntArray]:
    """Draw codes (4, T) and lengths down to 2."""
    rng = np.random.default_rng([seed, 7])
    codes = rng.integers(0, 5, (4, n_steps)).repeat(1, axis=1)
    return codes, np.array([n_steps, n_steps - 1, n_steps // 2, 2])
