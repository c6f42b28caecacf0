"""The tables of docs/pipeline-yaml.md, which are made from `pipeline.reading.keys`.

`python -m tests.keytables` writes them anew.
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.reading import keys

PAGE = Path(__file__).parent.parent / "docs" / "pipeline-yaml.md"
_TABLE = re.compile(
    r"(<!-- keys of (\w+), from pipeline/reading/keys.py -->\n)[^<]*(<!-- -->\n)"
)


def with_tables(page: str) -> str:
    """Give the page with every table as the code has it."""
    return _TABLE.sub(
        lambda found: found[1] + keys.table(keys.SECTIONS[found[2]]) + found[3], page
    )


def sections(page: str) -> set[str]:
    """Name the sections the page has a table of."""
    return {found[2] for found in _TABLE.finditer(page)}


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text()))
