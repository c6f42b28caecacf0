"""How the body moves: blended, unbroken, and ignorant of names."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from models.chance import stream
from models.synthetic import motion
from models.synthetic.bouts import Bouts
from models.synthetic.gestures import GESTURE, Track
from models.synthetic.world import world

KNOWN = world()
CALM = KNOWN._replace(drift=np.zeros(10))


def _bouts(*names: str, n_frames: int = 300) -> Bouts:
    """Give bouts of equal length, each done as is usual."""
    states = np.array([KNOWN.names.index(name) for name in names], dtype=np.int64)
    starts = np.arange(len(names), dtype=np.int64) * n_frames
    lengths = np.full(len(names), n_frames, dtype=np.int64)
    return Bouts(states, starts, lengths, KNOWN.usual[states])


def _steady(**numbers: float) -> Track:
    """Give a gesture that never changes, for 20 s, at rest but for `numbers`."""
    rest = {**dict.fromkeys(GESTURE, 0.0), "bounce": -9.0, "rock": -9.0, "nod": -9.0}
    return Track(**{name: np.full(2000, v) for name, v in {**rest, **numbers}.items()})


def test_the_past_does_not_know_what_comes_next() -> None:
    """Before a change point the track is what it would be without the change."""
    bouts = _bouts("lie", "trot")
    other = bouts._replace(gestures=KNOWN.usual[[2, 9]])

    one, two = (
        np.stack(motion.track(KNOWN, b, stream(1, "m"))) for b in (bouts, other)
    )

    assert (one[:, :300] == two[:, :300]).all()
    assert (one[:, 301] != two[:, 301]).any()


def test_the_past_is_forgotten_after_the_blend() -> None:
    """A bout leaves nothing behind once `blend` frames of the next have passed."""
    bouts = _bouts("lie", "trot")
    other = bouts._replace(gestures=KNOWN.usual[[9, 7]])

    one, two = (
        np.stack(motion.track(KNOWN, b, stream(1, "m"))) for b in (bouts, other)
    )

    # Running sums of 600 numbers below 10 keep 1e-12.
    after = 300 + KNOWN.blend
    assert one[:, after:] == pytest.approx(two[:, after:], abs=1e-11)


def test_the_devices_forget_within_the_reach() -> None:
    """What they go through depends on what was done before the view no more.

    But for the stride's phase and the heading, which begin anywhere: strides here are
    the same, and headings go on some angle apart. A gyroscope looks back by one frame
    more, so all of it holds from one frame before the reach's end.
    """
    bouts = _bouts("lie", "trot")
    bold = bouts.gestures + np.outer([1.0, 0.0], np.array(GESTURE) != "cadence")

    one, two = (
        motion.move(KNOWN, motion.track(KNOWN, b, stream(1, "m")), 1.3, stream(2, "m"))
        for b in (bouts, bouts._replace(gestures=bold))
    )

    after = slice(300 + KNOWN.reach - 1, None)
    apart = (two.angles - one.angles)[..., after]
    assert two.push[..., after] == pytest.approx(one.push[..., after], abs=1e-9)
    assert np.abs(apart[:, :2]).max() < 1e-9
    assert np.abs(apart[:, 2, 0]).min() > 0.1
    assert np.abs(apart[:, 2] - apart[:, 2, :1]).max() < 1e-9


def test_nobody_jumps_from_lying_to_trotting() -> None:
    """No number moves by more than its change over half the blend in one frame."""
    at = np.stack(motion.track(CALM, _bouts("lie", "trot"), stream(1, "m")))

    change = np.abs(KNOWN.usual[7] - KNOWN.usual[2])
    steps = np.abs(np.diff(at, axis=1)).max(axis=1)
    assert (steps <= change / (KNOWN.blend // 2) + 1e-9).all()
    assert at[:, -1] == pytest.approx(KNOWN.usual[7])


def test_names_are_not_looked_at() -> None:
    """Whoever calls the bouts otherwise gets the same motion: gestures alone count."""
    bouts = _bouts("walk", "trot", "sit")
    renamed = bouts._replace(states=np.array([4, 5, 9]))

    one, two = (motion.track(KNOWN, b, stream(1, "m")) for b in (bouts, renamed))

    assert np.array_equal(np.stack(one), np.stack(two))


def test_the_wandering_is_the_same_whatever_is_done() -> None:
    """Track less its calm part does not depend on the bouts."""
    gaps = []
    for names in (("walk", "trot"), ("lie", "rest")):
        tracks = (
            motion.track(k, _bouts(*names), stream(1, "m")) for k in (KNOWN, CALM)
        )
        wild, calm = (np.stack(each) for each in tracks)
        gaps.append(wild - calm)

    assert gaps[0] == pytest.approx(gaps[1], abs=1e-11)


@pytest.mark.parametrize(("share", "beats"), [(9.0, 1.0), (-9.0, 2.0)])
def test_a_gait_beats_once_or_twice_a_stride(share: float, beats: float) -> None:
    """A gallop's push has the stride's rate, a trot's has twice that."""
    at = _steady(cadence=float(np.log(2.0)), bounce=0.0, share=share)

    up = motion.move(KNOWN, at, 1.3, stream(1, "m")).push[0, 2]

    spectrum = np.abs(np.fft.rfft(up - up.mean()))
    assert np.fft.rfftfreq(2000, 0.01)[spectrum.argmax()] == pytest.approx(2.0 * beats)


@pytest.mark.parametrize("lag", [0.0, 0.1, 0.25])
def test_the_hind_end_lags_behind_the_front(lag: float) -> None:
    """By the gait's lag and the body's 20 ms, within the width of a frame."""
    at = _steady(cadence=0.0, bounce=0.0, share=9.0, lag=lag)

    up = motion.move(KNOWN, at, 1.3, stream(1, "m")).push[:, 2]

    front, hind = np.fft.rfft(up)[:, 20]
    late = np.angle(front * np.conj(hind)) / (2.0 * np.pi)
    assert late == pytest.approx(lag + 0.02, abs=0.005)


def test_the_phase_goes_on_through_a_change_of_gait() -> None:
    """A stride is never cut: angles move by no more than rates allow."""
    at = motion.track(CALM, _bouts("walk", "trot", "gallop", "trot"), stream(1, "m"))

    angles = motion.move(CALM, at, 1.3, stream(2, "m")).angles

    # Fastest: 0.15 rad of nod at 2.7 strides a second, and posture over the blend.
    assert np.abs(np.diff(angles, axis=-1)).max() < 0.15 * 2 * np.pi * 2.7 / 100 + 0.02


def test_the_back_turns_after_the_collar() -> None:
    """The heading of the back is the collar's, `follow` frames earlier."""
    at = motion.track(CALM, _bouts("walk", "turn"), stream(1, "m"))
    quiet = at._replace(rock=np.full_like(at.rock, -40.0))

    heading = motion.move(CALM, quiet, 1.3, stream(2, "m")).angles[:, 2]

    late = KNOWN.follow
    assert heading[1, late:] == pytest.approx(heading[0, :-late], abs=1e-12)


@pytest.mark.parametrize("edge", [0.5, 1.3, 3.0])
def test_a_footfall_has_mean_zero_and_deviation_one(edge: float) -> None:
    """By integrating over the phase; so `bounce` is the size of what it names."""
    moments = [
        integrate.quad(
            lambda x, n=n: motion.footfall(np.cos(x), edge) ** n / (2 * np.pi),
            0,
            2 * np.pi,
        )[0]
        for n in (1, 2)
    ]

    assert moments == pytest.approx([0.0, 1.0], abs=1e-8)
