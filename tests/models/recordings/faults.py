"""Ways in which what was never measured would look measured."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="a long gap is bridged",
        file="recordings/pieces.py",
        ours="np.diff(self.times) > whole * (1.0 + 1e-9)",
        theirs="np.diff(self.times) > whole * 100.0",
        test="recordings/test_pieces.py::test_a_long_gap_parts_and_a_short_one_is_bridged",
    ),
    Fault(
        says="what was bridged looks measured",
        file="recordings/pieces.py",
        ours="bridged |= _between",
        theirs="_between",
        test="recordings/test_pieces.py::test_a_long_gap_parts_and_a_short_one_is_bridged",
    ),
    Fault(
        says="the rate is lowered without a filter",
        file="recordings/pieces.py",
        ours="taps = signal.firwin(n_taps, cutoff,",
        theirs="taps = 0.0 ** abs(np.arange(n_taps) - n_taps // 2)\n"
        "    signal.firwin(n_taps, cutoff,",
        test="recordings/test_pieces.py::test_what_is_fast_does_not_come_back_as_slow",
    ),
    Fault(
        says="the filter delays what it smooths",
        file="recordings/pieces.py",
        ours="centre = int(number[0]) + n_taps // 2",
        theirs="centre = int(number[0]) + n_taps - 1",
        test="recordings/test_pieces.py::test_what_is_slow_keeps_its_amplitude_and_phase",
    ),
    Fault(
        says="the filter reads beyond the ends of a piece",
        file="recordings/pieces.py",
        ours='mode="valid"',
        theirs='mode="same"',
        test="recordings/test_pieces.py::test_a_constant_stays_that_constant",
    ),
    Fault(
        says="a gap in one channel does not count",
        file="recordings/pieces.py",
        ours="[channel.stretches(whole) for channel in channels]",
        theirs="[channel.stretches(whole) for channel in channels[:1]]",
        test="recordings/test_pieces.py::test_a_gap_in_one_channel_is_a_gap_in_all",
    ),
    Fault(
        says="each device has a grid of its own",
        file="recordings/pieces.py",
        ours="times = (clock or Clock()).common(read.times)",
        theirs="times = read.times",
        test="recordings/test_pieces.py::test_devices_of_other_rates_and_clocks_meet_on_one_grid",
    ),
    Fault(
        says="a clock that is not a number loses the recording in silence",
        file="recordings/pieces.py",
        ours="    if not (steps > 0.0).all():",
        theirs="    if (steps <= 0.0).any():",
        test="recordings/test_pieces.py::test_a_clock_that_does_not_go_forward_gives_no_piece",
    ),
    Fault(
        says="an empty list of labels passes for none given",
        file="recordings/windows.py",
        ours="    if said is None:",
        theirs="    if not said:",
        test="recordings/test_windows.py::test_what_gives_no_windows_is_refused",
    ),
    Fault(
        says="declared units are believed",
        file="recordings/units.py",
        ours="        _check_norm(read, acceleration, norm, rest)\n",
        theirs="",
        test="recordings/test_units.py::test_metres_declared_as_g_are_refused",
    ),
    Fault(
        says="labels are interpolated",
        file="recordings/labels.py",
        ours="labels[order][nearest].astype(np.int64)",
        theirs="np.interp(frames_s, known, labels[order]).astype(np.int64)",
        test="recordings/test_windows.py::test_labels_are_those_of_the_nearest_time",
    ),
    Fault(
        says="a window over a change has the label of its first frame",
        file="recordings/labels.py",
        ours="np.where(wins & (middle >= 0), middle, UNLABELLED)",
        theirs="labels[:, 0]",
        test="recordings/test_windows.py::test_a_window_over_a_change_has_the_label_of_most",
    ),
    Fault(
        says="a window does not know which frames it holds",
        file="recordings/windows.py",
        ours="bridged, piece.first + start",
        theirs="bridged, start",
        test="recordings/test_windows.py::test_windows_are_what_the_network_reads",
    ),
    Fault(
        says="a row that goes back in time counts as the latest",
        file="recordings/findings.py",
        ours="latest = np.maximum.accumulate(read.times)",
        theirs="latest = read.times",
        test="recordings/test_findings.py::test_gaps_repeats_and_steps_back_are_found",
    ),
)
