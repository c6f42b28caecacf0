"""The project's own values, for property tests.

A type says all that is needed to draw it, as it says all that is needed to read it
from JSON; a new dataclass is drawn without a line here.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Union, get_args

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pipeline import eventlines, events
from pipeline.frames import Frame, FrameKind
from pipeline.layout import is_safe_name
from pipeline.schema import Stage
from pipeline.seal import Seal, one_line

# A machine under load is slow at times, which proves nothing of what is tested.
settings.register_profile(
    "house", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

# Surrogates stand for bytes that were no text: file names hold such. Two that make a
# pair are left out, since JSON has one way to write those and the sign they stand for.
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
TEXT = st.text(st.characters(exclude_categories=()), max_size=20).filter(
    lambda text: not _PAIR.search(text)
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)  # all that JSON knows
WHOLE = st.integers(-(2**63), 2**63)
NAMES = st.from_regex(r"[a-z0-9_][a-z0-9._-]{0,8}", fullmatch=True).filter(is_safe_name)
JSON = st.none() | st.booleans() | st.integers() | NUMBERS | TEXT
_SCALARS: dict[Any, SearchStrategy[Any]] = {
    str: TEXT,
    float: NUMBERS,
    int: WHOLE,
    bool: st.booleans(),
    Any: JSON,
}


def values(kind: type[Any], **given: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Any value of a dataclass of ours; `given` fields are drawn as said."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    drawn = {name: of_type(hints[name]) for name in names if name not in given}
    drawn |= {name: given[name] for name in names if name in given}
    return st.builds(kind, **drawn)


def of_type(kind: Any) -> SearchStrategy[Any]:
    """Any value of a type that the codec knows."""
    origin, inner = typing.get_origin(kind), get_args(kind)
    if kind in _SCALARS:
        return _SCALARS[kind]
    if dataclasses.is_dataclass(kind):
        return values(typing.cast("type[Any]", kind))
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin in (Union, types.UnionType):
        rest = [of_type(option) for option in inner if option is not type(None)]
        return st.one_of(st.none(), *rest)
    if origin is tuple:
        return st.lists(of_type(inner[0]), max_size=3).map(tuple)
    assert origin is Mapping, f"no strategy for {kind}"
    return st.dictionaries(TEXT, of_type(inner[1]), max_size=3)


def happenings(stage: SearchStrategy[str] = TEXT) -> SearchStrategy[events.Happening]:
    """Anything that may happen, to any of these stages."""
    shape = values(events.StageShape, name=stage, needs=st.lists(stage).map(tuple))
    shapes = st.lists(shape, max_size=4).map(tuple)
    kinds = get_args(events.Happening)
    return st.one_of(*(values(kind, stage=stage, stages=shapes) for kind in kinds))


EVENTS = st.builds(events.Event, at=TEXT, what=happenings())
STORIES = st.lists(EVENTS, max_size=6)


def told(story: list[events.Event]) -> bytes:
    """Write a story as events.jsonl holds it."""
    return "".join(eventlines.encode(event) + "\n" for event in story).encode()


TRAIN_SEAL = Seal(
    run="20261120-1710-a3f9",
    stage="train",
    attempt=1,
    fingerprint="sha256:6f1c",
    verdict="pass",
    duration_s=2841.0,
    host="ec2",
    manifest="sha256:90be",
    subject="training: pass, accuracy 0.913",
)
_LINE = TEXT.map(lambda text: one_line(text.replace("\0", "")))
SEALS = values(
    Seal,
    run=_LINE,
    stage=_LINE,
    attempt=st.integers(0, 10**9 - 1),
    fingerprint=_LINE,
    duration_s=st.integers(0, 10**9).map(float),
    host=_LINE,
    manifest=_LINE,
    subject=_LINE,
    reuses=st.just("") | _LINE.filter(bool),
    commit=st.just("c0ffee"),
    at=st.just(0),
)

# What a frame says depends on its kind; the rest is never sent.
_SAID: dict[FrameKind, dict[str, SearchStrategy[Any]]] = {
    "grow": {"path": TEXT, "at": st.integers(0), "fresh": st.booleans()},
    "beat": {},
    "stamp": {"stamp": TEXT},
    "runner": {"lives": st.booleans()},
    "still": {},
    "end": {},
}
FRAMES: SearchStrategy[Frame] = st.one_of(
    *(
        st.builds(Frame, kind=st.just(kind), body=st.binary(max_size=40), **said)
        for kind, said in _SAID.items()
    )
)


@st.composite
def graphs(draw: st.DrawFn, most: int = 8) -> list[Stage]:
    """Stages without a cycle, written in any order."""
    count = draw(st.integers(0, most))
    stages = []
    for number in range(count):
        earlier = st.integers(0, max(number - 1, 0))
        needs = draw(st.sets(earlier, max_size=number and 3))
        after = tuple(f"s{need}" for need in sorted(needs))
        stages.append(Stage(name=f"s{number}", after=after))
    return draw(st.permutations(stages))
