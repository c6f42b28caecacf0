"""Text of variable length in HDF5, tried in a process of its own before it is read.

Its letters lie in heaps, and over one whose sizes were damaged libhdf5 walks for ever,
or falls: no exception comes of it, and no thread can end it.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from stages.reading.unreadable import Unreadable

if TYPE_CHECKING:
    from stages.reading.file import File

PATIENCE_S = 60.0
BYTES_A_SECOND = 1e6  # a tenth of what a slow disk gives
_TRIAL = """\
import sys
import h5py
with h5py.File(sys.argv[1], "r", locking=False) as opened:
    opened[sys.argv[2]][()]
"""


def check(file: File, name: str, patience_s: float = PATIENCE_S) -> None:
    """Refuse a dataset whose text cannot be read to its end in time."""
    path = file.path.resolve()
    limit_s = patience_s + path.stat().st_size / BYTES_A_SECOND
    words = [sys.executable, "-c", _TRIAL, str(path), name]
    try:
        ended = subprocess.run(words, capture_output=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        reason = f"the text of {name!r} has no end after {limit_s:.0f} s"
        raise Unreadable(file.name, reason, "copy it again") from None
    if ended.returncode < 0:  # what it raised, whoever reads it meets again
        reason = f"the text of {name!r} is damaged: libhdf5 falls over it"
        raise Unreadable(file.name, reason, "copy it again")
