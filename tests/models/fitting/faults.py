"""What went wrong where durations were learned, and other subtle lines of ours."""

from __future__ import annotations

from tests.models.fault import Fault

AGREEMENT = "fitting/test_agreement.py::"
EM = "fitting/test_em.py::"
MSTEP = "fitting/test_mstep.py::"
EMISSIONS = "fitting/test_emissions.py::"
TENSORS = "fitting/test_tensors.py::"

FAULTS = (
    Fault(
        says="EM repeats one hard count",
        file="hsmm/em.py",
        ours="found = posterior(model.dynamics.process, log_lik, lengths, edges)",
        theirs="found = found if len(evidence) else posterior("
        "model.dynamics.process, log_lik, lengths, edges)",
        test=EM + "test_decoding_the_training_records_gives_the_last_posterior",
    ),
    Fault(
        says="EM counts the likeliest state for the posterior",
        file="hsmm/em.py",
        ours="refit(observations, lengths, found.occupancy)",
        theirs="refit(observations, lengths, (found.occupancy == "
        "found.occupancy.max(2, keepdims=True)).astype(float))",
        test=MSTEP + "test_one_step_is_the_maximum_of_enumerated_counts",
    ),
    Fault(
        says="the emission is a softmax over states",
        file="hsmm/code_emission.py",
        ours="        found: Array = np.ascontiguousarray(self.log_b.T)[codes]",
        theirs="        found: Array = (self.log_b.T - np.logaddexp.reduce("
        "self.log_b.T, axis=1, keepdims=True))[codes]",
        test=EMISSIONS + "test_an_emission_is_a_density_of_codes_and_not_of_states",
    ),
    Fault(
        says="EM leaves the censored last segment out",
        file="hsmm/em.py",
        ours="        found.right_censored,",
        theirs="        0.0 * found.right_censored,",
        test=MSTEP + "test_a_last_segment_that_was_cut_off_counts_as_longer",
    ),
    Fault(
        says="EM takes the censored last segment for one that ended",
        file="hsmm/em.py",
        ours="        found.durations,\n        found.right_censored,",
        theirs="        found.durations + found.right_censored,\n"
        "        0.0 * found.right_censored,",
        test=MSTEP + "test_a_last_segment_that_was_cut_off_counts_as_longer",
    ),
    Fault(
        says="the M-step of durations forgets the shift",
        file="hsmm/maximise.py",
        ours="    fresh = before.durations.fit(filled, cut, truncate=before.truncate)",
        theirs="    fresh = before.durations.fit(np.roll(filled, -1, axis=0), cut, "
        "truncate=before.truncate)",
        test=MSTEP + "test_durations_are_learned_in_frames",
    ),
    Fault(
        says="what is applied is one step ahead of what was fitted",
        file="hsmm/em.py",
        ours="    return Fit(\n        model,",
        theirs="    return Fit(\n"
        "        step(observations, lengths, model, found, prior),",
        test=EM + "test_decoding_the_training_records_gives_the_last_posterior",
    ),
    Fault(
        says="pseudo-counts lift what the start forbids",
        file="hsmm/maximise.py",
        ours="    weight = np.where(allowed, counts + pseudo, 0.0)",
        theirs="    weight = counts + pseudo",
        test=MSTEP + "test_what_was_barred_stays_barred",
    ),
    Fault(
        says="a worse law replaces a better one",
        file="hsmm/maximise.py",
        ours="    return _chosen(better, fresh, before.durations)",
        theirs="    return _chosen(~better & counted, fresh, before.durations)",
        test=MSTEP + "test_durations_are_learned_in_frames",
    ),
    Fault(
        says="the gradient leaves out the first segment of each record",
        file="hsmm/tensors/evidence.py",
        ours="    change[records.starts, rows] += first.double()",
        theirs="    change[records.starts, rows] += 0.0 * first.double()",
        test=TENSORS + "test_evidence_and_its_gradients_are_sums_over_segmentations",
    ),
    Fault(
        says="the ring gives a segment the age of its neighbour",
        file="hsmm/tensors/messages.py",
        ours="        at = (1 - t) % alive",
        theirs="        at = -t % alive",
        test=TENSORS + "test_evidence_and_its_gradients_are_sums_over_segmentations",
    ),
    Fault(
        says="gradients of -inf are nan",
        file="hsmm/tensors/laws.py",
        ours="torch.cat([floored(log_tail)[None], floored(log_d).flip(0)])",
        theirs="torch.cat([log_tail[None], log_d.flip(0)])",
        test=TENSORS + "test_a_law_that_cannot_last_has_gradients_that_are_numbers",
    ),
    Fault(
        says="the scale is forgotten when a block ends",
        file="hsmm/tensors/messages.py",
        ours="            scale[t - SPAN : t] = scale[t] + _moved_back(ring, after[t])",
        theirs="            scale[t - SPAN : t] = _moved_back(ring, after[t])",
        test=TENSORS + "test_torch_gives_what_numpy_gives",
    ),
    Fault(
        says="a change point is hit as often as it is found",
        file="hsmm/changes.py",
        ours="        j += gap >= -tolerance",
        theirs="        j += gap > tolerance",
        test=AGREEMENT + "test_no_change_point_counts_twice",
    ),
    Fault(
        says="two states share one name",
        file="hsmm/agreement.py",
        ours="    named[rows[shared]] = columns[shared]",
        theirs="    named[rows[shared]] = counts.argmax(axis=1)[rows[shared]]",
        test=AGREEMENT + "test_no_other_naming_agrees_on_more_frames",
    ),
    Fault(
        says="a Gaussian shrinks to the frame it sits on",
        file="hsmm/gaussian_emission.py",
        ours="scatter[k] = (spread + self.prior.strength * made) / total[k]",
        theirs="scatter[k] = spread / total[k] + 1e-9 * made",
        test=EMISSIONS + "test_one_frame_does_not_pull_a_gaussian_to_a_point",
    ),
    Fault(
        says="EM takes a record that begins within a segment for one that does not",
        file="hsmm/em.py",
        ours='    if edges.left == "censored":',
        theirs='    if edges.left == "never":',
        test=EM
        + "test_a_record_that_begins_within_a_segment_is_refused_with_the_reason",
    ),
    Fault(
        says="made-up durations lift what the start forbids",
        file="hsmm/maximise.py",
        ours="    made_up = np.where(allowed, counts.ended + prior.lengths, 0.0)",
        theirs="    made_up = counts.ended + prior.lengths",
        test=MSTEP + "test_a_shortest_duration_is_a_parameter_in_frames",
    ),
    Fault(
        says="a linear solve for the settled law loses rare states",
        file="hsmm/tensors/laws.py",
        ours="nowhere.masked_scatter(lasting, share.log_softmax(0))",
        theirs="nowhere.masked_scatter(lasting, (share.softmax(0) - 1e-16).log())",
        test=TENSORS + "test_states_rarer_than_rounding_have_evidence_and_gradients",
    ),
    Fault(
        says="a label of -1 is counted as the last state",
        file="hsmm/emission.py",
        ours="wrong = kept & ((values < 0) | (values >= n_values))",
        theirs="wrong = kept & (values >= n_values)",
        test="fitting/test_starts.py::test_a_label_that_is_no_state_is_refused",
    ),
    Fault(
        says="cells of a table of 400 are counted in 8 bits",
        file="hsmm/agreement.py",
        ours="states.ravel().astype(np.int64) * n_labels",
        theirs="states.ravel() * n_labels",
        test=AGREEMENT + "test_narrow_integers_count_as_wide_ones",
    ),
    Fault(
        says="padding is a part of a chain's record",
        file="hsmm/chain.py",
        ours="    log_lik = np.where(kept, log_lik, 0.0)",
        theirs="    log_lik = np.where(kept | True, log_lik, 0.0)",
        test="fitting/test_chain.py::test_padding_says_nothing_of_a_chain",
    ),
)
