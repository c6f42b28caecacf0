"""Chains of sweeps that can stop after any sweep and go on bit for bit.

A chain is its state, its generator and its traces: nothing else is carried from one
sweep to the next, so what `to_arrays` gives is all that a checkpoint needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from models import chance
from models.hdp import hdphsmm, occupancy, starting
from models.hdp.hdphsmm import State
from models.hdp.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.hdp.hdphsmm import Prior, Sweep
    from models.shapes import Array, IntArray

# What a trace holds of each sweep, in this order.
TRACED = ("log_evidence", "occupied", "top", "spread", "strength")

# The state of a generator is so many words of 64 bits.
N_WORDS = 6
_WORD = 2**64
_LOGS = ("log_shares", "log_first", "log_rows", "log_emission")

Arrays = dict[str, npt.NDArray[np.generic]]


class Chain(NamedTuple):
    """Where a chain stands.

    generator (6,): uint64 words of its PCG64; traces (sweeps, 5): columns as in TRACED
    """

    state: State
    generator: npt.NDArray[np.uint64]
    traces: Array


def begin(
    prior: Prior,
    codes: IntArray,
    lengths: IntArray | None = None,
    *,
    seed: int,
    index: int = 0,
) -> Chain:
    """Begin the chain of one seed and index, from windows of codes (N, T)."""
    prior = prior.checked()
    rng = chance.stream(seed, "hdphsmm", index)
    codes, lengths = hdphsmm.checked_codes(prior, codes, lengths)
    state = starting.from_windows(prior, codes, lengths, rng)
    return Chain(state, _words(rng), np.zeros((0, len(TRACED))))


def advance(
    prior: Prior, chain: Chain, codes: IntArray, lengths: IntArray | None = None
) -> tuple[Chain, Sweep]:
    """Sweep once over codes (N, T) of lengths (N,); give the chain after, and the draw.

    `chain` itself stays as it was. n sweeps in one process or in several are the same.
    """
    prior = prior.checked()
    codes, lengths = hdphsmm.checked_codes(prior, codes, lengths)
    rng = _generator(chain.generator)
    drawn = hdphsmm.sweep(prior, chain.state, codes, lengths, rng)
    traces = np.vstack([chain.traces, _trace(prior, drawn)])
    return Chain(drawn.state, _words(rng), traces), drawn


def _trace(prior: Prior, drawn: Sweep) -> list[float]:
    inside = drawn.labels[drawn.labels >= 0]
    held = occupancy.shares(inside[None], prior.rows.n_states)
    rows = drawn.state.rows
    n_occupied = occupancy.occupied(held).counts[0]
    return [
        drawn.log_evidence,
        float(n_occupied),
        rows.top,
        rows.spread,
        drawn.state.strength,
    ]


def to_arrays(chain: Chain) -> Arrays:
    """Give the chain as named arrays, for an .npz; `from_arrays` brings it back."""
    return {
        "generator": chain.generator,
        "traces": chain.traces,
        **state_to_arrays(chain.state),
    }


def from_arrays(arrays: Mapping[str, npt.NDArray[np.generic]]) -> Chain:
    """Bring a chain back, equal to the last bit."""
    _refuse_lacking(arrays, {"generator", "traces"})
    words = np.asarray(arrays["generator"], dtype=np.uint64)
    traces = _doubles(arrays["traces"])
    if words.shape != (N_WORDS,) or traces.shape[1:] != (len(TRACED),):
        found = f"generator has shape {words.shape}, traces {traces.shape}"
        raise ValueError(f"{found}: ({N_WORDS},) and (.., {len(TRACED)}) are wanted")
    return Chain(state_from_arrays(arrays), words, traces)


def state_to_arrays(state: State) -> Arrays:
    """Give one draw as named arrays, such as are kept of many."""
    rows = state.rows
    return {
        "concentrations": np.array([rows.top, rows.spread, state.strength]),
        "log_shares": rows.log_shares,
        "log_first": rows.log_first,
        "log_rows": rows.log_rows,
        "log_emission": state.log_emission,
        "law": state.law,
    }


def state_from_arrays(arrays: Mapping[str, npt.NDArray[np.generic]]) -> State:
    """Bring a draw back, equal to the last bit."""
    _refuse_lacking(arrays, {"concentrations", "law", *_LOGS})
    logs = {name: np.asarray(arrays[name], dtype=np.float64) for name in _LOGS}
    top, spread, strength = (float(x) for x in _doubles(arrays["concentrations"]))
    log_emission = logs.pop("log_emission")
    return State(
        rows=Rows(top, spread, **logs),
        strength=strength,
        log_emission=log_emission,
        law=np.asarray(arrays["law"], dtype=np.int64),
    )


def _refuse_lacking(arrays: Mapping[str, object], wanted: set[str]) -> None:
    lacking = wanted - set(arrays)
    if lacking:
        raise ValueError(f"arrays lack {sorted(lacking)}: a chain cannot go on")


def _doubles(array: npt.NDArray[np.generic]) -> Array:
    return np.asarray(array, dtype=np.float64)


def _words(rng: np.random.Generator) -> npt.NDArray[np.uint64]:
    """Write the generator's state down: two numbers of 128 bits, and half a draw."""
    known = rng.bit_generator.state
    state, inc = int(known["state"]["state"]), int(known["state"]["inc"])
    words = [*divmod(state, _WORD), *divmod(inc, _WORD)]
    words += [int(known["has_uint32"]), int(known["uinteger"])]
    return np.array(words, dtype=np.uint64)


def _generator(words: npt.NDArray[np.uint64]) -> np.random.Generator:
    """Set a generator to where `_words` found it."""
    high, low, inc_high, inc_low, half, kept = (int(word) for word in words)
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": high * _WORD + low, "inc": inc_high * _WORD + inc_low},
        "has_uint32": half,
        "uinteger": kept,
    }
    return np.random.Generator(bits)
