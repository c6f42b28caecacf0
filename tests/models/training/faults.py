"""Slips after which a resumed training ends elsewhere, or a number says too much."""

from __future__ import annotations

from tests.models.fault import Fault

LEARNER = "training/test_learner.py"
LESSON = "training/test_lesson.py"
COURSE = "training/test_course.py"
RESUMED = f"{LEARNER}::test_what_is_taken_up_ends_with_the_same_bits[2]"

FAULTS = (
    Fault(
        says="a resumed training begins with an optimiser that knows nothing",
        file="training/learner.py",
        ours='        self.optimiser.load_state_dict(state["optimiser"])\n',
        theirs="",
        test=RESUMED,
    ),
    Fault(
        says="a resumed training forgets the best weights",
        file="training/learner.py",
        ours='self.best_epoch = state["best"], int(state["best_epoch"])',
        theirs='self.best_epoch = {}, int(state["best_epoch"])',
        test=f"{LEARNER}::test_what_is_taken_up_ends_with_the_same_bits[4]",
    ),
    Fault(
        says="windows are changed by draws of torch's global stream",
        file="training/augmentation.py",
        ours="(2, n_windows, *shape[:-1], 1), generator=stream(seed, step)",
        theirs="(2, n_windows, *shape[:-1], 1)",
        test=RESUMED,
    ),
    Fault(
        says="the best weights are the last ones under another name",
        file="training/learner.py",
        ours="copy.deepcopy(self.network.state_dict())",
        theirs="self.network.state_dict()",
        test=f"{LEARNER}::test_the_weights_of_the_best_epoch_are_kept",
    ),
    Fault(
        says="norms and biases are pulled to zero like any weight",
        file="training/descent.py",
        ours="Group.of(narrow, 0.0)",
        theirs="Group.of(narrow, shrink)",
        test="training/test_descent.py::test_steps_are_those_of_torch_to_the_last_bit",
    ),
    Fault(
        says="an epoch without a quantiser is taken for the best",
        file="training/learner.py",
        ours="if is_better and not is_open:",
        theirs="if is_better:",
        test=f"{LEARNER}::test_the_weights_of_the_best_epoch_are_kept",
    ),
    Fault(
        says="validation moves the statistics of the batch norms",
        file="training/examination.py",
        ours="    course.eval()\n",
        theirs="",
        test=f"{COURSE}::test_examining_changes_nothing",
    ),
    Fault(
        says="windows without a label count as wrong",
        file="training/examination.py",
        ours="(hits & known).sum() / known.sum().clamp(min=1)",
        theirs="(hits & known).sum() / len(known)",
        test=f"{COURSE}::test_a_grade_is_what_a_plain_count_gives",
    ),
    Fault(
        says="every pass cuts the same windows",
        file="training/order.py",
        ours='stream(seed, "pass", number)',
        theirs='stream(seed, "pass", 0)',
        test=f"{LESSON}::test_no_two_passes_see_the_same_windows",
    ),
    Fault(
        says="a window spans the end of one recording and the begin of the next",
        file="training/order.py",
        ours="    offsets = rng.integers(0, np.maximum(spare, 0) + 1)\n",
        theirs="    offsets = rng.integers(0, size, len(counts))\n",
        test=f"{LESSON}::test_a_pass_has_no_frame_twice_and_spans_no_two_recordings",
    ),
    Fault(
        says="each of several processes normalises by its own part of the batch",
        file="training/together.py",
        ours="            module.norm = SharedNorm.of(module.norm)\n",
        theirs="            pass\n",
        test="training/test_together.py::test_two_processes_learn_what_one_learns",
    ),
    Fault(
        says="a frame is read from the edge of a window that hardly saw it",
        file="training/transcription.py",
        ours="turns = (starts[:-1] + starts[1:] + size) // 2",
        theirs="turns = starts[1:]",
        test=f"{LESSON}::test_a_frame_is_read_where_its_window_is_nearest",
    ),
)
