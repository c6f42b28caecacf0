"""The mistakes that calibration is known for, and some that would be hard to see."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="the level of a conformal quantile exceeds 1 and is cut to the largest",
        file="calibration/threshold.py",
        ours="    if place > len(scores):\n        return math.inf\n",
        theirs="    place = min(place, len(scores))\n",
        test="calibration/test_threshold.py::test_too_few_scores_let_every_class_in",
    ),
    Fault(
        says="the conformal quantile forgets that the new frame counts as well",
        file="calibration/threshold.py",
        ours="missed = math.floor((n + 1) * Fraction(miss)",
        theirs="n -= 1\n    missed = math.floor((n + 1) * Fraction(miss)",
        test="calibration/test_threshold.py::test_coverage_is_that_of_the_exact_law[50]",
    ),
    Fault(
        says="a tenth is taken for its nearest double, one rank too high",
        file="calibration/threshold.py",
        ours="Fraction(miss).limit_denominator(10**9))",
        theirs="Fraction(miss))",
        test="calibration/test_threshold.py"
        "::test_the_rank_is_exact_for_every_percentage",
    ),
    Fault(
        says="frames of one subject are counted as if they were exchangeable",
        file="calibration/threshold.py",
        ours="((len(found.size) + 1) * found.size[found.member[order]])",
        theirs="(len(flat) + 1 + 0 * found.size[found.member[order]])",
        test="calibration/test_threshold.py"
        "::test_frames_of_new_subjects_are_missed_as_seldom_as_promised",
    ),
    Fault(
        says="a set becomes the span from its least to its largest class number",
        file="calibration/sets.py",
        ours="    inside: BoolArray = scores <= bound\n",
        theirs="    inside: BoolArray = scores <= bound\n"
        "    inside = np.logical_or.accumulate(inside, axis=-1) & (\n"
        "        np.logical_or.accumulate(inside[..., ::-1], axis=-1)[..., ::-1]\n"
        "    )\n",
        test="calibration/test_sets.py"
        "::test_a_set_may_leave_out_a_class_between_two_others",
    ),
    Fault(
        says="an empty set becomes the prediction and its neighbours by number",
        file="calibration/sets.py",
        ours="    inside: BoolArray = scores <= bound\n",
        theirs="    inside: BoolArray = scores <= bound\n"
        "    near = np.abs(\n"
        "        np.arange(scores.shape[-1]) - scores.argmin(axis=-1)[..., None]\n"
        "    )\n"
        "    inside |= ~inside.any(axis=-1, keepdims=True) & (near <= 1)\n",
        test="calibration/test_sets.py"
        "::test_a_set_is_empty_when_nothing_suits_unless_one_is_kept",
    ),
    Fault(
        says="a probability of 1 falls in a bin of its own",
        file="calibration/bins.py",
        ours="    return np.minimum(bins, n_bins - 1, out=bins)\n",
        theirs="    return bins\n",
        test="calibration/test_bins.py::test_no_confidence_is_left_out_of_the_bins",
    ),
    Fault(
        says="the last bin is open and a probability of 1 is left out",
        file="calibration/bins.py",
        ours="        cells += np.bincount(2 * at + is_right, minlength=2 * n_bins)\n",
        theirs="        keep = sure < 1.0\n"
        "        cells += np.bincount((2 * at + is_right)[keep], "
        "minlength=2 * n_bins)\n",
        test="calibration/test_bins.py::test_the_last_bin_holds_certainty_too",
    ),
    Fault(
        says="every class that shares the largest probability counts as predicted",
        file="calibration/bins.py",
        ours="    if np.count_nonzero(is_top) > top.size:\n",
        theirs="    if np.count_nonzero(is_top) < 0:\n",
        test="calibration/test_bins.py::test_equal_classes_predict_the_first",
    ),
    Fault(
        says="the maximum error is a mean and so no maximum",
        file="calibration/bins.py",
        ours="    return float(np.abs(bins.gap).max())\n",
        theirs="    return float(np.abs(bins.gap).mean())\n",
        test="calibration/test_bins.py::test_the_largest_gap_is_at_least_the_mean_gap",
    ),
    Fault(
        says="bins of equal mass tear frames of one confidence apart",
        file="calibration/mass.py",
        ours="    return np.searchsorted(lower, confidence, "
        'side="right").astype(np.int64)\n',
        theirs="    order = np.argsort(np.argsort(confidence))\n"
        "    return order * (len(lower) + 1) // len(confidence)\n",
        test="calibration/test_mass.py"
        "::test_a_tie_is_never_torn_apart_and_bins_are_in_order",
    ),
    Fault(
        says="the logarithm of an impossible label is clipped in silence",
        file="calibration/verdict.py",
        ours="np.log(of_label)\n",
        theirs="np.log(np.maximum(of_label, 1e-10))\n",
        test="calibration/test_verdict.py"
        "::test_a_label_held_impossible_costs_infinitely_much",
    ),
    Fault(
        says="temperature creeps by a hundredth of each step and does not converge",
        file="calibration/temperature.py",
        ours="    return here - now.first / now.second\n",
        theirs="    return here - 0.01 * now.first / now.second\n",
        test="calibration/test_temperature.py"
        "::test_the_temperature_is_the_optimum[500-1.8]",
    ),
    Fault(
        says="the temperature may turn negative or huge",
        file="calibration/temperature.py",
        ours="        elif passes > PATIENCE or not low < then < high:\n",
        theirs="        elif passes > 100:\n",
        test="calibration/test_temperature.py"
        "::test_logits_that_know_nothing_end_at_the_high_bound_and_say_so[against]",
    ),
    Fault(
        says="a bound that was hit is not told",
        file="calibration/temperature.py",
        ours="now.nll, at_bound=is_end,",
        theirs="now.nll, at_bound=False,",
        test="calibration/test_temperature.py"
        "::test_separable_frames_end_at_the_low_bound_and_say_so",
    ),
    Fault(
        says="a temperature is returned that makes the loss no lower",
        file="calibration/temperature.py",
        ours="    if not now.nll < before.nll:\n",
        theirs="    if now.nll > before.nll + 1.0:\n",
        test="calibration/test_temperature.py"
        "::test_labels_in_just_the_shares_of_their_logits_leave_it_at_1",
    ),
    Fault(
        says="frames of one subject are drawn again as if they were independent",
        file="calibration/bootstrap.py",
        ours="    if groups is None:\n",
        theirs="    if groups is not shape:\n",
        test="calibration/test_interval.py"
        "::test_subjects_widen_what_frames_alone_would_claim",
    ),
    Fault(
        says="draws are not taken in their own errors, and long tails are cut short",
        file="calibration/interval.py",
        ours="    low, high = value - error[0] * scaled[[-1 - out, out]]\n",
        theirs="    low, high = value + np.sort(moves)[[out, -1 - out]]\n",
        test="calibration/test_interval.py"
        "::test_the_interval_of_a_mean_minds_a_long_tail",
    ),
    Fault(
        says="a bootstrap of an error with a corner at zero never reaches zero",
        file="calibration/interval.py",
        ours="    is_sure = np.abs(gaps) > SURE * moves.std(axis=0)\n",
        theirs="    is_sure = np.abs(gaps) >= 0.0\n",
        test="calibration/test_interval.py"
        "::test_gaps_of_sure_sign_move_by_their_sum_and_others_both_ways",
    ),
    Fault(
        says="a class that no one names counts as a class with an F1 of zero",
        file="calibration/confusion.py",
        ours="    is_known = ~np.isnan(f1)\n    summed = np.where(is_known, f1, 0.0)",
        theirs="    is_known = np.isfinite(np.nan_to_num(f1))\n"
        "    summed = np.nan_to_num(f1)",
        test="calibration/test_confusion.py::test_a_class_that_no_one_names_has_no_f1",
    ),
    Fault(
        says="each class of a frame has a random draw of its own",
        file="calibration/conformity.py",
        ours="share = 1.0 if rng is None else rng.random(len(rows))",
        theirs="share = 1.0 if rng is None else rng.random(rows.T.shape)",
        test="calibration/test_conformity.py"
        "::test_random_scores_share_one_draw_in_each_frame",
    ),
    Fault(
        says="what the samples disagree about falls below zero by rounding",
        file="calibration/uncertainty.py",
        ours="np.maximum(total - expected, 0.0)",
        theirs="total - expected",
        test="calibration/test_uncertainty.py"
        "::test_what_rounding_leaves_below_zero_is_zero",
    ),
    Fault(
        says="probabilities that do not sum to one are taken as they are",
        file="calibration/blocks.py",
        ours="        if not off <= within or columns.min() < 0.0:\n",
        theirs="        if columns.min() < 0.0:\n",
        test="calibration/test_door.py"
        "::test_single_precision_may_miss_one_by_more_than_double",
    ),
    Fault(
        says="the error is of all frames, and the coverage of those offered",
        file="calibration/selective.py",
        ours="wrong = found.sums_at(at, width, ~seen.is_right)[:, :-1]",
        theirs="wrong = (~seen.is_right).mean() * found.sums_at(at, width)[:, :-1]",
        test="calibration/test_selective.py::test_risk_is_of_the_frames_offered",
    ),
)
