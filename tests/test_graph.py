"""What may run when: true of every graph without a cycle."""

from __future__ import annotations

import time
from collections.abc import Iterable
from random import Random
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.graph import Front, Outcome, hopeless, order, with_needs
from pipeline.schema import Stage
from tests.strategies import graphs

Outcomes = dict[str, Outcome]


def settled(data: st.DataObject, stages: tuple[Stage, ...]) -> Outcomes:
    """Draw how far a run is: a stage has an outcome only behind what it needs."""
    outcomes: Outcomes = {}
    for stage in stages:
        passed = all(outcomes.get(need) == "pass" for need in stage.needs)
        if data.draw(st.booleans()):
            ways = get_args(Outcome) if passed else ("skipped",)
            outcomes[stage.name] = data.draw(st.sampled_from(ways))
    return outcomes


def ready(
    stages: Iterable[Stage], outcomes: Outcomes, running: Iterable[str]
) -> list[Stage]:
    """Give the stages that could start now, in order; each is looked at."""
    busy = {*outcomes, *running}
    passed = {name for name, outcome in outcomes.items() if outcome == "pass"}
    return [s for s in stages if s.name not in busy and passed.issuperset(s.needs)]


@given(graphs())
def test_each_stage_comes_after_what_it_needs(stages: list[Stage]) -> None:
    """The order holds every stage once, whatever the order they were written in."""
    ordered = order(stages)

    seen: set[str] = set()
    for stage in ordered:
        assert seen >= set(stage.needs)
        seen.add(stage.name)
    assert sorted(s.name for s in ordered) == sorted(s.name for s in stages)


@given(graphs())
def test_an_order_is_kept(stages: list[Stage]) -> None:
    """Stages that are in order already stay as they were written."""
    ordered = order(stages)

    assert order(ordered) == ordered


def test_stages_that_need_nothing_stay_as_written() -> None:
    """The order of the file is the order of the run, where nothing speaks against."""
    names = ["z", "a", "m"]

    assert [s.name for s in order(Stage(name=name) for name in names)] == names


@given(graphs())
def test_the_first_that_is_free_comes_next(stages: list[Stage]) -> None:
    """The order is that of the file, bent no more than the needs ask."""
    left = {stage.name: stage for stage in stages}
    wanted = []
    while left:
        free = next(s for s in left.values() if not set(s.needs) & set(left))
        wanted.append(left.pop(free.name))

    assert list(order(stages)) == wanted


def test_a_cycle_is_not_walked() -> None:
    """The spec refuses it before; here it must not hang."""
    with pytest.raises(AssertionError, match="a cycle among a, b"):
        order([Stage(name="a", after=("b",)), Stage(name="b", after=("a",))])


@given(graphs(), st.data())
def test_ready_is_what_waits_for_nothing(
    stages: list[Stage], data: st.DataObject
) -> None:
    """Not what has an outcome, not what runs; all of it, in order."""
    ordered = order(stages)
    outcomes = settled(data, ordered)
    open_ = [s.name for s in ordered if s.name not in outcomes]
    running = data.draw(st.sets(st.sampled_from(open_))) if open_ else set()

    found = ready(ordered, outcomes, running)

    passed = {name for name, outcome in outcomes.items() if outcome == "pass"}
    wanted = [
        stage
        for stage in ordered
        if stage.name in set(open_) - running and passed >= set(stage.needs)
    ]
    assert found == wanted


@given(graphs(), st.data())
def test_what_is_open_has_hope_or_has_none(
    stages: list[Stage], data: st.DataObject
) -> None:
    """Whatever happened: some stage can start, or none is left that ever could."""
    ordered = order(stages)
    outcomes = settled(data, ordered)
    lost = hopeless(ordered, outcomes)

    open_ = [s for s in ordered if s.name not in outcomes and s.name not in lost]

    assert bool(open_) == bool(ready(ordered, outcomes, ()))
    assert not {s.name for s in ready(ordered, outcomes, ())} & set(lost)


@given(graphs(), st.data())
def test_what_stands_in_the_way_is_needed(
    stages: list[Stage], data: st.DataObject
) -> None:
    """The reason of a skipped stage is one of its own needs, that did not pass."""
    ordered = order(stages)
    outcomes = settled(data, ordered)
    by_name = {stage.name: stage for stage in ordered}

    for name, need in hopeless(ordered, outcomes).items():
        assert need in by_name[name].needs
        assert outcomes.get(need) != "pass"


@given(graphs(), st.data())
def test_a_walk_settles_every_stage(stages: list[Stage], data: st.DataObject) -> None:
    """Starting what is ready and skipping what is hopeless comes to an end."""
    ordered = order(stages)
    outcomes: Outcomes = {}
    while found := ready(ordered, outcomes, ()):
        way: Outcome = data.draw(st.sampled_from(["pass", "gate", "failed"]))
        outcomes[found[0].name] = way
    outcomes |= dict.fromkeys(hopeless(ordered, outcomes), "skipped")

    assert set(outcomes) == {stage.name for stage in ordered}


@given(graphs(), st.randoms(use_true_random=False))
def test_a_front_says_what_a_look_at_all_says(
    stages: list[Stage], chance: Random
) -> None:
    """At every point of every walk, however many outcomes came in between."""
    ordered = order(stages)
    outcomes: Outcomes = {}
    front = Front(ordered, outcomes)
    while found := ready(ordered, outcomes, ()):
        for stage in found[: chance.randint(1, 3)]:
            outcomes[stage.name] = chance.choice(get_args(Outcome))
            if chance.random() < 0.5:
                assert front.hopeless() == hopeless(ordered, outcomes)
        running = {stage.name for stage in found if chance.random() < 0.5}
        assert list(front.ready(running)) == ready(ordered, outcomes, running)
        if chance.random() < 0.5:
            outcomes |= dict.fromkeys(hopeless(ordered, outcomes), "skipped")

    assert list(front.ready(())) == []
    assert front.hopeless() == hopeless(ordered, outcomes)


def test_thousands_of_stages_are_put_in_order_and_walked_at_once() -> None:
    """What a stage costs does not grow with their number."""
    count = 20_000
    stages = [Stage(name="s0")]
    stages += [Stage(name=f"s{n}", after=(f"s{n - 1}",)) for n in range(1, count)]
    outcomes: Outcomes = {}
    begun = time.process_time()

    front = Front(order(reversed(stages)), outcomes)
    for stage in stages:
        assert list(front.ready(())) == [stage]
        assert not front.hopeless()
        outcomes[stage.name] = "pass"

    assert time.process_time() - begun < 5.0


@given(graphs(), st.data())
def test_what_a_stage_stands_on_is_all_that_it_needs(
    stages: list[Stage], data: st.DataObject
) -> None:
    """It is there with its needs, and theirs, and nothing else."""
    named = {stage.name: stage for stage in stages}
    wanted = data.draw(st.sets(st.sampled_from(sorted(named)))) if named else set()

    found = with_needs(stages, wanted)

    asked = {need for name in found for need in named[name].needs}
    assert found == wanted | asked
