"""What the originals' smoothing got wrong, and slips that would be as quiet."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="0011 at dwell 5 becomes 1100",
        file="temporal/dwell.py",
        ours="return read.filled(known.named(codes, read.row))\n\n\ndef best_posterior",
        theirs=(
            "flipped = known.codes.max(initial=0) - known.codes\n"
            "    codes = flipped if read.flat.size < dwell else codes\n"
            "    return read.filled(known.named(codes, read.row))\n\n\n"
            "def best_posterior"
        ),
        test="temporal/test_dwell.py::test_two_halves_under_a_dwell_become_one_run_of_the_first",
    ),
    Fault(
        says="runs of merged shorts stay short",
        file="temporal/programme.py",
        ours="free = t + dwell",
        theirs="free = t + 1",
        test="temporal/test_dwell.py::test_the_invariants_hold_for_every_short_sequence",
    ),
    Fault(
        says="ties go to the smallest label",
        file="temporal/appearance.py",
        ours='.argsort(axis=1, kind="stable")\n    codes',
        theirs='.argsort(axis=1, kind="stable")\n    order.sort(axis=1)\n    codes',
        test="temporal/test_dwell.py::test_renaming_the_labels_renames_the_answer",
    ),
    Fault(
        says="the min dwell is one pass over the labels before smoothing",
        file="temporal/median.py",
        ours="            steady, self.min_dwell",
        theirs="            labels, self.min_dwell",
        test="temporal/test_median.py::test_the_policy_smooths_before_it_judges_runs",
    ),
    Fault(
        says="a run may have a label that none of its frames had",
        file="temporal/programme.py",
        ours="after = np.full(settled.shape, -np.inf)",
        theirs="after = np.full(settled.shape, 0.0)",
        test="temporal/test_posterior.py::test_the_best_posterior_keeps_the_invariants",
    ),
    Fault(
        says="the mode counts in windows that the ends cut off",
        file="temporal/majority.py",
        ours="read.row, window_size) > half",
        theirs="read.row, window_size) > half - 1",
        test="temporal/test_median.py::test_no_majority_adds_a_transition_or_a_label",
    ),
    Fault(
        says="a transition costs as much as a change",
        file="temporal/dwell.py",
        ours="len(asked.source) + 1.0, 0.0)",
        theirs="1.0, 0.0)",
        test="temporal/test_dwell.py::test_it_is_the_optimum_of_every_short_sequence",
    ),
    Fault(
        says="a row is cut where the answer is not yet certain",
        file="temporal/pieces.py",
        ours="CERTAIN = 4 ",
        theirs="CERTAIN = 1 ",
        test="temporal/test_dwell.py::test_cutting_at_long_runs_changes_nothing",
    ),
    Fault(
        says="a row of posteriors is cut where one run may reach across",
        file="temporal/dwell.py",
        ours="start = begins(rows_of_all, rows_of_all)",
        theirs="start = cuts(codes, rows_of_all, dwell)",
        test="temporal/test_posterior.py::test_the_best_posterior_reaches_across_a_long_run",
    ),
    Fault(
        says="a state is left as soon as another may be entered",
        file="temporal/hysteresis.py",
        ours="kept = frames >= leave",
        theirs="kept = frames >= 2.0 * leave",
        test="temporal/test_hysteresis.py::test_it_is_the_definition",
    ),
    Fault(
        says="votes are counted across the end of a row",
        file="temporal/majority.py",
        ours=" & (row[back:] == row[:-back])",
        theirs="",
        test="temporal/test_median.py::test_a_row_does_not_vote_in_the_next",
    ),
    Fault(
        says="labels are smoothed across a gap in a recording",
        file="temporal/stretches.py",
        ours="~(is_same & (step == hop))",
        theirs="~is_same",
        test="temporal/test_stretches.py::test_a_gap_and_another_recording_begin_a_stretch",
    ),
)
