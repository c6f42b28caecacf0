"""All mistakes that the rooms list, and docs/mistakes.md, which is made of them.

`python -m tests.models.listed` writes the page anew.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from tests.models.fault import Fault

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "mistakes.md"
HEAD = """\
# Mistakes that cannot come back

Made by `make docs` from the lists of `tests/models/*/faults.py`. Each row is a mistake:
many were made by published systems that this project stands in for, the others are
slips that are easily made in such code. `make test` puts each of them into a copy of
`models/`, and wants the test to fail.
"""


def listed() -> dict[str, tuple[Fault, ...]]:
    """Gather what the rooms list, by room."""
    return {path.parent.name: _of(path) for path in sorted(HERE.glob("*/faults.py"))}


def _of(path: Path) -> tuple[Fault, ...]:
    spec = importlib.util.spec_from_file_location(f"faults_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    faults: tuple[Fault, ...] = module.FAULTS
    return faults


def page() -> str:
    """Write the page: a table for each room."""
    lines = [HEAD]
    for room, faults in listed().items():
        lines += [f"## {room}", "", "| mistake | prevented in | noticed by |"]
        lines += ["| --- | --- | --- |"]
        lines += [*map(_row, faults), ""]
    return "\n".join(lines)


def _row(fault: Fault) -> str:
    test = fault.test.partition("::")[2]
    return f"| {fault.says} | `models/{fault.file}` | `{test}` |"


if __name__ == "__main__":
    PAGE.write_text(page())
