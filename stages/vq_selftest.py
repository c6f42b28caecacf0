"""Try the quantiser on a small mixture, before anything is trained with it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from models import chance
from models.first import health
from models.first.quantiser import Rates
from pipeline.stage import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """A mixture, and a codebook to fit to it."""

    points: int = 4096
    centres: int = 24
    codes: int = 32
    code_dim: int = 8
    epochs: int = 10
    decay: float = 0.95


def run(params: Params, ctx: StageContext) -> None:
    """Fit a codebook of which half was thrown away, and report its health."""
    rng = chance.stream(ctx.seed, "selftest")
    points = health.mixture(params.points, params.centres, params.code_dim, rng)
    rates = Rates(decay=params.decay)

    found = health.examine(points, params.codes, params.epochs, rates, rng)

    with ctx.result("health.json") as path:
        path.write_text(json.dumps(found._asdict(), indent=2) + "\n")
    ctx.metric(**found._asdict(), fall=found.loss / found.first_loss)
