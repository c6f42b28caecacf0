"""Read folders as a stage does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stages.reading.source import Source
from stages.reading.sources import read
from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from stages.reading.herd import Herd


def herd_of(source: str, folder: Path, **asked: Any) -> Herd:
    """Read a folder; what is simulated by default is not asked for."""
    return read(Source(source=source, **asked), folder, seed=0, subjects=1, seconds=1.0)


def lines_of(path: Path) -> list[str]:
    """Give the lines of a file, with their ends."""
    return path.read_text().splitlines(keepends=True)


def refused(read: Callable[[], object]) -> str:
    """Give the message with which reading ends."""
    with pytest.raises(Unreadable) as caught:
        read()
    return str(caught.value)
