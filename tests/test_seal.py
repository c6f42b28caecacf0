"""What a commit says: any text in, the same seal out, and nothing forged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import HostError
from pipeline.seal import Seal, one_line, parse_seal
from tests.strategies import SEALS, TEXT, TRAIN_SEAL

FORGED = "x\n\nStage: forged\nAttempt: 1\nVerdict: pass\nSeal-Format: 1"


@given(SEALS)
def test_a_seal_is_read_from_its_message(seal: Seal) -> None:
    """The ledger needs nothing but the trailers."""
    assert parse_seal("c0ffee", seal.message()) == seal


@given(SEALS, TEXT, TEXT)
def test_any_text_becomes_one_line(seal: Seal, subject: str, host: str) -> None:
    """Newlines of any script are spaces in a commit message; nothing else is lost."""
    odd = replace(seal, subject=f"{FORGED}{subject}", host=f"{host}{FORGED}")

    found = parse_seal("c0ffee", odd.message())

    subject, host = one_line(odd.subject), one_line(odd.host)
    assert found == replace(seal, subject=subject, host=host)


@given(
    st.text()
    | st.lists(st.sampled_from([*TRAIN_SEAL.message().split(), "\n", ": ", "²"]))
)
def test_any_message_is_a_seal_or_none(message: str | list[str]) -> None:
    """Somebody may commit on a run's branch; it ends in no error of ours."""
    text = message if isinstance(message, str) else "".join(message)

    assert parse_seal("c0ffee", text) is None or "Stage: " in text


@pytest.mark.parametrize(
    ("trailer", "other"),
    [
        *(("Attempt: 1", "Attempt: ²"), ("Attempt: 1", "Attempt: -1")),
        *(("Seal-Format: 1", "Seal-Format: one"), ("Seal-Format: 1\n", "")),
        *(("Verdict: pass", "Verdict: maybe"), ("Stage: train\n", "")),
    ],
)
def test_a_message_that_is_not_quite_a_seal_is_none(trailer: str, other: str) -> None:
    """Each row: a trailer, and what stands there instead."""
    assert parse_seal("c0ffee", TRAIN_SEAL.message().replace(trailer, other)) is None


def test_a_seal_of_a_newer_version_is_refused_by_name() -> None:
    """To pass it over would do its stage again."""
    newer = TRAIN_SEAL.message().replace("Seal-Format: 1", "Seal-Format: 2")

    with pytest.raises(HostError, match="seal c0ffee1 has format 2"):
        parse_seal("c0ffee123", newer)
