"""What a stage found, as JSON and CSV for people and for other programs.

Named tuples become mappings, arrays lists, and what is no finite number becomes null:
JSON has no word for it, and readers of other languages stumble over ours.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def write(path: Path, account: Mapping[str, Any]) -> None:
    """Write an account: the same bytes for the same account."""
    path.write_text(json.dumps(plain(account), indent=2, allow_nan=False) + "\n")


def table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as CSV; numbers in seven figures, and nothing for what is none."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(plain(value)) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    """Write a number in the figures that it is worth."""
    return f"{value:.7g}" if isinstance(value, float) else value


def plain(value: Any) -> Any:
    """Give a value in what JSON has."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): plain(part) for name, part in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
