"""EM: no step downhill, applied as it was fitted, and refusals with reasons."""

from __future__ import annotations

import numpy as np
import pytest

from models.hsmm import em, gaussian_emission
from models.hsmm.durations import Durations, Truncate
from models.hsmm.edges import Edge, Edges
from models.hsmm.em import Rule
from models.hsmm.maximise import Prior
from models.hsmm.poisson import Poisson
from models.hsmm.posterior import posterior
from tests.models.fitting.drawn import (
    FAMILIES,
    SIDES,
    some_records,
    some_start,
)

NOTHING = Prior(0.0, 0.0, 0.0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("right", SIDES)
@pytest.mark.parametrize("truncate", ["tail", "renormalise"])
@pytest.mark.parametrize("prior", [Prior(), NOTHING], ids=["posterior", "likelihood"])
def test_no_step_goes_downhill(
    family: type[Durations], right: Edge, truncate: Truncate, prior: Prior
) -> None:
    """The objective falls by no more than 1e-9 of itself, from either of two starts."""
    edges = Edges("complete", right)
    for seed in range(2):
        pseudo = 0.1 if prior.first else 0.0
        start = some_start(seed, family, truncate=truncate, pseudo=pseudo)

        found = em.fit(
            *some_records(seed), start, prior=prior, edges=edges, rule=Rule(0.0, 8)
        )

        slack = 1e-9 * np.abs(found.objective[0])
        assert (np.diff(found.objective) >= -slack).all()
        assert found.objective[-1] > found.objective[0]
        if not prior.first:
            np.testing.assert_array_equal(found.objective, found.evidence)


@pytest.mark.parametrize("shape", ["diagonal", "full"])
def test_no_step_goes_downhill_on_features(shape: str) -> None:
    """Likewise with Gaussian emissions and their prior."""
    rng = np.random.default_rng(1)
    features = rng.standard_normal((3, 30, 2)) + rng.integers(0, 3, (3, 30, 1))
    lengths = np.array([30, 30, 17])
    emission = gaussian_emission.pooled(features, lengths, 3, shape=shape)  # type: ignore[arg-type]
    emission = emission._replace(mean=emission.mean + rng.standard_normal((3, 2)))
    start = some_start(1, Poisson)._replace(emission=emission)

    found = em.fit(features, lengths, start, rule=Rule(0.0, 25))

    assert (np.diff(found.objective) >= -1e-9 * np.abs(found.objective[0])).all()
    assert found.objective[-1] > found.objective[0]


def test_decoding_the_training_records_gives_the_last_posterior() -> None:
    """What is applied is what was fitted: bit for bit the same, after any stop."""
    records = some_records(6)
    for steps in (1, 2, 7):
        found = em.fit(*records, some_start(6, Poisson), rule=Rule(0.0, steps))

        model = found.model
        log_lik = model.emission.log_lik(*records)
        again = posterior(model.dynamics.process, log_lik, records[1])

        np.testing.assert_array_equal(again.occupancy, found.posterior.occupancy)
        assert again.log_evidence.sum() == found.evidence[-1]


def test_fitting_is_the_same_every_time() -> None:
    """Same records, same start, same bits; and it says when it has converged."""
    records = some_records(10)
    one, two = (em.fit(*records, some_start(10, Poisson)) for _ in range(2))
    heard: list[tuple[int, float]] = []
    em.fit(
        *records,
        some_start(10, Poisson),
        rule=Rule(0.0, 3),
        tell=lambda i, x: heard.append((i, x)),
    )

    np.testing.assert_array_equal(one.objective, two.objective)
    np.testing.assert_array_equal(one.posterior.occupancy, two.posterior.occupancy)
    assert one.converged
    assert one.objective[-1] - one.objective[-2] <= 1e-6 * records[1].sum()
    assert [step for step, _ in heard] == [1, 2, 3]
    np.testing.assert_array_equal([x for _, x in heard], one.objective[:3])


def test_a_record_that_begins_within_a_segment_is_refused_with_the_reason() -> None:
    """There is no closed step for it, and the message says what to do."""
    with pytest.raises(ValueError, match=r"no closed step for edges\.left 'censored'"):
        em.fit(*some_records(11), some_start(11, Poisson), edges=Edges("censored"))


@pytest.mark.parametrize(
    ("prior", "rule", "says"),
    [
        (Prior(first=-1.0), Rule(), "prior.first is -1.0"),
        (Prior(lengths=np.nan), Rule(), "prior.lengths is nan"),
        (Prior(), Rule(steps=0), "never ends"),
        (Prior(), Rule(gain=-1.0), "never ends"),
    ],
    ids=["negative", "nan", "no steps", "negative gain"],
)
def test_priors_and_rules_that_make_no_sense_are_named(
    prior: Prior, rule: Rule, says: str
) -> None:
    """The field and its value are in the message."""
    with pytest.raises(ValueError, match=says):
        em.fit(*some_records(12), some_start(12, Poisson), prior=prior, rule=rule)
