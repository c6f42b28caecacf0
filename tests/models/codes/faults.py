"""What the originals' analysis of codes got wrong, and slips that would be as quiet."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="codes are named and judged on the same subjects",
        file="codes/meaning.py",
        ours="named = commonest(naming)",
        theirs="named = commonest(judged.sum(axis=0))",
        test="codes/test_meaning.py::test_codes_are_named_by_others_than_they_are_judged_on",
    ),
    Fault(
        says="perplexities of pooled subjects are bootstrapped",
        file="codes/jackknife.py",
        ours="without = metric(total - parts.astype(np.float64))",
        theirs="without = metric(parts.astype(np.float64) * n_subjects)",
        test="codes/test_usage.py::test_the_interval_of_a_mean_is_students",
    ),
    Fault(
        says="codes that nobody uses move the picture",
        file="codes/principal.py",
        ours="np.ones(len(vectors)) if weights is None else weights.astype(np.float64)",
        theirs="np.ones(len(vectors))",
        test="codes/test_principal.py::test_vectors_of_no_weight_move_nothing",
    ),
)
