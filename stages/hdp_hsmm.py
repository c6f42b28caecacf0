"""Find behaviours and how long they last in codes, without being told their names.

    codes --slow axes--> pieces --mixture--> words --HDP-HSMM--> states

1. Codes are read as vectors of the codebook, along the axes in which half a second
   differs most from other half seconds and least within itself (`models.hsmm.slow`).
2. Recordings are cut where the mean vector changes, exactly (`models.hsmm.partition`).
3. A Dirichlet-process mixture clusters the pieces of training subjects, by where they
   lie and which codes they hold; clusters are words, and every recording is spelt in
   them, ten a second (`models.hdp.words`).
4. A weak-limit HDP-HSMM is sampled over the words of training subjects: several chains.
5. All draws together give one clustering of frames; the draw nearest to it decodes
   other subjects by Viterbi, with exact posterior probabilities beside.
6. Names come from training subjects, agreement and evidence from test subjects alone.

`change_f1` allows three frames of the model, which are steps of 100 ms: 0.3 s, and says
so as `tolerance_s`. `change_f1_code_frames` allows three frames of the codes: 30 ms.

No label enters 1 to 5. The encoder, however, was trained with labels, so its codes say
more of behaviour than codes of an encoder that was not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from models import chance
from models.hdp import fitting
from models.hdp.fitting import Kept, Summary
from models.hdp.occupancy import Interval as Credible
from models.hsmm import agreement
from models.threads import one_thread
from pipeline.stage import StageContext
from stages.drawing import hdp_hsmm as drawing
from stages.exchange import Codes
from stages.sampling import agreeing, beside, convergence, spelling, weighing
from stages.sampling.decoding import Decoded, Named, decoded, named
from stages.sampling.job import Job, Sampled
from stages.sampling.spelling import Spelt

TOLERANCE = 3
TOP_CODES = 8


class Size(NamedTuple):
    """How much is done under a profile."""

    recordings: int
    chains: int
    sweeps: int
    states: int


SIZES = {
    "tiny": Size(recordings=6, chains=2, sweeps=10, states=12),
    "small": Size(recordings=32, chains=4, sweeps=60, states=20),
    "full": Size(recordings=400, chains=8, sweeps=300, states=30),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """How much is sampled; what is None is as the profile says.

    longest_s: that a bout may last. least_share: of the frames, for a state to count
    """

    profile: str = "small"
    recordings: int | None = None
    chains: int | None = None
    sweeps: int | None = None
    states: int | None = None
    longest_s: float = 30.0
    least_share: float = 0.01


def run(params: Params, ctx: StageContext) -> None:
    """Spell, sample, decode all recordings; judge, draw and hand on."""
    size = sized(params)
    with one_thread():
        read = spelt(size, ctx)
        job = the_job(params, size, read, ctx.seed)
        chains = sampled(size, job, ctx)
        kept = [draw for one in chains for draw in one.kept]
        summed = fitting.summary(
            job.prior, kept, job.lengths, at_least=params.least_share
        )
        found = decoded(job, kept[summed.nearest], summed, read)
        report_evidence(job, kept, summed, read, ctx)
    report_convergence(chains, ctx)
    names = named(found, read)
    report_states(summed, names, found, read, ctx)
    report_agreement(names, found, read, ctx)
    with ctx.figure("raster.png") as path:
        drawing.raster(path, found, names, read)
    hand_on(names, found, read, ctx)


def sized(params: Params) -> Size:
    """Give the profile's size, with what was asked for in its place."""
    if params.profile not in SIZES:
        raise ValueError(f"profile is {params.profile!r}: one of {', '.join(SIZES)}")
    asked = {name: getattr(params, name) for name in Size._fields}
    return SIZES[params.profile]._replace(
        **{name: value for name, value in asked.items() if value is not None}
    )


def spelt(size: Size, ctx: StageContext) -> Spelt:
    """Read codes and their vectors, and spell all recordings in words."""
    codes = Codes.read(ctx.input("train/codes.npz"))
    vectors = spelling.vectors_of(ctx.input("train/model.pt"), codes.n_codes)
    rng = chance.stream(ctx.seed, "words")
    read = spelling.spelt(codes, vectors, size.recordings, rng)
    ctx.log.info("%d words, from %d recordings", read.n_words, read.seen.sum())
    if not read.is_held_out:
        ctx.log.info("no recording was kept apart: all is judged on those sampled over")
    state_hz = codes.rate_hz / read.step
    ctx.metric(words=read.n_words, state_hz=state_hz, held_out=read.is_held_out)
    return read


def the_job(params: Params, size: Size, read: Spelt, seed: int) -> Job:
    """Say what every chain is to do."""
    steps = read.steps[read.seen]
    longest = round(params.longest_s * read.codes.rate_hz / read.step)
    return Job(
        words=read.words[read.seen, : steps.max()],
        lengths=steps,
        n_words=read.n_words,
        n_states=size.states,
        max_duration=max(4, min(longest, int(steps.max()))),
        sweeps=size.sweeps,
        seed=seed,
    )


def sampled(size: Size, job: Job, ctx: StageContext) -> list[Sampled]:
    """Run the chains, telling each sweep."""
    whole, n_steps = size.chains * size.sweeps, int(job.lengths.sum())

    def tell(done: int, log_evidence: float, occupied: float) -> None:
        per_step = log_evidence / n_steps
        ctx.tick(done, whole, log_evidence=per_step, occupied=occupied)

    ctx.metric(chains=size.chains, sweeps=size.sweeps)
    return beside.sample(ctx.checkpoint_dir, job, size.chains, tell)


def report_convergence(chains: list[Sampled], ctx: StageContext) -> None:
    """Say whether the chains have met, and draw their traces."""
    met = convergence.judged(chains)
    ctx.log.info("%s", met.said)
    ctx.metric(r_hat=met.r_hat, chains_nmi=met.nmi)
    with ctx.result("convergence.json") as path:
        write(path, met._asdict())
    with ctx.figure("convergence.png") as path:
        drawing.convergence(path, convergence.traces(chains), met)


def report_evidence(
    job: Job, kept: list[Kept], summed: Summary, read: Spelt, ctx: StageContext
) -> None:
    """Tell what words of recordings that were not sampled over weigh."""
    rows = read.judged
    nats = weighing.weighed(
        job, kept, summed.labels, read.words[rows], read.steps[rows]
    )
    told = weighing.told(nats, ctx.seed)
    ctx.metric(
        log_evidence=told["hsmm"].value,
        log_evidence_hmm=told["hmm"].value,
        log_evidence_bag=told["bag"].value,
        gain=told["hsmm_over_bag"].value,
        gain_hmm=told["hsmm_over_hmm"].value,
    )
    with ctx.result("evidence.json") as path:
        about = {"unit": "nats a step", "judged_on": read.judged_on}
        write(path, about | {name: own._asdict() for name, own in told.items()})
    with ctx.figure("evidence.png") as path:
        drawing.evidence(path, nats, told, is_held_out=read.is_held_out)


def report_states(
    summed: Summary, names: Named, found: Decoded, read: Spelt, ctx: StageContext
) -> None:
    """Tell how many states are lived in, and describe each."""
    number = summed.occupied.interval
    ctx.metric(
        occupied=float(number.median),
        occupied_low=float(number.low),
        occupied_high=float(number.high),
    )
    step_s = read.step / read.codes.rate_hz
    found_steps = summed.durations
    lasting = found_steps._replace(
        median=step_s * found_steps.median,
        low=step_s * found_steps.low,
        high=step_s * found_steps.high,
    )
    rows = [
        {
            "state": j,
            "name": read.name_of(names.commonest[j]),
            "is_occupied": bool(summed.is_occupied[j]),
            "share": credible(summed.shares, j),
            "mean_duration_s": credible(lasting, j),
            "top_codes": top_codes(found, read, j),
        }
        for j in range(len(summed.names))
    ]
    with ctx.result("states.json") as path:
        write(path, rows)


def credible(interval: Credible, j: int) -> dict[str, float | None]:
    """Give one state's median, low and high; None for what no draw says."""
    said = zip(("median", "low", "high"), interval[:3], strict=True)
    known = {name: float(values[j]) for name, values in said}
    return {name: x if np.isfinite(x) else None for name, x in known.items()}


def top_codes(found: Decoded, read: Spelt, j: int) -> list[int]:
    """Give the codes a state shows most often, commonest first."""
    held = read.codes.codes[read.seen][found.states[read.seen] == j]
    counts = np.bincount(held, minlength=read.codes.n_codes)
    order = np.argsort(-counts, kind="stable")[:TOP_CODES]
    return [int(code) for code in order if counts[code]]


def report_agreement(
    names: Named, found: Decoded, read: Spelt, ctx: StageContext
) -> None:
    """Tell how states agree with what was done, where anybody wrote that down."""
    truth = read.codes.truth[read.judged].astype(np.int64)
    n_labels = len(read.codes.labels)
    if not (truth >= 0).any():
        ctx.log.info("nothing judged is labelled: agreement is left out")
        return
    of = agreeing.compared(found.states[read.judged], truth, found.n_states, n_labels)
    rate = read.codes.rate_hz
    rng = chance.stream(ctx.seed, "agreement")
    nmi = agreeing.nmi(of, rng)
    change = agreeing.change_f1(of, TOLERANCE * read.step, rng)
    bouts = agreeing.durations(of, names.commonest, n_labels)
    lasting = agreeing.lasting(bouts, read.codes.labels.tolist(), rate)
    counts = of.together
    numbers = {
        "nmi": nmi.value,
        "ari": agreement.ari(counts),
        "accuracy_named": agreement.share_right(counts, names.commonest),
        "accuracy_one_to_one": agreement.share_right(counts, names.alone),
        "change_f1": change.value,
        "tolerance_s": TOLERANCE * read.step / rate,
        "change_f1_code_frames": agreeing.change_f1(of, TOLERANCE, rng).value,
        "duration_error": agreeing.mean_error(lasting),
    }
    known = {name: x for name, x in numbers.items() if np.isfinite(x)}
    ctx.metric(**known)
    about: dict[str, Any] = {
        "judged_on": read.judged_on,
        "state_hz": rate / read.step,
        "nmi_interval": nmi._asdict(),
        "change_f1_interval": change._asdict(),
        "changes": agreeing.change_table(of, rate),
        "durations": lasting,
        "codes_named_by_labels": agreeing.named_codes(read),
    }
    with ctx.result("agreement.json") as path:
        write(path, known | about)
    with ctx.figure("durations.png") as path:
        drawing.durations(path, bouts, read.codes.labels.tolist(), rate)


def hand_on(names: Named, found: Decoded, read: Spelt, ctx: StageContext) -> None:
    """Write states, their names and their probabilities, for all recordings."""
    with ctx.output("states.npz") as path, path.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            states=found.states.astype(np.int16),
            probability=found.probability.astype(np.float32),
            names=np.array([read.name_of(label) for label in names.commonest]),
            lengths=read.codes.lengths,
            part=read.codes.part,
            subject=read.codes.subject,
            recording=read.codes.recording,
            rate_hz=read.codes.rate_hz,
            state_hz=read.codes.rate_hz / read.step,
        )


def write(path: Any, it: Any) -> None:
    """Write JSON: the same numbers, the same bytes."""
    path.write_text(json.dumps(it, indent=2, allow_nan=False) + "\n")
