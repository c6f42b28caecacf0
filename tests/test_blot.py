"""A secret is put out in whatever way a program spells it, and however it is split."""

from __future__ import annotations

import base64
import json
import shlex
import textwrap
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.logs import LogFollower
from pipeline.secrets.blot import (
    BLOT,
    begun_at,
    blot,
    blot_unfinished,
    holds,
    masked,
    secret_values,
)
from pipeline.secrets.values import scrub

VALUE = "s3cr/et+va\"lue's-%12 34é\\7"
KEY = (
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nEFAASCBKcwggSj\n-----END KEY-----"
)
SECRETS = secret_values({"A": VALUE, "B": KEY}, named=("A", "B"))
RAW = VALUE.encode()


def in_base64(before: str, after: str) -> str:
    """Encode a longer text in which the value stands."""
    return base64.b64encode(f"{before}{VALUE}{after}".encode()).decode()


# How it is spelled, and how many letters may be left: of what stands around it, and in
# base64 those that hold some bits of a neighbour.
SPELLED: dict[str, tuple[str, int]] = {
    "as it is": (VALUE, 0),
    "repr": (repr(VALUE), 2),
    "repr of bytes": (repr(RAW), 3),
    "JSON": (json.dumps({"key": VALUE}), 11),
    "JSON, not escaped": (json.dumps([VALUE], ensure_ascii=False), 4),
    "percent": (quote(VALUE, safe=""), 0),
    "percent, its slashes kept": (quote(VALUE), 0),
    "percent, small letters": (quote(VALUE, safe="").lower(), 0),
    "plus": (quote_plus(VALUE), 0),
    "hex": (RAW.hex(), 0),
    "HEX": (RAW.hex().upper(), 0),
    "quoted for a shell": (shlex.quote(VALUE), 2),
    "base64": (in_base64("", ""), 4),
    "base64, one before": (in_base64("x", "more"), 9),
    "base64, two before": (in_base64("user:", "@host"), 17),
    "base64 for a URL": (base64.urlsafe_b64encode(b"\xff" + RAW).decode(), 5),
    "base64 in rows": (textwrap.fill(in_base64("{'a': '", "'}" * 9), 20), 40),
    "over two lines": (VALUE[:9] + "\n" + VALUE[9:], 1),
    "indented": (VALUE[:5] + "\n      " + VALUE[5:], 1),
}


@pytest.mark.parametrize(("spelled", "most"), SPELLED.values(), ids=SPELLED)
def test_each_spelling_is_put_out(spelled: str, most: int) -> None:
    """Nothing of it is left but what stands around it."""
    shown = blot(f"before {spelled} after".encode(), SECRETS)

    assert shown.startswith(b"before ")
    assert shown.endswith(b" after")
    left = shown[7:-6].replace(BLOT, b"")
    assert len(left) <= most, shown


def test_a_key_of_many_lines_is_put_out_whole_and_line_by_line() -> None:
    """Also where each of its line ends was written as two letters."""
    assert blot(KEY.encode(), SECRETS).replace(b"\n", b"") == BLOT * 4
    for line in KEY.splitlines():
        assert blot(line.encode(), SECRETS) == BLOT
    assert blot(json.dumps(KEY).encode(), SECRETS) == b'"' + BLOT + b'"'
    encoded = base64.encodebytes(KEY.encode())
    assert BLOT in blot(encoded, SECRETS)
    assert base64.b64encode(KEY.encode())[8:30] not in blot(encoded, SECRETS)


def test_lines_stay_as_many_as_they_were() -> None:
    """So that what stands below a blot is found where it was."""
    shown = blot(f"a\n{VALUE[:9]}\n{VALUE[9:]}\nb\n".encode(), SECRETS)

    assert shown == b"a\n***\n***\nb\n"


def test_what_is_no_secret_stays() -> None:
    """A part of one, a neighbour of one, and an ordinary line."""
    text = f"{VALUE[:9]} and {VALUE[12:]}, loss=0.25 \\n %20".encode()

    assert blot(text, SECRETS) == text
    assert not holds(text, SECRETS)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_masked_text_is_as_long_as_before(before: bytes, after: bytes) -> None:
    """A log is rid of a secret in its place."""
    text = before + RAW + after

    clean = masked(text, SECRETS)

    assert len(clean) == len(text)
    assert not holds(clean, SECRETS)
    assert text.count(b"\n") == clean.count(b"\n")


@given(st.integers(2, len(RAW) - 1), st.binary(max_size=20))
def test_what_may_go_on_is_known(size: int, before: bytes) -> None:
    """From its first letter on, wherever in a line it begins."""
    at = begun_at(before + b" " + RAW[:size], SECRETS)

    assert at <= len(before) + 1


def test_an_unfinished_line_shows_no_beginning() -> None:
    """Whatever was printed of it so far."""
    for size in range(len(RAW) + 1):
        shown = blot_unfinished(b"key: " + RAW[:size], SECRETS)

        assert shown in {b"key:", b"key: ", b"key: ***"}


@pytest.mark.parametrize("mark", [b"", b"\n"], ids=["in a line", "over lines"])
def test_a_secret_in_two_writes_is_put_out(tmp_path: Path, mark: bytes) -> None:
    """Wherever it is cut, and whatever was published by then."""
    for cut in range(1, len(RAW)):
        folder = tmp_path / f"{cut}"
        folder.mkdir()
        follow, write = following(folder)
        for block in (b"key ", RAW[:cut] + mark, RAW[cut:] + b"\nnext\n"):
            write(block)
            assert RAW[:2] not in follow.last_line.encode()
        follow.close()

        shown = (folder / "stage.log").read_bytes()
        dense = b"".join(shown.split())
        # One letter at the end of a line is nothing to wait for.
        first = RAW[:1] if mark and cut == 1 else b""
        assert dense in {b"key" + first + BLOT + b"next", b"key" + BLOT * 2 + b"next"}


def following(folder: Path) -> tuple[LogFollower, Callable[[bytes], None]]:
    """Follow a log; give what writes to it and lets that be read at once."""
    raw = folder / "raw"
    raw.touch()
    follow = LogFollower(
        raw, folder / "stage.log", secrets=SECRETS, on_tick=lambda _: None
    )

    def write(block: bytes) -> None:
        with raw.open("ab") as file:
            file.write(block)
        follow.pump()

    return follow, write


def test_lines_that_begin_no_secret_come_at_once(tmp_path: Path) -> None:
    """And one that might have come with the next, or at the end."""
    follow, write = following(tmp_path)
    shown = tmp_path / "stage.log"

    write(b"one\n")
    assert shown.read_bytes() == b"one\n"
    write(b"ends in " + RAW[:6] + b"\n")
    assert shown.read_bytes() == b"one\n"
    write(b"but goes on\n")
    assert shown.read_bytes() == b"one\nends in " + RAW[:6] + b"\nbut goes on\n"
    write(RAW[:6] + b"\n")
    follow.close()

    assert shown.read_bytes().endswith(RAW[:6] + b"\n")


def test_a_raw_log_is_rid_of_secrets(tmp_path: Path) -> None:
    """Where one lies on the border of two pieces, too; all else stays."""
    log = tmp_path / "raw"
    border = 1 << 20
    text = b"a" * (border - 7) + RAW + b"b" * border + b"\n" + RAW
    log.write_bytes(text)

    scrub(log, SECRETS)

    clean = log.read_bytes()
    assert len(clean) == len(text)
    assert not holds(clean, SECRETS)
    assert clean.translate(None, b"* ") == b"a" * (border - 7) + b"b" * border + b"\n"
    scrub(tmp_path / "not there", SECRETS)


def test_short_values_are_left_alone() -> None:
    """They are words; the laptop refuses to send one as a secret."""
    assert secret_values({"A": "short", "TOKEN": "true"}, named=("A",)) == ()
