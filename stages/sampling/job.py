"""What every chain of a sampler is told, and what each leaves after every sweep.

A job is a file, and so is a chain: one that was killed goes on from its last sweep, and
nothing else but the two files decides what comes of it.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.hdp import chains, laws
from models.hdp.chains import Arrays, Chain
from models.hdp.concentrations import GammaPrior
from models.hdp.fitting import Kept
from models.hdp.hdphsmm import Prior
from models.hdp.rows import RowsPrior

if TYPE_CHECKING:
    from models.shapes import IntArray

# Sharper laws than these make what is seldom so unlikely that sums leave the numbers.
SHAPES = (1.0, 2.0, 5.0, 10.0)
# Means a fifth apart: no coarser than what ten bouts can tell.
N_MEANS = 28
# Each state has seen half a step of each word beforehand, give or take a tenth.
EMISSION = GammaPrior(25.0, 50.0)


class Job(NamedTuple):
    """Words (N, T) of `lengths` (N,) to sweep over, and how."""

    words: IntArray
    lengths: IntArray
    n_words: int
    n_states: int
    max_duration: int
    sweeps: int
    seed: int

    @property
    def prior(self) -> Prior:
        """What is believed before any word is read."""
        return Prior(
            rows=RowsPrior(self.n_states),
            n_codes=self.n_words,
            laws=laws.grid(self.max_duration, n_means=N_MEANS, shapes=SHAPES),
            emission=EMISSION,
        )

    @property
    def digest(self) -> str:
        """Tell this job from any other, in 16 letters."""
        whole = hashlib.sha256()
        for name, value in self._asdict().items():
            array = np.ascontiguousarray(value)
            whole.update(f"{name} {array.dtype} {array.shape}".encode())
            whole.update(array.tobytes())
        return whole.hexdigest()[:16]


class Sampled(NamedTuple):
    """A chain, and the draws of it that were kept."""

    chain: Chain
    kept: tuple[Kept, ...]

    @property
    def done(self) -> int:
        """Count its sweeps."""
        return len(self.chain.traces)


def keep_job(folder: Path, job: Job) -> None:
    """Write the job down for the chains to come."""
    _replace(folder / "job.npz", {n: np.array(v) for n, v in job._asdict().items()})


def kept_job(folder: Path) -> Job:
    """Read what `keep_job` wrote."""
    with np.load(folder / "job.npz", allow_pickle=False) as arrays:
        words, lengths = arrays["words"], arrays["lengths"]
        rest = {n: int(arrays[n]) for n in Job._fields[2:]}
    return Job(words, lengths, **rest)


def keep_chain(folder: Path, index: int, now: Sampled) -> None:
    """Replace what was written of a chain by what is true after one sweep more."""
    held = chains.to_arrays(now.chain)
    for draw, one in enumerate(now.kept):
        state = chains.state_to_arrays(one.state)
        held |= {f"{draw}.{name}": array for name, array in state.items()}
        held[f"{draw}.labels"] = one.labels.astype(np.int16)
    _replace(_place(folder, index), held)


def kept_chain(folder: Path, index: int) -> Sampled | None:
    """Read a chain back, equal to the last bit; None where none is whole."""
    try:
        # Opened here, since np.load leaves a file open that it cannot read.
        with _place(folder, index).open("rb") as file, np.load(file) as arrays:
            held = dict(arrays)
        return Sampled(chains.from_arrays(held), _kept(held))
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


def _kept(held: Arrays) -> tuple[Kept, ...]:
    found: list[Kept] = []
    while f"{len(found)}.labels" in held:
        start = f"{len(found)}."
        own = {n.removeprefix(start): a for n, a in held.items() if n.startswith(start)}
        labels = own.pop("labels").astype(np.int64)
        found.append(Kept(chains.state_from_arrays(own), labels))
    return tuple(found)


def _place(folder: Path, index: int) -> Path:
    return folder / f"chain-{index}.npz"


def _replace(path: Path, arrays: Arrays) -> None:
    """Write beside the place, then move there: it is whole, or as it was."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    draft.replace(path)
