"""What docs/models.md names is there, and what it shows runs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text()
_ROOM = re.compile(r"^\| `(\w+)` \|(.*)$", re.MULTILINE)


def test_every_room_has_its_row_and_every_name_is_there() -> None:
    """A row begins with a folder; `file.name` is what to begin with."""
    rows = dict(_ROOM.findall(PAGE))
    folders = {path.parent.name for path in (ROOT / "models").glob("*/__init__.py")}

    assert set(rows) == folders - {"first"}
    for room, row in rows.items():
        for file, name in re.findall(r"`(\w+)\.(\w+)`", row):
            module = importlib.import_module(f"models.{room}.{file}")
            assert hasattr(module, name), f"models.{room}.{file}.{name}"


def test_what_the_page_shows_runs() -> None:
    """Typed at the root of a checkout, it gives an accuracy and its interval."""
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    told = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 0, told.stderr
    assert re.search(r"accuracy [\d.]+% \([\d.]+% to [\d.]+%\), ECE", told.stdout)
