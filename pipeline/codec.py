"""Frozen dataclasses to JSON and back, checked on the way in.

One codec serves plan.json, events, seals and reports, so that a type is its own format.
Unknown keys are passed over (a newer writer may say more); missing ones without a
default, and values of the wrong type, are refused by name.

What a type asks of a value is found out once, and made into a reader: a log has a
hundred thousand lines, and a plan five thousand stages.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, Union, cast

from pipeline.errors import IntegrityError

T = TypeVar("T")
Json = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None
Reader = Callable[[Any], Any]

_UNIONS = (Union, types.UnionType)
_PLAIN = (str, int, float, bool, type(None))


def encode(value: object) -> Json:
    """Turn a dataclass of plain things into what `json` can write."""
    if isinstance(value, Mapping):
        # Nearly all there is are plain things in a dict: nothing is called for those.
        return {
            str(key): item if type(item) in _PLAIN else encode(item)
            for key, item in value.items()
        }
    if isinstance(value, (tuple, list)):
        return [item if type(item) in _PLAIN else encode(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind: Any = type(value)
        found = {name: getattr(value, name) for name in _names(kind)}
        return encode(found)
    return cast("Json", value)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def dumps(value: object) -> str:
    """Write `value` as one line of JSON; the same value always gives the same line."""
    return escaped(
        json.dumps(
            encode(value), ensure_ascii=False, sort_keys=True, separators=(",", ":")
        )
    )


def escaped(text: str) -> str:
    """Give JSON that any reader takes for UTF-8, whatever bytes a name was made of."""
    # For a lone surrogate, Python's escape and that of JSON are the same six letters.
    return text.encode("utf-8", "backslashreplace").decode()


def loads(kind: type[T], text: str | bytes, *, what: str) -> T:
    """Read a `kind` from JSON text; `what` names the source in a refusal."""
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"{what} is not JSON: {error}"
        raise IntegrityError(message) from error
    return decode(kind, raw, what=what)


def decode(kind: type[T], raw: object, *, what: str) -> T:
    """Build a `kind` from parsed JSON."""
    asked: Any = kind
    try:
        value: T = _reader(asked)(raw)
    except _Wrong as wrong:
        place = ": ".join([what, *reversed(wrong.place)])
        raise IntegrityError(f"{place} {wrong}") from wrong.__cause__
    return value


class _Wrong(Exception):
    """A value that is not what was asked for; `place` grows on its way out."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.place: list[str] = []


def _refusal(kind: Any, raw: object) -> _Wrong:
    name = getattr(kind, "__name__", str(kind))
    return _Wrong(f"should be {name}, found {str(raw)[:60]!r}")


@cache
def _reader(kind: Any) -> Reader:
    """Give what reads a `kind`, and raises _Wrong where it cannot."""
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return lambda raw: raw
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(kind)
    if origin in _UNIONS:
        return _union_reader(kind)
    if origin is typing.Literal:
        return _literal_reader(kind)
    if (origin or kind) in (tuple, list, Sequence):
        return _row_reader(kind)
    if origin in (dict, Mapping):
        return _mapping_reader(kind)
    return _scalar_reader(kind)


def _dataclass_reader(kind: Any) -> Reader:
    def read(raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise _refusal(kind, raw)
        values = {}
        name = ""
        try:
            # Asked for at the first value, not before: a type may hold itself.
            for name, exact, inner in _fields(kind):
                if name in raw:
                    value = raw[name]
                    values[name] = value if type(value) is exact else inner(value)
        except _Wrong as wrong:
            wrong.place.append(name)
            raise
        try:
            return kind(**values)
        except TypeError as error:
            message = f"is not a whole {kind.__name__}: {error}"
            raise _Wrong(message) from error

    return read


@cache
def _fields(kind: Any) -> list[tuple[str, type[Any] | None, Reader]]:
    """Give each field's name, the type that needs no reader, and its reader."""
    hints = typing.get_type_hints(kind)
    return [
        (name, _exactly(hints[name]), _reader(hints[name])) for name in _names(kind)
    ]


def _exactly(kind: Any) -> type[Any] | None:
    """Give the type whose values need no reader, if that is all that is asked."""
    return kind if kind in _PLAIN else None


def _union_reader(kind: Any) -> Reader:
    options = typing.get_args(kind)
    readers = [_reader(option) for option in options if option is not type(None)]
    may_be_none = len(readers) < len(options)

    def read(raw: Any) -> Any:
        if raw is None and may_be_none:
            return None
        for inner in readers:
            try:
                return inner(raw)
            except _Wrong:
                continue
        raise _refusal(kind, raw)

    return read


def _literal_reader(kind: Any) -> Reader:
    words = typing.get_args(kind)

    def read(raw: Any) -> Any:
        if raw not in words:
            raise _refusal(kind, raw)
        return raw

    return read


def _row_reader(kind: Any) -> Reader:
    """Read a list of any length, or a tuple with a type for each of its places."""
    asked = typing.get_args(kind)
    inner = _reader(next(iter(asked), Any))
    make = list if (typing.get_origin(kind) or kind) is list else tuple
    is_fixed = make is tuple and bool(asked) and asked[1:] != (...,)
    each = [_reader(one) for one in asked] if is_fixed and len(asked) > 1 else []

    def read(raw: Any) -> Any:
        if not isinstance(raw, list) or (each and len(each) != len(raw)):
            raise _refusal(kind, raw)
        if each:
            pairs = zip(each, raw, strict=True)
            return tuple([reader(item) for reader, item in pairs])
        return make([inner(item) for item in raw])

    return read


def _mapping_reader(kind: Any) -> Reader:
    item = next(iter(typing.get_args(kind)[1:]), Any)
    exact, inner = _exactly(item), _reader(item)

    def read(raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise _refusal(kind, raw)
        values = {}
        key = ""
        try:
            for key, value in raw.items():
                values[key] = value if type(value) is exact else inner(value)
        except _Wrong as wrong:
            wrong.place.append(key)
            raise
        return values

    return read


def _scalar_reader(kind: Any) -> Reader:
    if kind is float:
        return _read_float

    def read(raw: Any) -> Any:
        if isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool)):
            return raw
        raise _refusal(kind, raw)

    return read


def _read_float(raw: Any) -> float:
    if not isinstance(raw, (int, float)) or isinstance(raw, bool):
        raise _refusal(float, raw)
    try:
        return float(raw)
    except OverflowError:  # no float is that large
        raise _refusal(float, raw) from None
