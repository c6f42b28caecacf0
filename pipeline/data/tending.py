"""What laptop and box say to each other of data sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pipeline.data.holding import Holding
from pipeline.data.intake import Taken
from pipeline.data.parcel import Wanted
from pipeline.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tending:
    """`data`: what to do with which homes; all acts but `look` and `hash` take one.

    only: names of files, for `drop`; and for `hash`, where not all are meant. wanted:
    what to give. is_file: the home to take into is a file.
    """

    act: Literal["look", "hash", "take", "give", "drop"]
    homes: Mapping[str, str]
    only: tuple[str, ...] = ()
    wanted: Wanted = Wanted()
    is_file: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """A line of the answer, of the data set called `name`.

    holding: a part of what its home holds. done, total: bytes that are hashed. taken:
    what came. dropped: how many files are gone.
    """

    name: str
    holding: Holding | None = None
    done: int = -1
    total: int = -1
    taken: Taken | None = None
    dropped: int = -1
