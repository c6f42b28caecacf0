"""A mistake that an original made, as the change that would bring it back.

Each room of tests/models/ lists its own in `faults.py`; test_faults.py puts them in,
one at a time, and wants the named test to fail.
"""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What was wrong, the lines of ours that prevent it, and the test that notices.

    says: the mistake, in a sentence. file: under models/. ours: text that is in it
    exactly once. theirs: what takes its place. test: a node id under tests/models/.
    """

    says: str
    file: str
    ours: str
    theirs: str
    test: str


def broken(text: str, fault: Fault) -> str:
    """Put the mistake into the text of its file; refuse when it does not fit."""
    found = text.count(fault.ours)
    if found != 1:
        message = (
            f"{fault.says!r} wants {fault.ours!r} once in {fault.file!r}, "
            f"and it is there {found} times"
        )
        raise ValueError(message)
    return text.replace(fault.ours, fault.theirs)
