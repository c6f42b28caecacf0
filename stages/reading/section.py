"""A mapping of a manifest, and where in it one is: every mistake names its key."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from stages.reading.unreadable import Unreadable
from stages.reading.wording import near, shown

if TYPE_CHECKING:
    from collections.abc import Sequence


class Section(NamedTuple):
    """Some keys and values, read from a manifest.

    where: how messages name it; known: the keys it may have, None: any text
    """

    where: str
    said: dict[str, Any]
    known: Sequence[str] | None = None

    def has(self, key: str) -> bool:
        """Say whether a key is there."""
        return self.said.get(key) is not None

    def wrong(self, key: str, reason: str, advice: str = "") -> Unreadable:
        """Give the mistake at a key."""
        return Unreadable(f"{self.where}: `{key}`", reason, advice)

    def get(self, key: str, default: Any) -> Any:
        """Give a value, or what stands for it; both are lists or both are not."""
        value = self.said.get(key)
        if value is None:
            return default
        if isinstance(value, list) != isinstance(default, list):
            raise self.wrong(key, f"is {shown(value)}: wanted a list")
        return value

    def value(self, key: str) -> Any:
        """Give a value that must be there."""
        value = self.said.get(key)
        if value is None or value in ([], {}):
            reason = "is not there" if value is None else "is empty"
            raise self.wrong(key, reason, "docs/recordings.md shows every key")
        return value

    def text(self, key: str) -> str:
        """Give a text that must be there."""
        try:
            return self.text_of(self.value(key))
        except Unreadable as error:
            raise self.wrong(key, error.reason, error.advice) from None

    def text_of(self, value: object, *, empty: bool = False) -> str:
        """Give a value as text: whole numbers are taken for names, nothing else is."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not (value or empty):
            is_odd = not isinstance(value, (str, list, dict))
            advice = "put it into quotes" if is_odd else ""
            reason = f"{shown(value)}: wanted a text"
            raise Unreadable(self.where, reason, advice)
        return value

    def number(self, key: str, default: float | None = None) -> float:
        """Give a finite number."""
        if default is not None and not self.has(key):
            return default
        value = self.value(key)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):
            raise self.wrong(key, f"is {shown(value)}: wanted a number")
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Give true or false."""
        value = self.said.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"is {shown(value)}: wanted true or false")
        return value

    def section(self, key: str, known: Sequence[str] | None) -> Section:
        """Give the mapping at a key."""
        value = self.value(key)
        return section(f"{self.where}: `{key}`", value, known)

    def sections(self, key: str, known: Sequence[str]) -> list[Section]:
        """Give the mappings of a list at a key."""
        value = self.value(key)
        if not isinstance(value, list):
            raise self.wrong(key, f"is {shown(value)}: wanted a list")
        name = key.removesuffix("s")
        return [
            section(f"{self.where}: {name} {number}", each, known)
            for number, each in enumerate(value, 1)
        ]

    def over(self, other: Section, keys: Sequence[str]) -> Section:
        """Give these keys of this one, and of another where this one has them not.

        A time and a rate say the same thing: who says one of them, overrides both.
        """
        own = {key: self.said[key] for key in keys if self.has(key)}
        given = {key: other.said[key] for key in keys if other.has(key)}
        if {"time", "rate_hz"} & own.keys():
            given = {k: v for k, v in given.items() if k not in {"time", "rate_hz"}}
        return Section(self.where, {**given, **own}, keys)


def section(where: str, value: object, known: Sequence[str] | None) -> Section:
    """Check a mapping: its keys are texts, and such as are known."""
    if not isinstance(value, dict):
        raise Unreadable(where, f"is {shown(value)}: wanted keys and values")
    for key in value:
        if not isinstance(key, str):
            raise Unreadable(where, f"{shown(key)} is no key", "put it into quotes")
        if known is not None and key not in known:
            reason = f"has no key {key!r}: wanted {', '.join(known)}"
            raise Unreadable(where, reason, near(key, known))
    return Section(where, value, known)
