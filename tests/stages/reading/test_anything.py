"""Whatever stands in a manifest, it is read or it is refused in one message."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stages.reading.manifest import manifest
from stages.reading.unreadable import Unreadable
from tests.stages.reading import writers

KEYS = st.sampled_from(["time", "rate_hz", "from", "unit", "collar", "x", "labels"])
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 10**20),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["dog0.csv", "g", "collar", "uT", "s"]),
)
ANY = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=5,
)
ENTRY = {
    "files": {"collar": "dog0.csv", "back": "dog0.csv"},
    "subject": "rex",
    "name": "walk",
    "intervals": "dog0.csv",
    "clocks": {"back": {"offset_s": 0.1, "pace": 1.0}},
}
WHOLE = {
    **writers.layout(recordings=[ENTRY, {"file": "dog0.csv", "subject": 7}]),
    "unlabelled": ["?"],
    "check_units": True,
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List the ways to all values within a value."""
    found = [path] if path else []
    if isinstance(value, dict):
        found += [p for key in value for p in places(value[key], (*path, key))]
    if isinstance(value, list):
        found += [p for n, one in enumerate(value) for p in places(one, (*path, n))]
    return found


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(places(WHOLE)), ANY)
def test_one_value_may_be_anything(path: tuple[Any, ...], value: object) -> None:
    """In any place of a whole manifest: nothing else is raised."""
    said = copy.deepcopy(WHOLE)
    here: Any = said
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dog0.csv").write_text("t\n")
        (folder / "recordings.json").write_text(json.dumps(said))
        try:
            read = len(manifest(folder).entries) > 0
        except Unreadable as refused:
            read = (
                str(refused).startswith("recordings.json") and len(str(refused)) < 999
            )

    assert read
