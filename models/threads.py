"""One thread for whatever must have the same bits on every machine.

On several threads a sum is taken in parts, and its last bits depend on how many there
are, or even on which was done first. scikit-learn's k-means on four threads gave seven
answers in eight runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold the pools of BLAS and OpenMP to one thread, for the whole process."""
    with _pools().limit(limits=1):
        yield


@cache
def _pools() -> ThreadpoolController:
    """Find the pools once, since that takes a thousand times as long as a limit."""
    return ThreadpoolController()
