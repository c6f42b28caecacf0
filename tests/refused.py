"""What tests of refusals share: small texts, and what is said of them."""

from __future__ import annotations

import pytest

from pipeline import spec
from pipeline.errors import SpecError

ONE = "name: x\nstages: {a: {sh: x}}\n"

# Nine lines that come to 400 million words when written out.
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def said(text: bytes | str, *overrides: str) -> str:
    """Give the whole message with which `text` is refused."""
    with pytest.raises(SpecError) as caught:
        spec.parse(text, overrides=overrides)
    return str(caught.value)
