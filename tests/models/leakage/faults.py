"""How an accuracy of 99.95 % came about, and slips that would let it come again."""

from __future__ import annotations

from tests.models.fault import Fault

FAULTS = (
    Fault(
        says="the same generator and the same seed for train and test",
        file="leakage/verdict.py",
        ours='leaks += _shared("stream", names, two,',
        theirs='_shared("stream", names, two,',
        test="leakage/test_certificate.py::test_the_same_seed_for_train_and_test_gives_none",
    ),
    Fault(
        says="windows overlap across the split",
        file="leakage/verdict.py",
        ours="leaks += _near(names, two, _guard(split))",
        theirs="_near(names, two, _guard(split))",
        test="leakage/test_verdict.py::test_windows_that_overlap_across_the_split_are_named",
    ),
    Fault(
        says="a shifted copy under another name is not known again",
        file="leakage/prints.py",
        ours="for offset in range(width):",
        theirs="found = found + np.arange(n_prints, dtype=np.uint64)\n"
        "    for offset in range(width):",
        test="leakage/test_verdict.py::test_a_shifted_copy_under_another_name_is_found",
    ),
    Fault(
        says="an accuracy comes from a split that leaks",
        file="leakage/certificate.py",
        ours="    if leaks:\n",
        theirs="    if len(leaks) > 2:\n",
        test="leakage/test_certificate.py::test_the_same_seed_for_train_and_test_gives_none",
    ),
    Fault(
        says="other rows are judged than those that were certified",
        file="leakage/certificate.py",
        ours="if digest(windows) != getattr(self, name):",
        theirs="if not digest(windows):",
        test="leakage/test_certificate.py::test_only_the_certified_rows_are_judged",
    ),
    Fault(
        says="the scale is fitted on test rows too",
        file="leakage/certificate.py",
        ours="scale.rows != split.train.digest",
        theirs="not scale.rows",
        test="leakage/test_certificate.py::test_a_scale_that_saw_the_test_rows_is_a_leak",
    ),
    Fault(
        says="a subject is in train and in test",
        file="leakage/verdict.py",
        ours='if split.by == "subject":\n            leaks',
        theirs='if split.by == "time":\n            leaks',
        test="leakage/test_verdict.py::test_a_subject_in_two_parts_is_named",
    ),
    Fault(
        says="windows of nobody are taken for windows of strangers",
        file="leakage/provenance.py",
        ours='if (text == "").any():',
        theirs='if (text == " ").any():',
        test="leakage/test_verdict.py::test_what_is_no_origin_is_refused[nobody]",
    ),
    Fault(
        says="a cut in time keeps no distance",
        file="leakage/division.py",
        ours="first + (gap if p else 0)",
        theirs="first",
        test="leakage/test_division.py::test_a_cut_in_time_is_clean_and_in_order",
    ),
)
