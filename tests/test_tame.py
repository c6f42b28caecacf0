"""Foreign text never moves a cursor."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.views.tame import tame, tame_lines

ROWS = {
    "plain": ("epoch 3  loss 0.41", "epoch 3  loss 0.41"),
    "markup is only text": ("[bold]loud[/bold]", "[bold]loud[/bold]"),
    "colour": ("\x1b[1;32mgreen\x1b[0m", "green"),
    "cursor and clear": ("\x1b[2J\x1b[Hhome", "home"),
    "one-byte escape": ("\x9b31mred", "red"),
    "title, ended by a bell": ("\x1b]0;stolen\x07text", "text"),
    "link": ("\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\", "text"),
    "title without an end": ("\x1b]0;seen", "0;seen"),
    "progress bar": ("10 %\r50 %\r90 %\r\n", "90 %"),
    "bell": ("a\x07b", "a\N{REPLACEMENT CHARACTER}b"),
    "tab": ("a\tb", "a   b"),
    "wide": ("日本語 ok", "日本語 ok"),
    "turned direction": ("abc\N{RIGHT-TO-LEFT OVERRIDE}def", "abcdef"),
    "bytes that were no text": ("a\udcffb", "a\N{REPLACEMENT CHARACTER}b"),
    "line separator": ("a\N{LINE SEPARATOR}b", "a b"),
    "newline": ("é\nb", "é b"),
    "emoji form": ("\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}", "❤"),
}


@pytest.mark.parametrize(("text", "shown"), ROWS.values(), ids=ROWS)
def test_what_is_shown_of_a_text(text: str, shown: str) -> None:
    """Each row: what came, and what a person sees of it."""
    assert tame(text) == shown


@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_nothing_shown_is_an_order(text: str) -> None:
    """Whatever came, all that is left can be printed and encoded."""
    shown = tame(text)

    assert shown.isprintable()
    assert shown.encode().decode() == shown


def test_a_long_text_gives_its_last_lines() -> None:
    """A traceback is told from its end, where the reason stands."""
    text = "first\n\n" + "\n".join(f"line {n}" for n in range(30))

    assert tame_lines(text, most=2) == ["line 28", "line 29"]
