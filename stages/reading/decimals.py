"""Decimal numbers out of text, many at once, right to the last bit.

A number of up to 15 digits is a whole number that a double holds exactly, over a power
of ten that a double holds exactly: one division rounds once, and so rightly (Clinger,
1990). All others are left to Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from models.shapes import Array, BoolArray, IntArray

    Bytes = npt.NDArray[np.uint8]

MOST_DIGITS = 15
LONGEST = MOST_DIGITS + 3  # a sign, a point, and one more to see that it is too long
POWERS = 10.0 ** np.arange(LONGEST + 1)
ZERO, POINT, MINUS, PLUS = b"0.-+"


def decimals(text: Bytes, start: IntArray, end: IntArray) -> tuple[Array, BoolArray]:
    """Give the numbers that stand in text[start:end] (N,), and which of them are right.

    Wrong is what is not [sign] digits [point digits], or has too many digits. The text
    must go on for LONGEST bytes behind the last start.
    """
    size = end - start
    longest = min(int(size.max(initial=0)), LONGEST)
    whole, after, digits = (np.zeros(len(start), dtype=np.int64) for _ in range(3))
    points = np.zeros(len(start), dtype=np.int64)
    for k in range(longest):
        letter = text[start + k]
        digit = letter - np.uint8(ZERO)
        within = k < size
        is_digit = (digit < 10) & within
        whole = np.where(is_digit, whole * 10 + digit, whole)
        after += is_digit & (points > 0)
        digits += is_digit
        points += (letter == POINT) & within
    first = text[start]
    is_signed = (first == MINUS) | (first == PLUS)
    right = (digits + points + is_signed == size) & (points < 2)
    right &= (digits > 0) & (digits <= MOST_DIGITS)
    value = np.where(right, whole, 0) / POWERS[after]
    return np.where(first == MINUS, -value, value), right
