"""What stages found, written so that any program can read it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from models.calibration.interval import Measure
from stages import account


def test_what_json_has_no_word_for_is_null(tmp_path: Path) -> None:
    """Named tuples become mappings, and arrays lists, however deep they lie."""
    found = {
        "ece": Measure(0.1, 0.0, np.inf),
        "by": (np.array([1.5, np.nan]), {2: "b"}),
    }

    account.write(tmp_path / "a.json", found)

    assert json.loads((tmp_path / "a.json").read_text()) == {
        "ece": {"value": 0.1, "low": 0.0, "high": None},
        "by": [[1.5, None], {"2": "b"}],
    }


def test_a_table_has_numbers_in_seven_figures(tmp_path: Path) -> None:
    """Nothing is written for what is none, and a comma in a name is no new column."""
    rows = [("seed 42, subject 0", 1 / 3, np.nan, np.int64(7))]

    account.table(tmp_path / "a.csv", ("subject", "share", "none", "n"), rows)

    assert (tmp_path / "a.csv").read_text() == (
        'subject,share,none,n\n"seed 42, subject 0",0.3333333,,7\n'
    )
