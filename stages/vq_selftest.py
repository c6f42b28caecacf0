"""Try the quantiser before anything is trained with it: its contract and its health.

The contract is that of the first handoff: latents (32, 64, 1, 100) go in, the same
shape comes out, and the loss is finite. Health is looked at while a copy learns a
mixture, and half of its codes are thrown away midway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata

import numpy as np
import torch
from torch import Tensor

from models import chance
from models.quantisers import golden, hostside
from models.quantisers.ema import VectorQuantizerEMA2D
from models.quantisers.fsq import FSQ
from models.quantisers.health import Evidence, judge
from models.quantisers.recount import recount
from models.quantisers.watching import watch
from models.shapes import IntArray
from pipeline.stage import StageContext
from stages import account
from stages.drawing import vq_selftest as drawing
from stages.selftest.found import Contract, Found
from stages.selftest.telling import findings, metrics, told

BATCH, FRAMES = 32, 100
STEPS = {"tiny": 4, "small": 10, "full": 40}
# A mixture of more centres than half of the codes, and each clear of the others.
CENTRES, SPREAD = 300, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The quantiser of the contract; `steps` of learning, else by the profile."""

    num_codes: int = 512
    code_dim: int = 64
    decay: float = 0.99
    commitment_cost: float = 0.25
    steps: int | None = None
    profile: str = "small"


def run(params: Params, ctx: StageContext) -> None:
    """Try the contract, watch a copy learn, and say what was found."""
    if params.profile not in STEPS:
        raise ValueError(f"profile is {params.profile!r}: one of {', '.join(STEPS)}")
    if params.steps is not None and params.steps < 3:
        raise ValueError(f"steps is {params.steps}: wanted 3 or more, to lose and mend")
    with one_thread():
        contract = tried(params, ctx.seed)
        seen = watched(params, ctx)
    again = recount(seen, decay=params.decay)
    found = Found(contract, judge(seen), again, fsq_differing(ctx.seed))

    with ctx.result("selftest.txt") as path:
        path.write_text(told(found))
    with ctx.result("selftest.json") as path:
        account.write(path, accounted(params, found))
    with ctx.result("pip-freeze.txt") as path:
        path.write_text("".join(f"{line}\n" for line in installed()))
    with ctx.figure("selftest.png") as path:
        drawing.draw(path, seen, again)
    ctx.log.info(told(found).splitlines()[0])
    ctx.metric(**metrics(found))


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold torch to one thread: on several the last bits of a sum may differ."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def quantiser(params: Params, seed: int) -> VectorQuantizerEMA2D:
    """Build the quantiser that is tried."""
    return VectorQuantizerEMA2D(
        num_codes=params.num_codes,
        code_dim=params.code_dim,
        decay=params.decay,
        commitment_cost=params.commitment_cost,
        seed=seed,
    )


def tried(params: Params, seed: int) -> Contract:
    """Quantise one batch of noise (B, Z, 1, T) in training, twice."""
    rng = chance.stream(seed, "vq self-test")
    noise = rng.standard_normal((BATCH, params.code_dim, 1, FRAMES), np.float32)
    z = torch.from_numpy(noise)
    z_q, losses, info = quantiser(params, seed).train()(z)
    again, _, twin = quantiser(params, seed).train()(z)
    codes = info["indices"]
    inside = (codes >= 0) & (codes < params.num_codes)
    return Contract(
        shape=tuple(z_q.shape),
        wanted=tuple(z.shape),
        loss=float(losses["vq"]),
        usage=float(info["usage"]),
        perplexity=float(info["perplexity"]),
        in_range=codes.shape == (BATCH, 1, FRAMES) and bool(inside.all()),
        determined=torch.equal(z_q, again) and torch.equal(codes, twin["indices"]),
    )


def watched(params: Params, ctx: StageContext) -> Evidence:
    """Let a copy learn a mixture, and throw half of its codes away midway."""
    steps = STEPS[params.profile] if params.steps is None else params.steps
    batches = mixture(params, ctx.seed, steps)
    return watch(
        quantiser(params, ctx.seed), batches, n_codes=params.num_codes, throw_away=0.5
    )


def mixture(params: Params, seed: int, steps: int) -> list[Tensor]:
    """Draw batches (B, Z, 1, T) around the same centres."""
    rng = chance.stream(seed, "vq self-test", 1)
    centres = rng.standard_normal((CENTRES, params.code_dim))
    drawn = []
    for _ in range(steps):
        rows = centres[rng.integers(CENTRES, size=(BATCH, 1, FRAMES))]
        rows = rows + SPREAD * rng.standard_normal(rows.shape)
        drawn.append(torch.tensor(rows.transpose(0, 3, 1, 2), dtype=torch.float32))
    return drawn


def fsq_differing(seed: int) -> int:
    """Count codes of the fixed grid that are not what they must be.

    By the frames worked out by hand, by torch against numpy on random frames, and by
    codes whose own values are coded anew.
    """
    grid = FSQ(golden.LEVELS)
    rng = chance.stream(seed, "vq self-test", 2)
    frames = rng.standard_normal((1, len(golden.LEVELS), 5000), np.float32)
    on_host = hostside.decode(frames, golden.LEVELS).codes
    every = torch.arange(grid.num_codes)[None]
    # A value v is tanh of what it came from; the outermost are short of infinity.
    back = grid.embed(every).clamp(-1 + 1e-6, 1 - 1e-6).atanh()
    pairs = (
        (coded(grid, torch.from_numpy(golden.frames())), golden.codes()),
        (coded(grid, torch.from_numpy(frames)), on_host),
        (coded(grid, back), every.numpy()),
    )
    return sum(int((ours != wanted).sum()) for ours, wanted in pairs)


def coded(grid: FSQ, frames: Tensor) -> IntArray:
    """Give the codes (B, T) of projected frames (B, Z, T)."""
    codes: IntArray = grid.codes_of(frames[:, :, None]).long().numpy()
    return codes


def installed() -> list[str]:
    """Name every package of this Python with its version, and nothing of where from."""
    found = {
        name.lower(): f"{name}=={package.version}"
        for package in reversed(list(metadata.distributions()))
        if (name := package.metadata["Name"])
    }
    return [found[name] for name in sorted(found)]


def accounted(params: Params, found: Found) -> dict[str, object]:
    """Give all of it as plain values."""
    return {
        "quantiser": {
            "num_codes": params.num_codes,
            "code_dim": params.code_dim,
            "decay": params.decay,
            "commitment_cost": params.commitment_cost,
        },
        "contract": found.contract,
        "metrics": metrics(found),
        "findings": findings(found),
        "ill": found.health.named,
        "outside_by_step": found.recount.outside,
    }
