"""What was measured reaches the grid unharmed, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import chance
from models.recordings.clocks import Clock, fitted, lag_s
from models.recordings.device import Device, device
from models.recordings.pieces import Piece, pieces
from models.recordings.together import together
from models.shapes import Array


def read(times: Array, readings: Array) -> Device:
    """Read channels of no unit."""
    table = readings[:, None] if readings.ndim == 1 else readings
    names = tuple(f"c{i}" for i in range(table.shape[1]))
    return device("x", times, table, names, ("1",) * len(names))


def sine(
    hz: float, rate_hz: float, seconds: float = 20.0, jitter: float = 0.0
) -> Device:
    """Measure a sine of amplitude 1 with a clock whose steps vary."""
    times = np.arange(0.0, seconds, 1.0 / rate_hz)
    shake = chance.stream(1, "jitter").uniform(-jitter, jitter, len(times))
    times = times + shake / rate_hz
    return read(times, np.sin(2 * np.pi * hz * times))


def error(piece: Piece, hz: float, rate_hz: float) -> float:
    """Give the largest distance from the true sine, away from a spline's ends."""
    times = (piece.first + np.arange(len(piece.frames))) / rate_hz
    return float(
        np.abs(piece.frames[:, 0] - np.sin(2 * np.pi * hz * times))[20:-20].max()
    )


@pytest.mark.parametrize("old_hz", [52.0, 100.0, 104.0, 208.0, 333.0, 1000.0])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_what_is_slow_keeps_its_amplitude_and_phase(
    old_hz: float, share: float
) -> None:
    """Up to 0.4 of the new rate and 0.2 of the old, to 1 % of the amplitude."""
    hz = min(share * 100.0, 0.2 * old_hz)

    (found,) = pieces(sine(hz, old_hz), 100.0)

    # 0.5 % for the amplitude, and as much for the images that a spline leaves.
    assert error(found, hz, 100.0) < 0.01


@pytest.mark.parametrize("hz", [60.0, 77.0, 90.0, 99.0, 130.0, 180.0])
def test_what_is_fast_does_not_come_back_as_slow(hz: float) -> None:
    """From 0.6 of the new rate on 60 dB down: a thousandth, and the spline's 0.2 %."""
    (found,) = pieces(sine(hz, 1000.0), 100.0)

    assert np.abs(found.frames).max() < 3e-3


def test_an_uneven_clock_does_no_harm() -> None:
    """Steps that vary by 40 %, at frequencies well below the rate."""
    (found,) = pieces(sine(5.0, 100.0, jitter=0.2), 100.0)

    # A cubic spline errs by 5/384 h^4 w^4 at most: h = 14 ms and w = 31 rad/s here.
    assert error(found, 5.0, 100.0) < 5.0 / 384.0 * (0.014 * 31.42) ** 4
    assert not found.bridged.any()


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0, 120.0])
def test_a_constant_stays_that_constant(rate_hz: float) -> None:
    """The filter's taps sum to one."""
    (found,) = pieces(read(np.arange(0.0, 5.0, 0.01), np.full(500, 3.5)), rate_hz)

    np.testing.assert_allclose(found.frames, 3.5, rtol=1e-12)


def test_frames_lie_on_the_grid_of_the_common_clock() -> None:
    """A ramp reads its own time, through an offset and a pace."""
    times = np.arange(0.0, 10.0, 0.01)
    clock = Clock(offset_s=-3.0037, pace=1.0001)

    (found,) = pieces(read(times, clock.common(times)), 50.0, clock=clock)

    wanted = (found.first + np.arange(len(found.frames))) / 50.0
    np.testing.assert_allclose(found.frames[:, 0], wanted, atol=1e-9)
    assert found.first < 0


def test_a_long_gap_parts_and_a_short_one_is_bridged() -> None:
    """Nothing lies in the long gap; what lies in the short one says so."""
    times = np.arange(0.0, 6.0, 0.01)
    kept = ((times < 2.0) | (times >= 2.5)) & ((times < 4.0) | (times >= 4.04))

    found = pieces(read(times[kept], times[kept]), 100.0, bridge_s=0.1)

    assert [(p.first, len(p.frames)) for p in found] == [(0, 200), (250, 350)]
    bridged = found[1].first + np.flatnonzero(found[1].bridged)
    np.testing.assert_array_equal(bridged, [399, 400, 401, 402, 403, 404])
    assert not found[0].bridged.any()
    np.testing.assert_allclose(found[1].frames[:, 0], times[250:], atol=1e-9)


def test_a_gap_in_one_channel_is_a_gap_in_all() -> None:
    """A frame counts where every channel was measured."""
    readings = chance.stream(2, "readings").normal(size=(300, 3))
    readings[100:150, 1] = np.nan
    readings[:10, 2] = np.nan

    found = pieces(read(np.arange(300) / 100.0, readings), 100.0)

    assert [(p.first, len(p.frames)) for p in found] == [(10, 90), (150, 150)]
    np.testing.assert_allclose(found[0].frames, readings[10:100], atol=1e-9)
    np.testing.assert_allclose(found[1].frames, readings[150:], atol=1e-9)


@settings(deadline=None)
@given(
    gone=st.lists(st.tuples(st.integers(0, 190), st.integers(1, 40)), max_size=4),
    old_hz=st.sampled_from([100.0, 250.0]),
    bridge_s=st.sampled_from([0.0, 0.05, 0.2]),
)
def test_no_frame_stands_where_nothing_was_measured(
    gone: list[tuple[int, int]], old_hz: float, bridge_s: float
) -> None:
    """Each frame has readings on both sides that are no further apart than allowed."""
    kept = np.ones(200, dtype=np.bool_)
    for first, n_rows in gone:
        kept[first : first + n_rows] = False
    times = (np.arange(200) / old_hz)[kept]

    found = pieces(read(times, np.cos(times)), 100.0, bridge_s=bridge_s)

    for piece in found:
        at = (piece.first + np.arange(len(piece.frames))) / 100.0
        behind = np.clip(np.searchsorted(times, at - 1e-6), 0, len(times) - 1)
        before = np.searchsorted(times, at + 1e-6, side="right") - 1
        assert (before >= 0).all()
        apart = times[behind] - times[before]
        assert (apart <= max(bridge_s, 1.5 / old_hz) + 1e-9).all()
        assert piece.bridged[apart > 1.6 / old_hz].all()


@pytest.mark.parametrize("n_rows", [0, 1])
def test_almost_nothing_gives_no_piece(n_rows: int) -> None:
    """Nor does a device of which every reading is missing."""
    times = np.arange(float(n_rows))

    assert pieces(read(times, np.ones((n_rows, 2))), 10.0) == ()
    assert pieces(read(np.arange(9.0), np.full((9, 2), np.nan)), 1.0) == ()


def test_rows_out_of_order_are_refused() -> None:
    """They are found and taken away before, not sorted in silence."""
    with pytest.raises(ValueError, match=r"row 2: its time, 1.0, does not come"):
        pieces(read(np.array([0.0, 2.0, 1.0]), np.ones(3)), 1.0)
    with pytest.raises(ValueError, match="rate_hz is 0"):
        pieces(read(np.arange(3.0), np.ones(3)), 0.0)


def test_devices_of_other_rates_and_clocks_meet_on_one_grid() -> None:
    """Both read the same ramp of common time; where one has a hole there is nothing."""
    clock = Clock(offset_s=0.5, pace=1.001)
    own = np.arange(0.0, 8.0, 0.005)
    other = np.arange(1.0, 9.0, 0.01)
    other = other[(other < 4.0) | (other >= 5.0)]

    found = together(
        pieces(read(own, clock.common(own)), 100.0, clock=clock),
        pieces(read(other, other), 100.0),
    )

    assert len(found) == 2
    for piece in found:
        times = (piece.first + np.arange(len(piece.frames))) / 100.0
        np.testing.assert_allclose(piece.frames[:, 0, 0], times, atol=1e-6)
        np.testing.assert_allclose(piece.frames[:, 0, 1], times, atol=1e-6)
    assert found[0].first + len(found[0].frames) == 400
    assert found[1].first == 500


def test_devices_that_never_met_have_nothing_together() -> None:
    """One morning and one evening; or one that measured nothing."""
    times = np.arange(0.0, 2.0, 0.01)
    morning, evening = (
        pieces(read(times + shift, times), 100.0) for shift in (0.0, 9.0)
    )

    assert together(morning, evening) == ()
    assert together(morning, ()) == ()
    with pytest.raises(ValueError, match=r"have \[1, 2\] channels"):
        together(morning, pieces(read(times, np.stack([times, times], 1)), 100.0))


def test_a_clock_is_fitted_to_what_both_saw() -> None:
    """Exactly, where it is a line; one event gives the offset; the rest is told."""
    own = np.array([1.0, 100.0, 3600.0])

    found = fitted(own, 7.25 + 1.0002 * own)

    assert found.pace == pytest.approx(1.0002, abs=1e-12)
    assert found.offset_s == pytest.approx(7.25, abs=1e-9)
    assert found.residual_s < 1e-9
    assert fitted(own[:1], own[:1] + 3.0) == Clock(3.0, 1.0, 0.0)
    assert fitted(own, own + np.array([0.0, 0.5, 0.0])).residual_s > 0.2
    with pytest.raises(ValueError, match="wanted"):
        fitted(own, own[:2])


@settings(deadline=None)
@given(st.integers(-40, 40))
def test_a_lag_is_found_to_a_part_of_a_frame(tenths: int) -> None:
    """A jolt that reached the other device later, by tenths of a frame."""
    times = np.arange(400) / 100.0
    lag = tenths / 1000.0

    def jolt(at: Array) -> Array:
        return np.exp(-0.5 * ((at - 2.0) / 0.03) ** 2)

    found = lag_s(jolt(times), jolt(times - lag), 100.0, longest_s=0.2)

    # A parabola through a bell of 4.2 frames is off by less than a fiftieth of one.
    assert found == pytest.approx(lag, abs=2e-4)


@pytest.mark.parametrize("pace", [0.0, -1.0, np.nan])
def test_a_clock_that_does_not_go_forward_gives_no_piece(pace: float) -> None:
    """By the row; not a number is not forward either."""
    times = np.arange(0.0, 1.0, 0.01)

    with pytest.raises(ValueError, match=r"row 1: its time, .* a clock that goes for"):
        pieces(read(times, times), 100.0, clock=Clock(pace=pace))
    with pytest.raises(ValueError, match=r"a pace of -1: a clock goes forward"):
        fitted(np.array([1.0, 2.0]), np.array([2.0, 1.0]))


STILL, MOVING = np.ones(9), np.sin(np.arange(9.0))


@pytest.mark.parametrize(
    ("one", "other", "rate_hz", "longest_s", "says"),
    [
        (STILL, MOVING, 100.0, 0.1, "must be finite and move"),
        (MOVING, np.full(9, np.nan), 100.0, 0.1, "must be finite and move"),
        (MOVING, MOVING, 0.0, 0.1, "rate_hz is 0.0 and longest_s 0.1"),
        (MOVING, MOVING, 100.0, np.inf, "rate_hz is 100.0 and longest_s inf"),
        (MOVING, MOVING[:8], 100.0, 0.1, "signals have shapes"),
    ],
)
def test_a_lag_that_nothing_shows_is_refused(
    one: Array, other: Array, rate_hz: float, longest_s: float, says: str
) -> None:
    """Two still signals agree at any lag, to the last rounding."""
    with pytest.raises(ValueError, match=says):
        lag_s(one, other, rate_hz, longest_s)


def test_nothing_has_nothing_together() -> None:
    """One device or more."""
    with pytest.raises(ValueError, match="wanted one or more"):
        together()
