"""What a laptop knows of a run, by its own wakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.views.telling import Knowing
from remote.watching.watch import DEAD_AFTER_S, LOST_AFTER_S, Watch

WAKE_S = 0.25
NIGHT_S = 8 * 3600.0


def connected(*, lives: bool = True) -> Watch:
    """A watch that has heard a first beat of a run."""
    watch = Watch(wake_s=WAKE_S, stale_after_s=120.0, stalled_after_s=1800.0)
    watch.heard()
    watch.told_runner(lives=lives)
    watch.felt(1, 0.0)
    return watch


def wait(watch: Watch, seconds: float, *, beats: bool = False) -> None:
    """Let time pass as it does: a wake every so often; with `beats`, all is well."""
    for number in range(int(seconds / WAKE_S)):
        watch.wake(WAKE_S)
        if beats:
            watch.heard()
            watch.felt(100 + number, watch.progress_age_s)


def never_reached(seconds: float) -> Watch:
    """A watch that has not heard anything for so long."""
    watch = Watch(wake_s=WAKE_S, stale_after_s=120.0, stalled_after_s=1800.0)
    wait(watch, seconds)
    return watch


def silent(seconds: float) -> Watch:
    """A watch on a line that says nothing for so long, not even that it is still."""
    watch = connected()
    wait(watch, seconds)
    return watch


def cut() -> Watch:
    """A watch whose line broke."""
    watch = connected()
    watch.lost()
    return watch


def lifeless(seconds: float, *, has_ended: bool = False) -> Watch:
    """A watch that was told so long ago that nobody holds the runner's lock."""
    watch = connected(lives=False)
    watch.told_end(has_ended=has_ended)
    wait(watch, seconds, beats=True)
    return watch


def without_progress(seconds: float) -> Watch:
    """A watch on a run that breathes and does not move."""
    watch = connected()
    wait(watch, seconds, beats=True)
    return watch


def without_beats(seconds: float) -> Watch:
    """A watch on a box that answers, while its run does not breathe."""
    watch = connected()
    for _ in range(int(seconds / WAKE_S)):
        watch.wake(WAKE_S)
        watch.heard()
        watch.moved()
    return watch


def reconnected() -> Watch:
    """A watch whose line broke and came back."""
    watch = cut()
    wait(watch, 600.0)
    watch.heard()
    return watch


def resumed() -> Watch:
    """A watch on a run that ended, and was taken up again."""
    watch = lifeless(60.0, has_ended=True)
    watch.told_end(has_ended=False)
    watch.told_runner(lives=True)
    watch.felt(9999, 0.0)
    return watch


ROWS: dict[str, tuple[Watch, Knowing]] = {
    "just begun": (never_reached(1.0), "connecting"),
    "never reached": (never_reached(LOST_AFTER_S + 1), "unknown"),
    "beats arrive": (connected(), "alive"),
    "silent for a moment": (silent(LOST_AFTER_S - 1), "alive"),
    "silent": (silent(LOST_AFTER_S + 1), "unknown"),
    "the line broke": (cut(), "unknown"),
    "the line is back": (reconnected(), "alive"),
    "just launched": (lifeless(DEAD_AFTER_S - 1), "alive"),
    "the lock is free": (lifeless(DEAD_AFTER_S + 1), "dead"),
    "the end was told": (lifeless(60.0, has_ended=True), "ended"),
    "taken up again": (resumed(), "alive"),
    "slow": (without_progress(1799.0), "alive"),
    "no progress": (without_progress(1802.0), "stalled"),
    "a late beat": (without_beats(119.0), "alive"),
    "no beats": (without_beats(122.0), "stalled"),
}


@pytest.mark.parametrize(("watch", "knowing"), ROWS.values(), ids=ROWS)
def test_what_is_known(watch: Watch, knowing: Knowing) -> None:
    """Each row: what was heard, and what is known of the run."""
    assert watch.knowing == knowing


def test_a_laptop_that_slept_comes_back_to_a_run_that_is_alive() -> None:
    """The age of eight hours asleep is two wakes at most."""
    watch = connected()

    watch.wake(NIGHT_S)

    assert watch.beat_age_s is not None
    assert watch.beat_age_s <= 2 * WAKE_S
    assert watch.knowing == "alive"


@given(st.lists(st.floats(0, NIGHT_S), max_size=50))
def test_an_age_is_at_most_two_wakes_per_wake(slept_s: list[float]) -> None:
    """However long each was."""
    watch = connected()

    for seconds in slept_s:
        watch.wake(seconds)

    assert watch.beat_age_s is not None
    assert watch.beat_age_s <= 2 * WAKE_S * len(slept_s) + 1e-9
    assert watch.progress_age_s <= 2 * WAKE_S * len(slept_s) + 1e-9


def test_the_same_beat_again_says_nothing_new() -> None:
    """A line that repeats itself is no proof of life."""
    watch = without_beats(60.0)

    watch.felt(1, 0.0)

    assert watch.beat_age_s == pytest.approx(60.0)


def test_a_broken_line_is_never_a_dead_run() -> None:
    """Dead was said of what was known then; a lost line knows nothing."""
    watch = lifeless(DEAD_AFTER_S + 1)

    watch.lost()
    wait(watch, 3600.0)

    assert watch.knowing == "unknown"


def test_a_dead_run_needs_a_free_lock_without_a_break() -> None:
    """A runner that is found alive in between begins the count anew."""
    watch = lifeless(DEAD_AFTER_S - 1)

    watch.told_runner(lives=True)
    wait(watch, 1.0, beats=True)
    watch.told_runner(lives=False)
    wait(watch, DEAD_AFTER_S - 1, beats=True)

    assert watch.knowing == "alive"


def test_an_end_counts_before_the_runner_let_go_of_its_lock() -> None:
    """The end is the last thing a runner tells: nothing is waited for after it."""
    watch = connected(lives=True)

    watch.told_end(has_ended=True)

    assert watch.knowing == "ended"
