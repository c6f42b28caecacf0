"""CSV: quick, right to the last bit, and exact about the line that is wrong."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.reading.decimals import LONGEST, decimals
from stages.reading.file import File
from stages.reading.table import BLOCK, Table, table
from stages.reading.unreadable import Unreadable

PLAIN = st.from_regex(r"[+-]?[0-9]{0,16}\.?[0-9]{1,9}", fullmatch=True)
ANY = st.floats(width=64).map(repr)
WORD = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\0\x85\u2028\u2029"),
    max_size=12,
).map(str.strip)
HEAD = ("t", "said", "x y")


def read(raw: bytes, numbers: tuple[str, ...] = ("t", "x y")) -> Table:
    """Read these bytes as a file `a.csv`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(raw)
        return table(
            File(path, "a.csv"), numbers, ("said",) if len(numbers) == 2 else ()
        )


def written(rows: list[tuple[str, str, str]], delimiter: str, quoted: bool) -> bytes:
    """Write rows as any program would."""
    how: Literal[0, 1] = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=how, lineterminator="\n")
    writer.writerows([HEAD, *rows])
    return text.getvalue().encode()


@given(st.lists(st.one_of(PLAIN, ANY), min_size=1, max_size=30))
def test_a_decimal_is_the_nearest_double(texts: list[str]) -> None:
    """What the quick way takes is what Python makes of it, bit for bit."""
    cells = [each.encode() for each in texts]
    raw = np.frombuffer(b",".join(cells) + bytes(LONGEST + 1), dtype=np.uint8)
    end = np.cumsum([len(each) + 1 for each in cells]) - 1
    start = end - [len(each) for each in cells]

    values, right = decimals(raw, start, end)

    wanted = np.array([float(each) for each in texts])
    assert values[right].tobytes() == wanted[right].tobytes()


def test_short_decimals_go_the_quick_way() -> None:
    """All that instruments write does: else the quick way would be no use."""
    texts = ["0", "-1", "+2.5", "12345.678901234", "-0.000001", ".5", "5."]
    raw = np.frombuffer(",".join(texts).encode() + bytes(LONGEST + 1), dtype=np.uint8)
    end = np.cumsum([len(each) + 1 for each in texts]) - 1

    values, right = decimals(raw, end - [len(each) for each in texts], end)

    assert right.all()
    assert values.tolist() == [float(each) for each in texts]


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1.2.3", "1e3", "--1", "1-", "0x1", "1" * 16]
)
def test_what_is_no_short_decimal_is_left_alone(text: str) -> None:
    """Neither guessed at nor cut."""
    raw = np.frombuffer(text.encode() + bytes(LONGEST + 1), dtype=np.uint8)

    _, right = decimals(raw, np.array([0]), np.array([len(text)]))

    assert not right.any()


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.one_of(PLAIN, ANY), WORD, PLAIN), min_size=1, max_size=8),
    st.sampled_from(",;\t"),
    st.booleans(),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
def test_whatever_a_program_writes_is_read(
    rows: list[tuple[str, str, str]],
    delimiter: str,
    quoted: bool,
    end: bytes,
    mark: bytes,
) -> None:
    """Any delimiter, quotes, line ends, marks: numbers and text as they were."""
    raw = mark + written(rows, delimiter, quoted).replace(b"\n", end)

    found = read(raw)

    numbers = np.array([[float(t), float(x)] for t, _, x in rows])
    assert found.numbers.tobytes() == numbers.tobytes()
    names, which = found.words[0]
    assert [names[n] for n in which] == [said for _, said, _ in rows]


@settings(max_examples=100)
@given(st.binary(max_size=60))
def test_whatever_the_bytes_are_it_ends_in_numbers_or_in_one_message(
    raw: bytes,
) -> None:
    """No other error, whatever someone calls a CSV file."""
    try:
        found = read(b"t,said,x y\n1,a,2\n" + raw).numbers.shape[1] == 2
    except Unreadable as refused:
        found = str(refused).startswith("a.csv")

    assert found


def test_blocks_are_one_file(tmp_path: Path) -> None:
    """Lines over the edges of blocks, words that come late, empty lines at the end."""
    n_rows = BLOCK // 50
    cells = "0.123456789012345"
    rows = [f"{n},{cells},w{n * 3 // n_rows},{cells}\r\n" for n in range(n_rows)]
    path = tmp_path / "long.csv"
    path.write_bytes(("t,a,said,b\r\n" + "".join(rows) + "\r\n\n").encode())

    found = table(File(path, "long.csv"), ("t", "b"), ("said",))

    np.testing.assert_array_equal(found.numbers[:, 0], np.arange(n_rows))
    np.testing.assert_array_equal(found.words[0].which, np.arange(n_rows) * 3 // n_rows)


def test_a_line_far_into_a_file_is_named(tmp_path: Path) -> None:
    """Behind the edge of a block as well: line 200 000 is the line of that number."""
    rows = [f"{n},a,0.123456789012345\n" for n in range(200_000)]
    rows[199_998] = "oops,a,1\n"
    path = tmp_path / "long.csv"
    path.write_text("t,said,x y\n" + "".join(rows) * 2)
    assert path.stat().st_size > BLOCK

    with pytest.raises(Unreadable) as refused:
        table(File(path, "long.csv"), ("t",))

    assert str(refused.value) == "long.csv:200000: column 't': 'oops' is no number"


GOOD = b"t,said,x y\n0,a,1\n"
CUT_OFF = "  it is the last line: was the file cut off?"
NAME_THEM = "  write a first line that names the columns"
UNIX = "  save it with line ends of Unix or Windows"
UTF8 = "save it as CSV in UTF-8"
REFUSED = {
    "too few cells": (
        GOOD + b"1,a\n2,a,1\n",
        "a.csv:3: has 2 cells: wanted 3, as the first line has names",
    ),
    "cut off": (
        GOOD + b"1,a,1\n2,a",
        "a.csv:4: has 2 cells: wanted 3, as the first line has names\n" + CUT_OFF,
    ),
    "too many cells": (
        GOOD + b"1,a,1,1\n",
        "a.csv:3: has 4 cells: wanted 3, as the first line has names",
    ),
    "an empty line": (
        GOOD + b"\n2,a,1\n",
        "a.csv:3: has 1 cells: wanted 3, as the first line has names",
    ),
    "text for a number": (
        GOOD + b"1,a,fast\n",
        "a.csv:3: column 'x y': 'fast' is no number",
    ),
    "a number as Python has them": (
        GOOD + b"1,a,1_000\n",
        "a.csv:3: column 'x y': '1_000' is no number",
    ),
    "decimal commas": (
        b"t;said;x y\n0;a;1,5\n",
        "a.csv:2: column 'x y': '1,5' is no number\n  write a point for the decimals",
    ),
    "no names": (
        b"0,1,2\n0,1,2\n",
        "a.csv:1: holds numbers, not names of columns\n" + NAME_THEM,
    ),
    "a name twice": (b"t,said,t\n0,1,2\n", "a.csv:1: two columns are called 't'"),
    "another name": (
        b"t,said,xy\n0,a,1\n",
        "a.csv:1: has no column 'x y'; it has: t, said, xy\n  did you mean 'xy'?",
    ),
    "no rows": (
        b"t,said,x y\n",
        "a.csv: has a first line but no rows\n  copy it again",
    ),
    "UTF-16": (GOOD.decode().encode("utf-16"), f"a.csv: is UTF-16\n  {UTF8}"),
    "Latin-1": (
        GOOD + "1,gähnen,1\n".encode("latin-1"),
        f"a.csv:3: 'g\ufffdhnen' is not UTF-8\n  {UTF8}",
    ),
    "Latin-1 in the names": (
        "t,said,größe\n".encode("latin-1"),
        f"a.csv:1: byte 10 is not UTF-8\n  {UTF8}",
    ),
    "an Excel file": (b"PK\x03\x04rest", f"a.csv: is a zip file\n  {UTF8}"),
    "a zero byte": (
        GOOD + b"1,\0,1\n",
        "a.csv:3: holds a zero byte: this is no text",
    ),
    "lines of an old Mac": (
        GOOD.replace(b"\n", b"\r"),
        "a.csv:1: has lines that end in CR alone\n" + UNIX,
    ),
    "an open quote": (
        GOOD + b'1,"a,1\n2,b,1\n',
        "a.csv:3: a quote that is not closed on its line",
    ),
    "a huge cell": (
        GOOD + b"1," + b"a" * 300 + b",1\n",
        "a.csv:3: a cell of 300 bytes: the most is 200",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused_by_its_line(case: str) -> None:
    """One message: file, line, reason, what to do."""
    raw, message = REFUSED[case]

    with pytest.raises(Unreadable) as refused:
        read(raw)

    assert str(refused.value) == message
