"""Whatever cannot be meant is refused: each row of tests/refusals, whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.refused import Row, all_rows, checked


@pytest.mark.parametrize("row", all_rows())
def test_what_cannot_be_meant_is_refused(row: Row, tmp_path: Path) -> None:
    """Place, sentence, line with its mark, hint: the whole of what a person sees."""
    code, said = checked(row, tmp_path)

    assert said.rstrip("\n") == row.said.rstrip("\n")
    assert code == 2
