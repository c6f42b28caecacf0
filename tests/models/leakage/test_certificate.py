"""A split that leaks cannot produce an accuracy."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from models import chance
from models.leakage import scale
from models.leakage.certificate import Certificate, Leak, certify, judged
from models.leakage.provenance import provenance
from models.leakage.split import Part, Split, part

Windows = npt.NDArray[np.float32]


def windows(stream: int, n_windows: int = 6) -> Windows:
    """Draw windows (B, 9, 2, 20)."""
    rng = chance.stream(stream, "windows")
    return rng.normal(2.0, 3.0, size=(n_windows, 9, 2, 20)).astype(np.float32)


def of(subject: str, drawn: Windows, stream: str = "") -> Part:
    """Describe windows of one subject."""
    n_windows = len(drawn)
    start = 20 * np.arange(n_windows)
    names = [subject] * n_windows
    return part(
        drawn, provenance(names, names, start, start + 20, [stream] * n_windows)
    )


TRAIN, CALIBRATE, TEST = windows(1), windows(2), windows(3)
CLEAN = Split(of("a", TRAIN), of("b", CALIBRATE), of("c", TEST))


def test_a_clean_split_gives_an_accuracy() -> None:
    """On the rows that were certified; what is not labelled is not judged."""
    labels, guesses = np.array([0, 1, 2, -1, 1, 1]), np.array([0, 1, 1, 1, 1, 0])

    found = judged(certify(CLEAN), TEST, labels, guesses)

    assert found.accuracy == 3 / 5
    assert found.claim == "subjects that were never seen"


def test_the_same_seed_for_train_and_test_gives_none() -> None:
    """One generator, one seed, the same windows: all is said at once."""
    again = of("c", windows(1), stream="behaviour/42")
    leaky = CLEAN._replace(train=of("a", TRAIN, stream="behaviour/42"), test=again)

    with pytest.raises(Leak) as caught:
        certify(leaky)

    said = str(caught.value).splitlines()
    assert said[0] == "the split leaks:"
    assert said[1].startswith("stream 'behaviour/42' is in train (6 windows)")
    assert said[2].startswith("6 windows of test hold frames that are in train too")


def test_no_certificate_can_be_made_by_hand() -> None:
    """Nor can one be changed into another."""
    known = certify(CLEAN)

    with pytest.raises(TypeError, match="given by certify"):
        Certificate(known.train, known.calibrate, known.test, known.claim, None)
    with pytest.raises(ValueError, match="must be specified"):
        dataclasses.replace(known, test="other")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "rows",
    [
        TRAIN,
        CALIBRATE,
        TEST[:5],
        TEST[::-1],
        np.concatenate([TEST, TEST]),
        TEST.reshape(6, 2, 9, 20),
    ],
    ids=["train", "calibrate", "fewer", "reversed", "twice", "another shape"],
)
def test_only_the_certified_rows_are_judged(rows: Windows) -> None:
    """All of test, once, in order; labels could not be told apart otherwise."""
    labels = np.zeros(len(rows), dtype=np.int64)

    with pytest.raises(Leak, match="not the certified ones of test"):
        judged(certify(CLEAN), rows, labels, labels)


def test_each_part_is_vouched_for_and_no_other() -> None:
    """Who learns or calibrates can ask whether it holds what it may."""
    known = certify(CLEAN)

    known.vouch("train", TRAIN)
    known.vouch("calibrate", CALIBRATE)
    known.vouch("test", np.asfortranarray(TEST))
    with pytest.raises(Leak, match="not the certified ones of calibrate"):
        known.vouch("calibrate", TEST)


def test_frames_are_judged_one_by_one() -> None:
    """Labels (B, T), of which half are known."""
    labels = np.tile([1, -1], (6, 10))

    found = judged(certify(CLEAN), TEST, labels, np.ones_like(labels))

    assert found.accuracy == 1.0


def test_an_empty_part_judges_nothing() -> None:
    """No test rows, no accuracy; calibration may be left out."""
    nobody = of("nobody", TEST[:0])

    certify(CLEAN._replace(calibrate=nobody))
    with pytest.raises(Leak, match="holds no window"):
        certify(CLEAN._replace(test=nobody))
    with pytest.raises(Leak, match="holds no window"):
        certify(CLEAN._replace(train=nobody))


def test_a_scale_that_saw_the_test_rows_is_a_leak() -> None:
    """Means and deviations of all data carry what test looks like into train."""
    certify(CLEAN, scale.fitted(TRAIN))

    with pytest.raises(Leak, match="scale was fitted on other windows"):
        certify(CLEAN, scale.fitted(np.concatenate([TRAIN, TEST])))


def test_a_scale_brings_train_to_standard_units() -> None:
    """Mean 0 and deviation 1 for each channel, to float32; test with the same scale."""
    known = scale.fitted(TRAIN)

    found = known.applied(TRAIN)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(axis=(0, 3)), 0.0, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=(0, 3)), 1.0, atol=1e-6)
    # float32 holds 3e-7 of a reading near 3 deviations from a mean of 2 / 3.
    back = known.applied(TEST) * known.deviation[..., None] + known.mean[..., None]
    np.testing.assert_allclose(back, TEST, atol=1e-5)


def test_a_channel_that_never_moves_has_no_scale() -> None:
    """It is named, and not divided by zero."""
    still = TRAIN.copy()
    still[:, 4, 1] = 0.1

    with pytest.raises(ValueError, match="channel 4 at place 1 never moves"):
        scale.fitted(still)
    with pytest.raises(ValueError, match="wanted"):
        scale.fitted(TRAIN).applied(TRAIN[:, :3])


def test_a_channel_that_moves_little_on_top_of_much_has_a_scale() -> None:
    """A pressure of 100,000 that wavers by a hundredth: that is all it has to say."""
    high = TRAIN.copy()
    high[:, 4, 1] = 1e5
    high[::2, 4, 1] += np.float32(1 / 64)

    found = scale.fitted(high).applied(high)

    np.testing.assert_allclose(np.abs(found[:, 4, 1]), 1.0, rtol=1e-6)


def test_lists_are_taken_as_arrays() -> None:
    """Of a hurried caller: the same accuracy."""
    labels = [0, 1, 2, -1, 1, 1]

    found = judged(certify(CLEAN), TEST, labels, labels)  # type: ignore[arg-type]

    assert found.accuracy == 1.0


def test_what_cannot_be_judged_is_refused() -> None:
    """Labels of other rows, types or shapes."""
    good, known = np.zeros(6, dtype=np.int64), certify(CLEAN)

    with pytest.raises(ValueError, match="labels have 5 rows: wanted 6"):
        judged(known, TEST, good[:5], good)
    with pytest.raises(ValueError, match="predictions have type float64"):
        judged(known, TEST, good, good + 0.5)
    with pytest.raises(ValueError, match=r"shape \(6,\) and predictions \(6, 20\)"):
        judged(known, TEST, good, np.zeros((6, 20), dtype=int))
    with pytest.raises(ValueError, match="hold no label"):
        judged(known, TEST, good - 1, good)
