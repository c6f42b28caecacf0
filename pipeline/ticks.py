"""How far a stage is, as a line that it prints: `::progress 3/20 loss=0.4`."""

from __future__ import annotations

import math
import re

_TICK = re.compile(
    rb"::progress\s+(?P<done>[\d.]+)\s*(?:/\s*(?P<total>[\d.]+)|%)(?P<rest>.*)"
)
TICK_MARK = b"::progress"
_NUMBER = re.compile(
    rb"([A-Za-z_][\w.-]*)="
    rb"([-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|(?:nan|inf)(?![A-Za-z])))"
)

# Done, total, and the numbers told with them.
Tick = tuple[float, float, dict[str, float]]


def parse_tick(line: bytes) -> Tick | None:
    """Read `::progress 3/20 loss=0.4`, or `::progress 15% loss=0.4`."""
    found = _TICK.match(line.strip())
    if found is None:
        return None
    try:
        done, total = float(found["done"]), float(found["total"] or 100)
        numbers = {k.decode(): float(v) for k, v in _NUMBER.findall(found["rest"])}
    except ValueError:
        return None
    return (done, total, numbers) if math.isfinite(done + total) else None
