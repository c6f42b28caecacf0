"""Durations and sizes: every way to write them, and what is neither."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reading import scalar


@pytest.mark.parametrize(
    ("text", "span_s"),
    [
        ("90", 90.0),
        ("0.5", 0.5),
        ("60s", 60.0),
        ("30min", 1800.0),
        ("6h", 21600.0),
        ("1d", 86400.0),
        ("1h30min", 5400.0),
        ("1h 30min", 5400.0),
        ("1.5h", 5400.0),
        ("10000d", 864e6),
    ],
)
def test_a_duration_is_seconds(text: str, span_s: float) -> None:
    """Every way to write it gives one number."""
    assert scalar.seconds(text) == span_s


@pytest.mark.parametrize(
    "text",
    [
        *("", "0", "0s", "-5", "1:30", "5m", "h", "1 d 2", "30min1h", "inf", ".inf"),
        *("true", "10001d", "1e9", "9" * 400 + "s", "\u0663s"),
    ],
)
def test_what_is_no_duration_is_none(text: str) -> None:
    """Nothing, less than nothing, and what two people would read differently."""
    assert scalar.seconds(text) is None


@given(
    d=st.integers(0, 99),
    h=st.integers(0, 99),
    m=st.integers(0, 99),
    s=st.integers(1, 99),
)
def test_a_duration_is_the_sum_of_its_parts(d: int, h: int, m: int, s: int) -> None:
    """Each unit counts for itself, and may be missing."""
    units = ((d, "d"), (h, "h"), (m, "min"), (s, "s"))
    text = "".join(f"{many}{unit}" for many, unit in units if many)

    assert scalar.seconds(text) == d * 86400 + h * 3600 + m * 60 + s


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("17", 17),
        ("200_000", 200_000),
        ("2MB", 2_000_000),
        ("2 mb", 2_000_000),
        ("1.5kB", 1500),
        ("1GiB", 2**30),
        ("7B", 7),
        ("2M", None),
        ("1iB", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("9" * 30 + "TB", None),
    ],
)
def test_a_size_is_bytes(text: str, size_bytes: int | None) -> None:
    """Without i by thousands, with i by 1024."""
    assert scalar.size_bytes(text) == size_bytes


@given(many=st.integers(0, 10**6), power=st.integers(1, 4), binary=st.booleans())
def test_a_size_is_a_number_of_its_unit(many: int, power: int, binary: bool) -> None:
    """Exactly, without rounding."""
    unit = " kMGT"[power] + ("iB" if binary else "B")

    assert (
        scalar.size_bytes(f"{many}{unit}") == many * (1024 if binary else 1000) ** power
    )
