"""What words of other recordings weigh: semi-Markov, Markov, and as a bag."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models import chance
from models.hdp import fitting
from models.hsmm import chain, code_emission
from models.hsmm.emission import inside
from stages.sampling.agreeing import Interval, resampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.hdp.fitting import Kept
    from models.shapes import Array, IntArray
    from stages.sampling.job import Job

# Draws that a prediction is averaged over, and steps of the Markov model's EM.
MOST_DRAWS = 8
MOST_STEPS = 40
PSEUDO = 0.5


class Weighed(NamedTuple):
    """Nats of each of N recordings (N,), and the steps they have (N,)."""

    hsmm: Array
    hmm: Array
    bag: Array
    steps: IntArray


def weighed(
    job: Job,
    kept: Sequence[Kept],
    labels: IntArray,
    words: IntArray,
    steps: IntArray,
) -> Weighed:
    """Weigh words (N, U) of `steps`, given what was drawn from the job's own.

    labels (M, V): the clusters of the job's words, from which the Markov model begins:
    it has as many states as are in use.
    """
    few = kept[:: -(-len(kept) // MOST_DRAWS)]
    hsmm = fitting.log_predictive(job.prior, few, words, steps)
    kept_in = inside(job.lengths, job.words.shape[1])
    _, ranks = np.unique(labels[kept_in], return_inverse=True)
    member = np.zeros((*labels.shape, int(ranks.max()) + 1))
    member[kept_in] = np.eye(member.shape[2])[ranks]
    even = code_emission.even(member.shape[2], job.n_words, PSEUDO)
    begun = even.refit(job.words, job.lengths, member)
    fit = chain.fit_chain(
        job.words, job.lengths, begun, tolerance=1e-5, max_steps=MOST_STEPS
    )
    hmm = chain.chain_evidence(fit.chain, fit.emission.log_lik(words, steps), steps)
    one = code_emission.even(1, job.n_words, PSEUDO)
    bag = one.refit(job.words, job.lengths, kept_in[..., None].astype(np.float64))
    return Weighed(hsmm, hmm, chain.bag(bag, words, steps), steps)


def told(nats: Weighed, seed: int) -> dict[str, Interval]:
    """Give nats a step of each model and of what one has over another.

    Intervals are over resampled recordings, the same ones for all.
    """
    whole = {
        "hsmm": nats.hsmm,
        "hmm": nats.hmm,
        "bag": nats.bag,
        "hsmm_over_hmm": nats.hsmm - nats.hmm,
        "hsmm_over_bag": nats.hsmm - nats.bag,
    }
    return {
        name: _per_step(own, nats.steps, chance.stream(seed, "evidence"))
        for name, own in whole.items()
    }


def _per_step(nats: Array, steps: IntArray, rng: np.random.Generator) -> Interval:
    return resampled(
        len(nats), lambda rows: float(nats[rows].sum() / steps[rows].sum()), rng
    )
