"""Learn codes and behaviours from some subjects; be judged on others.

Nobody is in two parts, and that is proved before anything is learned. After each epoch
the learner is kept: a stage that was killed at whatever instant goes on from there, and
ends with the same bits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

import numpy as np

from models.leakage.certificate import Leak
from models.networks.conv2d_vq import Conv2dVQ
from models.networks.cost import parameters
from models.training.architecture import Architecture
from models.training.learner import Epoch, Learner
from pipeline.stage import StageContext
from stages import exchange, trained
from stages.drawing import train as drawing
from stages.reading.herd import Herd, enough
from stages.reading.source import chosen
from stages.reading.sources import read
from stages.trained import Trained
from stages.training import tables
from stages.training.cohorts import (
    HOP,
    SHARES,
    SIZE,
    Cohorts,
    cohorts,
    divided,
    material,
    spread,
)
from stages.training.keeping import cleared
from stages.training.machine import Machine, machine, shared
from stages.training.outlook import codes_of, logits_of, outlook, usage_of
from stages.training.session import Session, go, settle, taken_up
from stages.training.several import go_together
from stages.training.sizes import Size, sized
from stages.training.verdicts import Verdict, bound, verdict

CALIBRATION, GOLDEN = 64, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """What is learned from, with what, and for how long; None is the profile's.

    data: a source, as stages/reading has it. subjects: of the training part, simulated.
    quantiser: "ema" with `codes` codes, or "fsq" with `levels`.
    precision: "float32", "bfloat16" or "float16". compiled: by torch.compile.
    processes: that learn together; 0 is one for each GPU that the stage was given.
    """

    profile: str = "small"
    data: dict[str, object] = field(default_factory=dict)
    subjects: int | None = None
    quantiser: str = "ema"
    codes: int = 512
    levels: tuple[int, ...] = (8, 6, 5)
    causal: bool = False
    width: int | None = None
    epochs: int | None = None
    batch: int | None = None
    rate: float | None = None
    patience: int = 8
    precision: str | None = None
    compiled: bool | None = None
    processes: int = 0


def run(params: Params, ctx: StageContext) -> None:
    """Read, divide, prove; learn; look at all parts, and be judged."""
    on = machine(ctx.device, params.processes)
    size = sized(params.profile, params, on.device)
    shared(size.batch, on.processes)
    herd = recorded(params, size, ctx)
    split = proved(herd, size, ctx)

    plan = architecture(params, size, len(herd.labels), ctx.seed)
    learner = learned(params, plan, size, split, on, ctx)
    network = learner.finished().cpu()

    few = split.parts["train"].recordings[: size.coded]
    looked = {name: one.recordings for name, one in split.parts.items()}
    looked["train"] = few
    said = {name: outlook(network, split.scale, own) for name, own in looked.items()}
    found = verdict(split, said["test"], len(herd.labels))
    n_codes = int(network.quantiser.num_codes)  # type: ignore[attr-defined]
    with ctx.output("codes.npz") as path:
        exchange.write(path, codes_of(looked, said, herd, n_codes))
    with ctx.output("logits.npz") as path:
        exchange.write(path, logits_of(split, said, herd))
    hand_on(network, herd, split, plan, ctx)
    perplexity, usage = usage_of(said["test"].codes, n_codes)
    ctx.metric(perplexity=perplexity, usage=usage)
    tell(learner, herd, found, size, ctx)
    ctx.metric(**herd.account.numbers)  # last: who watches sees how it learns first
    with ctx.result("certificate.json") as path:
        tables.certificate(path, split)


def recorded(params: Params, size: Size, ctx: StageContext) -> Herd:
    """Read the recordings, or simulate them from the run's seed."""
    places = [path for ref, path in ctx.inputs.items() if ref.startswith("data:")]
    herd = read(
        chosen(params.data),
        places[0] if places else None,
        seed=ctx.seed,
        subjects=sum(size.subjects.values()),
        seconds=size.seconds,
    )
    for line in herd.account.lines:
        ctx.log.info("%s", line)
    return enough(herd)


def proved(herd: Herd, size: Size, ctx: StageContext) -> Cohorts:
    """Divide the subjects and prove that no part knows another; tell how many do."""
    shares = size.subjects if herd.source == "synthetic" else SHARES
    try:
        split = cohorts(herd, divided(herd, shares, ctx.seed))
    except Leak as leak:
        ctx.metric(leaks=str(leak).count("\n"))
        raise
    ctx.metric(leaks=0)
    for name, one in split.parts.items():
        n_subjects = len(set(one.origin.subject.tolist()))
        ctx.log.info("%s: %d subjects, %d windows", name, n_subjects, len(one.windows))
    return split


def learned(
    params: Params,
    plan: Architecture,
    size: Size,
    split: Cohorts,
    on: Machine,
    ctx: StageContext,
) -> Learner:
    """Go through the epochs that are left, telling each."""
    session = Session(
        plan,
        size.recipe(plan, params.patience),
        on.device,
        size.compiled,
        ctx.checkpoint_dir,
    ).known_by(split)
    settle(on.device)
    cleared(ctx.checkpoint_dir)
    learner = taken_up(session, ctx.log)
    given = material(split, plan.behaviours)
    if on.processes > 1:
        epochs = go_together(session, learner, given, on.processes)
    else:
        epochs = go(session, learner, given)
    speeds: list[float] = []
    for each, samples_per_s in timed(epochs, size.steps * size.batch):
        ctx.tick(
            each.number,
            size.epochs,
            loss=each.means.loss,
            accuracy=each.grade.accuracy,
            perplexity=each.grade.perplexity,
            samples_per_s=round(samples_per_s, 1),
        )
        speeds.append(samples_per_s)
    # The first epoch warms up, and the quickest is the least disturbed.
    speed = max(speeds, default=0.0)
    ctx.metric(**on.figures(learner.network, size.batch, speed, size.precision))
    ctx.metric(samples_per_s=speed)
    return learner


def architecture(
    params: Params, size: Size, behaviours: int, seed: int
) -> Architecture:
    """Give the network that was asked for."""
    n_codes = params.codes if params.quantiser == "ema" else prod(params.levels)
    if n_codes > exchange.MOST:
        message = f"{n_codes} codes are asked for: files hold at most {exchange.MOST}"
        raise ValueError(message)
    return Architecture(
        behaviours,
        params.quantiser,
        params.codes,
        tuple(params.levels),
        width=size.width,
        causal=params.causal,
        seed=seed,
    )


def timed(epochs: Iterator[Epoch], windows: int) -> Iterator[tuple[Epoch, float]]:
    """Give each epoch with the windows a second that it took, validation included."""
    began = time.perf_counter()
    for each in epochs:
        took = time.perf_counter() - began
        yield each, windows / took
        began = time.perf_counter()


def hand_on(
    network: Conv2dVQ, herd: Herd, split: Cohorts, plan: Architecture, ctx: StageContext
) -> None:
    """Write the model, and raw windows to calibrate an export with and to prove it."""
    config = {"architecture": plan._asdict(), "window": SIZE, "hop": HOP}
    with ctx.output("model.pt") as path:
        model = Trained(network, split.scale, herd.labels, herd.rate_hz, config)
        trained.write(path, model)
    with ctx.output("sample.npz") as path:
        np.savez(
            path,
            allow_pickle=False,
            calibration=spread(split.parts["train"].windows, CALIBRATION),
            golden=spread(split.parts["test"].windows, GOLDEN),
        )


def tell(
    learner: Learner, herd: Herd, found: Verdict, size: Size, ctx: StageContext
) -> None:
    """Report the numbers, draw the curves and what was mistaken for what."""
    limit = bound(herd, ctx.seed, size.observed)
    ctx.metric(
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        accuracy_frames=found.frames,
        accuracy_worst_subject=found.worst,
        chance=found.chance,
        loss=learner.told.grade.loss,
        parameters=parameters(learner.network),
        epochs=len(learner.history),
        best_epoch=learner.best_epoch,
    )
    if limit is not None:
        value, low, high = limit.windows
        ctx.metric(bayes_limit=value, bayes_limit_low=low, bayes_limit_high=high)
        ctx.metric(bayes_macro_f1=limit.macro_f1.value)
        ctx.log.info(
            "accuracy %.1f %%; the Bayes limit of one window is %.1f %% (%.1f to %.1f)",
            *(100.0 * number for number in (found.accuracy, value, low, high)),
        )
    with ctx.result("history.csv") as path:
        tables.history(path, learner.history)
    with ctx.result("subjects.csv") as path:
        tables.subjects(path, found.subjects)
    with ctx.figure("training.png") as path:
        opening = learner.recipe.opening
        drawing.curves(path, learner.history, opening, learner.best_epoch, limit)
    with ctx.figure("confusion.png") as path:
        drawing.mistaken(path, found.confusion, herd.labels)
