"""Densities of codes and features: closed forms, maxima, priors and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.hsmm import code_emission, gaussian_emission
from models.hsmm.code_emission import CodeEmission
from models.hsmm.gaussian_emission import GaussianEmission
from models.shapes import Array, IntArray


def _coded(seed: int = 0) -> tuple[IntArray, IntArray, Array]:
    """Codes (3, 9) of 4, lengths and weights over 2 states."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(2), (3, 9))
    return rng.integers(0, 4, (3, 9)), np.array([9, 4, 7]), weights


def _featured(seed: int = 0) -> tuple[Array, IntArray, Array]:
    """Features (3, 9, 2), lengths and weights over 2 states."""
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((3, 9, 2)) * [1.0, 3.0] + [5.0, -2.0]
    return features, np.array([9, 4, 7]), rng.dirichlet(np.ones(2), (3, 9))


def test_an_emission_is_a_density_of_codes_and_not_of_states() -> None:
    """exp(log_lik) sums to one over all codes in each state, after a refit."""
    codes, lengths, weights = _coded()
    emission = code_emission.even(2, 4).refit(codes, lengths, weights)

    each = emission.log_lik(np.arange(4)[:, None], np.ones(4, dtype=np.int64))

    np.testing.assert_allclose(np.exp(each[:, 0]).sum(axis=0), 1.0, atol=1e-14)
    assert not np.allclose(np.exp(each[:, 0]).sum(axis=1), 1.0)


def test_padding_weighs_nothing() -> None:
    """Log likelihoods are zero there, and what it holds changes no refit."""
    codes, lengths, weights = _coded()
    other = np.where(np.arange(9) < lengths[:, None], codes, 99)
    form = code_emission.even(2, 4)

    one, two = form.refit(codes, lengths, weights), form.refit(other, lengths, weights)

    np.testing.assert_array_equal(one.log_b, two.log_b)
    assert not one.log_lik(other, lengths)[1, 4:].any()


def test_codes_are_refitted_to_weighted_shares() -> None:
    """b[k, c] = (weights of c + pseudo) / (weights + C pseudo), counted by hand."""
    codes, lengths, weights = _coded()
    found = code_emission.even(2, 4, pseudo=0.5).refit(codes, lengths, weights)

    counts = np.full((2, 4), 0.5)
    for n, length in enumerate(lengths):
        for t in range(length):
            counts[:, codes[n, t]] += weights[n, t]

    np.testing.assert_allclose(
        np.exp(found.log_b), counts / counts.sum(axis=1, keepdims=True), rtol=1e-13
    )


def test_a_code_never_seen_is_not_impossible_unless_asked_for() -> None:
    """With pseudo-counts every code has a finite log; without, log 0 where unseen."""
    codes = np.zeros((1, 5), dtype=np.int64)
    lengths, weights = np.array([5]), np.ones((1, 5, 1))

    kept = code_emission.even(1, 3).refit(codes, lengths, weights)
    asked = code_emission.even(1, 3, pseudo=0.0).refit(codes, lengths, weights)

    assert np.isfinite(kept.log_b).all()
    np.testing.assert_array_equal(asked.log_b, [[0.0, -np.inf, -np.inf]])


def test_a_state_without_frames_keeps_what_it_had() -> None:
    """No counts and no prior: the row is not made of nothing by nothing."""
    codes, lengths, weights = _coded()
    weights[:, :, 0] = 0.0
    before = CodeEmission(np.log([[0.1, 0.2, 0.3, 0.4]] * 2), np.zeros(4))

    after = before.refit(codes, lengths, weights)

    np.testing.assert_allclose(after.log_b[0], before.log_b[0], rtol=1e-15)


def _objective(
    emission: CodeEmission | GaussianEmission,
    seen: tuple[Array | IntArray, IntArray, Array],
) -> float:
    observations, lengths, weights = seen
    inside = (np.arange(9) < lengths[:, None])[..., None]
    weighed = weights * inside * emission.log_lik(observations, lengths)
    return float(weighed.sum()) + emission.log_prior


def test_no_other_code_emission_has_a_greater_objective() -> None:
    """500 neighbours, near and far, all lie below the refit."""
    seen = _coded()
    best = code_emission.even(2, 4, pseudo=0.3).refit(*seen)
    rng = np.random.default_rng(1)

    for scale in np.geomspace(1e-4, 1.0, 500):
        shares = np.exp(best.log_b + scale * rng.standard_normal((2, 4)))
        other = best._replace(log_b=np.log(shares / shares.sum(axis=1, keepdims=True)))
        assert _objective(other, seen) <= _objective(best, seen) + 1e-12


@pytest.mark.parametrize("shape", ["diagonal", "full"])
def test_no_other_gaussian_has_a_greater_objective(shape: str) -> None:
    """500 neighbours in mean and covariance all lie below the refit."""
    seen = _featured()
    features, lengths, _ = seen
    form = gaussian_emission.pooled(features, lengths, 2, shape=shape)  # type: ignore[arg-type]
    best = form.refit(*seen)
    rng = np.random.default_rng(2)

    for scale in np.geomspace(1e-4, 0.3, 500):
        factor = np.eye(2) + scale * rng.standard_normal((2, 2, 2))
        if shape == "diagonal":
            factor *= np.eye(2)
        other = best._replace(
            mean=best.mean + scale * rng.standard_normal((2, 2)),
            covariance=factor @ best.covariance @ factor.transpose(0, 2, 1),
        )
        assert _objective(other, seen) <= _objective(best, seen) + 1e-12


@pytest.mark.parametrize("shape", ["diagonal", "full"])
def test_gaussian_densities_are_scipys(shape: str) -> None:
    """Log densities equal scipy's multivariate normal to 1e-12."""
    features, lengths, weights = _featured()
    form = gaussian_emission.pooled(features, lengths, 2, shape=shape)  # type: ignore[arg-type]
    emission = form.refit(features, lengths, weights)

    found = emission.log_lik(features, lengths)

    for k in range(2):
        law = stats.multivariate_normal(emission.mean[k], emission.covariance[k])
        np.testing.assert_allclose(found[0, :, k], law.logpdf(features[0]), rtol=1e-12)
    assert not found[1, 4:].any()


def test_one_frame_does_not_pull_a_gaussian_to_a_point() -> None:
    """A state of one frame keeps half of the pooled covariance."""
    features, lengths, _ = _featured()
    weights = np.zeros((3, 9, 2))
    weights[0, 0, 0] = 1.0
    form = gaussian_emission.pooled(features, lengths, 2)

    found = form.refit(features, lengths, weights)

    assert (
        np.diagonal(found.covariance[0]) >= 0.5 * np.diagonal(form.prior.covariance)
    ).all()
    np.testing.assert_allclose(found.covariance[1], form.prior.covariance, rtol=1e-12)
    np.testing.assert_allclose(found.mean[1], form.prior.mean, rtol=1e-12)


def test_draws_have_the_shares_they_are_drawn_from() -> None:
    """Of 20,000 codes each share is within 5 standard errors; so are means."""
    rng = np.random.default_rng(3)
    states = np.arange(40_000).reshape(4, -1) % 2
    coded = CodeEmission(np.log([[0.1, 0.2, 0.7], [0.5, 0.3, 0.2]]), np.zeros(3))
    features, lengths, weights = _featured()
    gauss = gaussian_emission.pooled(features, lengths, 2, shape="full").refit(
        features, lengths, weights
    )

    codes, drawn = coded.draw(states, rng), gauss.draw(states, rng)

    assert codes.shape == states.shape
    for k in range(2):
        shares = np.bincount(codes[states == k], minlength=3) / 20_000
        truth = np.exp(coded.log_b[k])
        assert (
            np.abs(shares - truth) < 5 * np.sqrt(truth * (1 - truth) / 20_000)
        ).all()
        error = np.sqrt(np.diagonal(gauss.covariance[k]) / 20_000)
        assert (
            np.abs(drawn[states == k].mean(axis=0) - gauss.mean[k]) < 5 * error
        ).all()


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        (np.array([[0, 4]]), "codes hold 4 at sequence 0, frame 1: codes are 0 .. 3"),
        (np.array([[-1, 0]]), "codes hold -1 at sequence 0, frame 0"),
        (np.array([[0.0, 1.0]]), r"found float64 \(1, 2\)"),
        (np.array([0, 1]), r"found int64 \(2,\)"),
    ],
    ids=["too large", "negative", "float", "one axis"],
)
def test_what_is_no_code_is_named(codes: Array, says: str) -> None:
    """Value, place and range are in the message."""
    with pytest.raises(ValueError, match=says):
        code_emission.even(2, 4).log_lik(codes, np.array([2]))


def test_features_that_are_not_numbers_are_named() -> None:
    """A nan inside is refused with its place, one in the padding is not looked at."""
    features, lengths, _ = _featured()
    form = gaussian_emission.pooled(features, lengths, 2)
    padded = features.copy()
    padded[1, 5] = np.nan
    form.log_lik(padded, lengths)
    features[2, 3, 1] = np.nan

    with pytest.raises(ValueError, match="nan at sequence 2, frame 3, feature 1"):
        form.log_lik(features, lengths)


def test_a_gaussian_without_prior_or_spread_is_refused() -> None:
    """Both have an infinite likelihood, and each is named."""
    features, lengths, _ = _featured()
    still = features.copy()
    still[..., 1] = 7.0

    with pytest.raises(ValueError, match="no maximum"):
        gaussian_emission.pooled(features, lengths, 2, strength=0.0)
    with pytest.raises(ValueError, match="feature 1 never changes"):
        gaussian_emission.pooled(still, lengths, 2)


@settings(max_examples=25, deadline=None)
@given(
    dtype=st.sampled_from([np.int8, np.uint16, np.int32, np.int64]),
    n_states=st.integers(1, 3),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 5)),
)
def test_codes_of_any_integer_and_order_are_looked_up(
    dtype: type[np.int8], n_states: int, shape: tuple[int, int]
) -> None:
    """The table's entry comes back for each frame, in C and in Fortran order."""
    rng = np.random.default_rng(4)
    emission = CodeEmission(np.log(rng.dirichlet(np.ones(6), n_states)), np.zeros(6))
    codes = np.asfortranarray(rng.integers(0, 6, shape).astype(dtype))

    found = emission.log_lik(codes, np.full(shape[0], shape[1]))

    for n, t in np.ndindex(*shape):
        np.testing.assert_array_equal(found[n, t], emission.log_b[:, codes[n, t]])


def test_states_of_padding_are_drawn_as_zero() -> None:
    """-1 marks what lies past a record's end: nothing of other memory shows there."""
    states, rng = np.array([[0, 1, -1], [1, -1, -1]]), np.random.default_rng(2)
    features, lengths, _ = _featured()

    codes = code_emission.even(2, 3).draw(states, rng)
    drawn = gaussian_emission.pooled(features, lengths, 2).draw(states, rng)

    assert not codes[states < 0].any()
    assert not drawn[states < 0].any()
    assert drawn[states >= 0].all()


def test_no_frames_refit_to_the_prior() -> None:
    """Records without frames add nothing: codes fall back on the made-up frames."""
    none = np.zeros(2, dtype=np.int64)

    found = code_emission.even(2, 4).refit(
        np.zeros((2, 5), dtype=np.int64), none, np.zeros((2, 5, 2))
    )

    np.testing.assert_allclose(np.exp(found.log_b), 0.25)


def test_a_gaussian_of_nothing_or_of_sums_is_refused() -> None:
    """No frames, no states, an unknown shape, a feature that is a sum of others."""
    features, lengths, _ = _featured()
    summed = np.concatenate([features, features.sum(axis=2, keepdims=True)], axis=2)
    pooled = gaussian_emission.pooled

    with pytest.raises(ValueError, match="lengths are all 0"):
        pooled(features, 0 * lengths, 2)
    with pytest.raises(ValueError, match="n_states is 0"):
        pooled(features, lengths, 0)
    with pytest.raises(ValueError, match="shape 'round'"):
        pooled(features, lengths, 2, shape="round")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="features are sums of each other"):
        pooled(summed, lengths, 2, shape="full")
    assert pooled(summed, lengths, 2).mean.shape == (2, 3)
