"""Proof of life: lines for people, and a number that only grows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pulse import Pulse, beat_of, parse, size

PULSE = Pulse(
    beat=41,
    at="2026-11-20T17:10:03.000000Z",
    run="20261120-1710-a3f9",
    stages=("train", "plot"),
    elapsed_s=90.4,
    progress_age_s=1.2,
    load=1.214,
    memory_free=12_100_000_000,
    memory_total=24_000_000_000,
    disk_free=-1,
    disk_total=-1,
    gpus=("0: 87 % busy, 9120 of 23028 MiB, 61 C",),
    last_line="epoch 3  loss: 0.41",
)


def test_a_beat_can_be_watched_with_cat() -> None:
    """One thing a line, and what is not known is not made up."""
    assert PULSE.text() == (
        "beat: 41\n"
        "time: 2026-11-20T17:10:03.000000Z\n"
        "run: 20261120-1710-a3f9\n"
        "stage: train, plot\n"
        "elapsed: 90 s\n"
        "progress age: 1 s\n"
        "load: 1.21\n"
        "memory: 12.1 GB free of 24.0 GB\n"
        "disk: unknown\n"
        "gpu 0: 87 % busy, 9120 of 23028 MiB, 61 C\n"
        "log: epoch 3  loss: 0.41\n"
    )


@given(st.text(st.characters(exclude_characters="\n", codec="utf-8")))
def test_a_log_line_cannot_forge_a_beat(line: str) -> None:
    """Whatever a stage prints stays on its own line of the heartbeat."""
    forged = f"{line}\N{LINE SEPARATOR}beat: 999"

    text = "".join([PULSE.text().rpartition("log: ")[0], f"log: {forged}\n"])

    assert beat_of(text) == 41
    assert parse(text)["log"] == forged


@given(st.text())
def test_any_text_has_a_beat_or_none(text: str) -> None:
    """A heartbeat comes from a box, and may be torn or foreign."""
    assert beat_of(text) >= -1
    assert beat_of(f"beat: {text}") >= -1


@pytest.mark.parametrize("number", ["", "-1", "1.5", "²", "x", "9" * 5000])
def test_what_is_no_beat_is_none(number: str) -> None:
    """A digit of another script, or one number too long, is no error of ours."""
    assert beat_of(f"beat: {number}\n") == -1


SIZES = {0: "0 B", 999: "999 B", 1000: "1.0 kB", 1.4e6: "1.4 MB", 2e15: "2000.0 TB"}


@pytest.mark.parametrize(("count", "said"), SIZES.items())
def test_how_a_size_is_said(count: float, said: str) -> None:
    """Each row: bytes, and the words for them."""
    assert size(count) == said
