"""Learn codes and what they mean on some subjects; be judged on others.

Every subject is simulated from a random stream of its own, and accuracy is told only of
subjects nothing was learned from. An epoch is written down before it is told, and draws
from a stream of its own: a run that was cut off ends with the same bytes.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import chance
from models.first import behaviour, encoder, learner, recogniser, split
from models.first.behaviour import Recording
from models.first.classifier import Steps
from models.first.learner import Learner, Lesson
from models.first.quantiser import Rates
from models.first.recogniser import Reading, Recogniser
from models.shapes import IntArray
from pipeline.stage import StageContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """The simulation, the encoder, the codebook, and how both learn."""

    behaviours: int = 6
    subjects: int = 16
    calibration_subjects: int = 12
    test_subjects: int = 12
    frames: int = 2400
    window: int = 8
    codes: int = 64
    code_dim: int = 12
    epochs: int = 40
    batch: int = 64
    decay: float = 0.99
    dead_below: float = 0.05
    lr: float = 0.1
    ridge: float = 1e-4


def run(params: Params, ctx: StageContext) -> None:
    """Simulate, learn, and judge on unseen subjects."""
    groups = split.groups(
        params.subjects, params.calibration_subjects, params.test_subjects
    )
    recordings = simulate(params, ctx.seed, len(groups))

    model = train(params, recordings[: params.subjects], ctx)

    readings = [recogniser.read(model, recording.frames) for recording in recordings]
    save(ctx, model, recordings, readings, groups)
    judge(ctx, recordings, readings, groups)


def simulate(params: Params, seed: int, n_subjects: int) -> list[Recording]:
    """Record every subject, each from a stream of its own."""
    world = behaviour.world(params.behaviours, chance.stream(seed, "world"))
    streams = [chance.stream(seed, "subject", n) for n in range(n_subjects)]
    return [behaviour.record(world, params.frames, stream) for stream in streams]


def train(params: Params, seen: list[Recording], ctx: StageContext) -> Recogniser:
    """Fit the projection, then codes and head epoch by epoch."""
    rows = np.concatenate([encoder.features(r.frames, params.window) for r in seen])
    projection = encoder.fit(rows, params.code_dim)
    labels = np.concatenate([recording.states for recording in seen])
    lesson = Lesson(encoder.project(projection, rows), labels, params.batch)

    final = learn(params, lesson, ctx)

    return Recogniser(projection, final.book.codes, final.descent.head, params.window)


def learn(params: Params, lesson: Lesson, ctx: StageContext) -> Learner:
    """Go through the epochs that are left, writing each down.

    What the last epoch was like is written down with it: a run that was cut off after
    it tells the same numbers.
    """
    rates = Rates(decay=params.decay, dead_below=params.dead_below)
    steps = Steps(rate=params.lr, ridge=params.ridge)
    done, now = resume(params, lesson, ctx)
    for epoch in range(done + 1, params.epochs + 1):
        rng = chance.stream(ctx.seed, "epoch", epoch)
        now = learner.epoch(now, lesson, rates, steps, rng)
        write_down(ctx.checkpoint_dir, epoch, now)
        ctx.tick(epoch, params.epochs, loss=now.loss, nll=now.nll)
    ctx.metric(loss=now.loss, nll=now.nll)
    ctx.metric(perplexity=now.perplexity, revived=now.revived)
    return now


def resume(params: Params, lesson: Lesson, ctx: StageContext) -> tuple[int, Learner]:
    """Take up the last epoch written down, or start; a torn file counts as none."""
    path = ctx.checkpoint_dir / "learner.npz"
    try:
        # Opened here, since np.load leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file) as arrays:
            done, now = int(arrays["epoch"]), learner.from_arrays(arrays)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        rng = chance.stream(ctx.seed, "start")
        return 0, learner.start(lesson, params.codes, params.behaviours, rng)
    ctx.log.info("taken up after epoch %d", done)
    return done, now


def write_down(folder: Path, epoch: int, now: Learner) -> None:
    """Replace the last epoch by this one, in one step."""
    draft = folder / ".learner.draft.npz"
    np.savez(draft, allow_pickle=False, epoch=epoch, **learner.to_arrays(now))
    draft.replace(folder / "learner.npz")


def save(
    ctx: StageContext,
    model: Recogniser,
    recordings: list[Recording],
    readings: list[Reading],
    groups: IntArray,
) -> None:
    """Write the model, all codes, the logits of unseen subjects, and one recording."""
    unseen = groups != split.TRAIN
    with ctx.output("model.npz") as path:
        np.savez(path, allow_pickle=False, **recogniser.to_arrays(model))
    with ctx.output("codes.npz") as path:
        codes = np.stack([reading.codes for reading in readings]).astype(np.int32)
        truth = np.stack([recording.states for recording in recordings])
        np.savez(path, codes=codes, truth=truth.astype(np.int8), groups=groups)
    with ctx.output("logits.npz") as path:
        logits = np.stack([reading.logits for reading in readings])[unseen]
        truth = np.stack([recording.states for recording in recordings])[unseen]
        np.savez(
            path,
            logits=logits.astype(np.float32),
            truth=truth.astype(np.int8),
            groups=groups[unseen],
        )
    with ctx.output("sample.npz") as path:
        np.savez(path, frames=recordings[-1].frames[:600])


def judge(
    ctx: StageContext,
    recordings: list[Recording],
    readings: list[Reading],
    groups: IntArray,
) -> None:
    """Tell how often unseen subjects are recognised, and that they are unseen."""
    frames = np.stack([recording.frames for recording in recordings])
    truth = np.stack([recording.states for recording in recordings])
    logits = np.stack([reading.logits for reading in readings])
    seen, test = groups == split.TRAIN, groups == split.TEST
    by_subject = [
        recogniser.accuracy(logits[n], truth[n]) for n in np.flatnonzero(test)
    ]
    ctx.metric(
        accuracy=recogniser.accuracy(logits[test], truth[test]),
        accuracy_worst_subject=min(by_subject),
        accuracy_seen=recogniser.accuracy(logits[seen], truth[seen]),
        leaks=behaviour.shared_frames(frames[seen], frames[~seen]),
    )
