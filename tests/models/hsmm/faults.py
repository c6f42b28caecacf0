"""Mistakes of the originals, and some of our own kind, as changes to models/hsmm."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="forward and backward messages never use the durations",
        file="hsmm/messages.py",
        ours="return sweep(Steps(weight.inner, weight.first, process.log_a), records)",
        theirs="return sweep(Steps(np.zeros_like(weight.inner), np.zeros_like("
        "weight.first), process.log_a), records)",
        test="hsmm/test_messages.py::test_durations_change_the_evidence",
    ),
    Fault(
        says="Viterbi never uses the durations",
        file="hsmm/viterbi.py",
        ours="    weight = weights(process, edges)\n",
        theirs="    weight = weights(process._replace(log_d=np.zeros_like("
        "process.log_d)), edges)\n",
        test="hsmm/test_viterbi.py::"
        "test_a_constant_record_is_cut_into_stays_of_the_likeliest_length",
    ),
    Fault(
        says="the log likelihood is log(sum(exp(alpha)) + 1e-10)",
        file="hsmm/messages.py",
        ours="rest + power * LOG_2 + records.best)",
        theirs="np.log(np.exp(rest + power * LOG_2 + records.best) + 1e-10))",
        test="hsmm/test_messages.py::test_durations_change_the_evidence",
    ),
    Fault(
        says="the evidence is of likelihoods made to sum to one over states",
        file="hsmm/records.py",
        ours="total = np.ascontiguousarray(best.T).sum(axis=1)",
        theirs="total = np.zeros(len(lasting))",
        test="hsmm/test_messages.py::"
        "test_a_constant_on_each_frame_is_added_to_the_evidence",
    ),
    Fault(
        says="Poisson durations are not shifted by one",
        file="hsmm/poisson.py",
        ours="more = self.mean - 1.0",
        theirs="more = self.mean",
        test="hsmm/test_durations.py::test_durations_begin_at_one_frame",
    ),
    Fault(
        says="negative binomial durations are not shifted by one",
        file="hsmm/negative_binomial.py",
        ours="more, shape = self.mean - 1.0, self.shape",
        theirs="more, shape = self.mean, self.shape",
        test="hsmm/test_durations.py::test_shape_one_is_geometric",
    ),
    Fault(
        says="the expected duration ignores the truncation",
        file="hsmm/durations.py",
        ours="shares = np.exp(log_d - logsumexp(log_d, axis=0))",
        theirs="shares = np.exp(log_d)",
        test="hsmm/test_durations.py::test_the_mean_within_a_table_knows_of_the_cut",
    ),
    Fault(
        says="a truncated law is renormalised in silence",
        file="hsmm/durations.py",
        ours='if truncate == "renormalise":',
        theirs="if truncate:",
        test="hsmm/test_durations.py::"
        "test_cutting_a_law_renormalises_nothing_in_silence",
    ),
    Fault(
        says="the HSMM returns zeros",
        file="hsmm/posterior.py",
        ours="occupied = np.clip(np.cumsum(gained, axis=0), 0.0, 1.0)",
        theirs="occupied = np.zeros_like(gained)",
        test="hsmm/test_posterior.py::test_occupancy_is_the_slope_of_the_evidence",
    ),
    Fault(
        says="what is decoded is a plain chain",
        file="hsmm/viterbi.py",
        ours="    weight = weights(process, edges)\n",
        theirs="    weight = weights(process._replace(log_d=np.cumsum(np.full_like("
        "process.log_d, -0.05), axis=0)), edges)\n",
        test="hsmm/test_viterbi.py::"
        "test_a_short_burst_is_not_a_segment_when_stays_are_long",
    ),
    Fault(
        says="sums over frames are in single precision",
        file="hsmm/records.py",
        ours="np.ascontiguousarray(best.T).sum(axis=1)",
        theirs="np.ascontiguousarray(best.T).astype(np.float32).cumsum(axis=1)[:, -1]",
        test="hsmm/test_messages.py::test_a_long_constant_record_is_exact",
    ),
    Fault(
        says="the last segment is taken as whole",
        file="hsmm/edges.py",
        ours='last = surviving if edges.right == "censored" else process.log_d',
        theirs="last = process.log_d",
        test="hsmm/test_messages.py::"
        "test_mass_in_the_tail_is_counted_when_the_record_ends",
    ),
    Fault(
        says="survival forgets what lasts longer than the table",
        file="hsmm/process.py",
        ours="upwards = np.concatenate([process.log_tail[None], process.log_d[::-1]])",
        theirs="upwards = np.concatenate([process.log_d[-1:], process.log_d[::-1]])",
        test="hsmm/test_process.py::test_survival_counts_the_tail",
    ),
    Fault(
        says="a segment that began before the record is taken to begin with it",
        file="hsmm/edges.py",
        ours="states + surviving - mean",
        theirs="states + process.log_d - mean",
        test="hsmm/test_posterior.py::"
        "test_a_process_that_ran_before_the_record_looks_the_same_backwards",
    ),
    Fault(
        says="what underflows is taken for impossible",
        file="hsmm/sweep.py",
        ours="if min(ends.min(), starts.min()) >= FLOOR:",
        theirs="if min(ends.min(), starts.min()) >= 0.0:",
        test="hsmm/test_messages.py::test_plain_numbers_give_what_logs_give",
    ),
    Fault(
        says="durations that were cut short are fit as whole ones",
        file="hsmm/histogram.py",
        ours="later = open_ended[::-1].cumsum(axis=0)[::-1] - open_ended",
        theirs="whole, later = whole + open_ended, np.zeros_like(whole)",
        test="hsmm/test_durations.py::"
        "test_ignoring_that_durations_were_cut_makes_them_too_short",
    ),
    Fault(
        says="the best path always has a boundary in the middle of its record",
        file="hsmm/meeting.py",
        ours="for before in range(1, len(began)):",
        theirs="for before in range(1, 1):",
        test="hsmm/test_viterbi.py::test_the_path_is_the_best_of_every_segmentation",
    ),
    Fault(
        says="segments that cross a mark are counted a frame too long",
        file="hsmm/expected_durations.py",
        ours="joined[:, after : after + left.shape[1]]",
        theirs="joined[:, after + 1 : after + 1 + left.shape[1]]",
        test="hsmm/test_posterior.py::"
        "test_expected_durations_are_the_slope_of_the_evidence",
    ),
    Fault(
        says="a drawn segment may not reach the end of its record",
        file="hsmm/sampling.py",
        ours="law += np.where(t + d < lengths, going_on, ending)",
        theirs="law += np.where(t + d <= lengths, going_on, ending)",
        test="hsmm/test_sampling.py::"
        "test_segmentations_are_drawn_as_often_as_they_are_likely",
    ),
    Fault(
        says="a faint state's messages are not given back what was taken out",
        file="hsmm/sweep.py",
        ours="found.starts[:] += faint[:, None]",
        theirs="found.starts[:] += 0.0",
        test="hsmm/test_messages.py::test_a_state_that_is_hardly_ever_entered_is_exact",
    ),
    Fault(
        says="what is dropped from plain numbers is never asked for again",
        file="hsmm/sweep.py",
        ours="        if len(low):\n            self._do_again(",
        theirs="        if len(low) > n:\n            self._do_again(",
        test="hsmm/test_slow.py::test_no_data_makes_blocks_less_exact_than_logs",
    ),
    Fault(
        says="states rarer than a number are taken for impossible",
        file="hsmm/stationary.py",
        ours="    return log_softmax(share)",
        theirs="    return np.log(np.exp(log_softmax(share)) + 1e-320)",
        test="hsmm/test_process.py::test_states_rarer_than_any_number_have_their_share",
    ),
)
