"""Find states that last in the sequences of codes, without being told their names.

A weak-limit HDP-HSMM is sampled on the subjects the codes were learned from. It is
judged on the test subjects: by its evidence against frames drawn independently, and by
how often its states, named on the former, agree with what the latter really did.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from models import chance
from models.first import agreement, drawing, durations, gibbs, split
from models.first.gibbs import Prior, Sweep
from models.first.hdp import Concentrations
from models.shapes import BoolArray, IntArray
from pipeline.stage import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The weak limit, the longest duration, what is read, how long is sampled."""

    states: int = 20
    max_duration: int = 80
    frames: int = 500
    sweeps: int = 30
    kept: int = 5
    top: float = 4.0
    spread: float = 6.0
    emission: float = 0.2
    least_share: float = 0.01


def run(params: Params, ctx: StageContext) -> None:
    """Sample, then judge on subjects that were not sampled on."""
    with np.load(ctx.input("train/model.npz")) as model:
        n_codes = len(model["codes"])
    with np.load(ctx.input("train/codes.npz")) as arrays:
        codes = arrays["codes"][:, : params.frames].T.astype(np.int64)
        truth = arrays["truth"][:, : params.frames].astype(np.int64)
        groups = arrays["groups"]
    seen, test = groups == split.TRAIN, groups == split.TEST
    prior = believe(params, n_codes)

    kept = sample(params, prior, codes[:, seen], ctx)[-params.kept :]

    decoded = gibbs.decode(prior, kept[-1].state, codes)
    report_evidence(prior, kept, codes[:, seen], codes[:, test], ctx)
    report_states(params, prior, kept[-1], ctx)
    ctx.metric(agreement=agree(params, decoded, truth, seen, test))
    save(kept[-1], decoded, ctx)
    draw(decoded[test], truth[test], ctx)


def believe(params: Params, n_codes: int) -> Prior:
    """Give the prior the params speak of."""
    return Prior(
        n_states=params.states,
        n_codes=n_codes,
        laws=durations.grid(params.max_duration, 12),
        emission=params.emission,
        strengths=Concentrations(top=params.top, spread=params.spread),
    )


def sample(
    params: Params, prior: Prior, codes: IntArray, ctx: StageContext
) -> list[Sweep]:
    """Sweep, telling each."""

    def tell(done: int, latest: Sweep) -> None:
        ctx.tick(
            done,
            params.sweeps,
            log_evidence=latest.log_evidence / codes.size,
            occupied=occupied(params, latest).sum(),
        )

    return gibbs.fit(
        prior, codes, params.sweeps, chance.stream(ctx.seed, "gibbs"), tell
    )


def occupied(params: Params, latest: Sweep) -> BoolArray:
    """Tell which states hold more than a trifle of all frames."""
    return gibbs.shares(latest, params.states) >= params.least_share


def report_evidence(
    prior: Prior,
    kept: list[Sweep],
    train: IntArray,
    codes: IntArray,
    ctx: StageContext,
) -> None:
    """Tell the held-out evidence, in nats a frame, and of frames without order."""
    evidence = gibbs.log_predictive(prior, kept, codes).sum() / codes.size
    independent = gibbs.log_independent(train, codes, prior).sum() / codes.size
    ctx.metric(
        log_evidence=evidence,
        log_evidence_independent=independent,
        gain=evidence - independent,
    )


def report_states(
    params: Params, prior: Prior, latest: Sweep, ctx: StageContext
) -> None:
    """Tell how many states are lived in, and how long each lasts."""
    shares = gibbs.shares(latest, params.states)
    lasting = gibbs.mean_durations(prior, latest.state)
    lived_in = occupied(params, latest)
    with ctx.result("states.json") as path:
        rows = [
            {"state": int(k), "share": shares[k], "mean_duration": lasting[k]}
            for k in np.flatnonzero(lived_in)
        ]
        path.write_text(json.dumps(rows, indent=2) + "\n")
    mean_duration = float(np.average(lasting, weights=shares * lived_in))
    ctx.metric(occupied=int(lived_in.sum()), mean_duration=mean_duration)


def agree(
    params: Params,
    decoded: IntArray,
    truth: IntArray,
    seen: BoolArray,
    test: BoolArray,
) -> float:
    """Name each state on the subjects seen, and judge the names on the others."""
    n_labels = int(truth.max()) + 1
    known = agreement.joint(decoded[seen], truth[seen], params.states, n_labels)
    new = agreement.joint(decoded[test], truth[test], params.states, n_labels)
    return agreement.share_right(new, agreement.names(known))


def save(latest: Sweep, decoded: IntArray, ctx: StageContext) -> None:
    """Write the last draw and what it makes of every frame."""
    with ctx.output("states.npz") as path:
        np.savez(path, states=decoded.astype(np.int8), **latest.state._asdict())


def draw(decoded: IntArray, truth: IntArray, ctx: StageContext) -> None:
    """Draw three test subjects: what was found above what was done."""
    rows = [row for pair in zip(decoded[:3], truth[:3], strict=True) for row in pair]
    with ctx.figure("states.svg") as path:
        title = "three unseen subjects: states found, and below each what it did"
        path.write_text(drawing.ribbons(rows, title))
