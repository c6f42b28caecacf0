"""Our `dataclass` is the standard one, made sooner: nobody can tell them apart."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A class with all that a field may have."""

    kind: ClassVar[str] = "a kind"
    name: str
    count: int = 3
    names: tuple[str, ...] = ()
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def twice(self) -> int:
        """A property beside fields."""
        return 2 * self.count


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """The same, by the standard library."""

    kind: ClassVar[str] = "a kind"
    name: str
    count: int = 3
    names: tuple[str, ...] = ()
    numbers: Mapping[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two things by their place."""

    left: int
    right: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """A class without a field."""


FIELDS = st.fixed_dictionaries(
    {"name": st.text()},
    optional={
        "count": st.integers(),
        "names": st.lists(st.text()).map(tuple),
        "numbers": st.dictionaries(st.text(), st.integers()),
    },
)


@given(FIELDS, FIELDS)
def test_it_behaves_as_the_standard_one(one: Any, two: Any) -> None:
    """Values, equality, what is written of it, what is replaced in it."""
    ours, other = Ours(**one), Ours(**two)
    theirs: object = Theirs(**one)

    assert dataclasses.asdict(ours) == dataclasses.asdict(Theirs(**one))
    assert repr(ours).removeprefix("Ours") == repr(theirs).removeprefix("Theirs")
    assert (ours == other) == (theirs == Theirs(**two))
    assert ours != theirs
    assert dataclasses.replace(ours, **two) == Ours(**{**one, **two})
    assert copy.deepcopy(ours) == copy.copy(ours) == ours
    assert pickle.loads(pickle.dumps(ours)) == ours


def test_its_signature_is_the_standard_one() -> None:
    """Names, order, kinds and defaults; and a default made anew is not shared."""
    ours, theirs = (inspect.signature(kind).parameters for kind in (Ours, Theirs))

    assert list(ours) == list(theirs)
    assert [p.kind for p in ours.values()] == [p.kind for p in theirs.values()]
    assert Ours(name="a").numbers is not Ours(name="a").numbers
    assert [f.name for f in dataclasses.fields(Ours)] == list(theirs)
    assert Ours.__slots__ == Theirs.__slots__


WRONG: dict[str, dict[str, object]] = {
    "missing": {},
    "unknown": {"name": "a", "names_": ()},
}


@pytest.mark.parametrize("given_", WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_refused_alike(given_: dict[str, Any]) -> None:
    """Each row: arguments that no field asks for, or that lack one."""
    said = []
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError) as caught:
            kind(**given_)
        said.append(str(caught.value).split(".__init__")[1])

    assert said[0] == said[1]


def test_nothing_of_it_can_be_changed() -> None:
    """Neither a field nor anything else, and nothing can be taken away."""
    ours = Ours(name="a")

    for name in ("name", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(ours, name, "b")
    with pytest.raises(dataclasses.FrozenInstanceError):
        del ours.name
    assert ours.twice == 6


def test_places_count_where_no_keywords_are_asked() -> None:
    """And equal values are one in a set, whatever the number of fields."""
    assert Pair(1, (2,)) == Pair(left=1, right=(2,))
    assert {Pair(1), Pair(1), Pair(2)} == {Pair(2), Pair(1)}
    assert {Nothing(), Nothing()} == {Nothing()}
    match Pair(1, (2,)):
        case Pair(left, right):
            assert (left, right) == (1, (2,))


def test_what_is_not_frozen_is_the_standard_ones() -> None:
    """All that is asked for beyond goes where it always went."""

    @dataclass
    class Open:
        count: int = 1

        def __post_init__(self) -> None:
            self.count += 1

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Judged:
        count: int = dataclasses.field(default=1, compare=False)

    assert Open().count == 2
    assert Judged(count=1) == Judged(count=2)
