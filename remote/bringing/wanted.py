"""What to bring home of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from remote.bringing.landing import Folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to bring home: of which folder, which names, up to which size.

    names: these files and no others, below `below`, each by its path from there.
    """

    folder: Folder
    include: tuple[str, ...] = ("*",)
    max_file: int = -1
    below: str = ""
    names: tuple[str, ...] = ()
