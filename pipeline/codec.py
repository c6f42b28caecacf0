"""Frozen dataclasses to JSON and back, checked on the way in.

One codec serves plan.json, events, seals and reports, so that a type is its own format.
Unknown keys are passed over (a newer writer may say more); missing ones without a
default, and values of the wrong type, are refused by name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Union, cast

from pipeline.errors import IntegrityError

T = TypeVar("T")
Json = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

_UNIONS = (Union, types.UnionType)


def encode(value: object) -> Json:
    """Turn a dataclass of plain things into what `json` can write."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {f.name: encode(getattr(value, f.name)) for f in fields}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    return cast("Json", value)


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
    return cast("T", _decode(kind, raw, what))


def _decode(kind: Any, raw: Any, what: str) -> Any:
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return raw
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(cast("type[Any]", kind), raw, what)
    if origin in _UNIONS:
        return _decode_union(kind, raw, what)
    if origin is typing.Literal:
        _refuse_unless(raw in typing.get_args(kind), kind, raw, what)
        return raw
    if origin is tuple:
        _refuse_unless(isinstance(raw, list), kind, raw, what)
        inner = typing.get_args(kind)[0]
        return tuple(_decode(inner, item, what) for item in raw)
    if origin in (dict, Mapping):
        _refuse_unless(isinstance(raw, dict), kind, raw, what)
        inner = typing.get_args(kind)[1]
        return {
            key: _decode(inner, item, f"{what}: {key}") for key, item in raw.items()
        }
    return _decode_scalar(kind, raw, what)


def _decode_dataclass(kind: type[Any], raw: Any, what: str) -> Any:
    _refuse_unless(isinstance(raw, dict), kind, raw, what)
    known = _types(kind)
    values = {}
    for field in dataclasses.fields(kind):
        if field.name in raw:
            inner = f"{what}: {field.name}"
            values[field.name] = _decode(known[field.name], raw[field.name], inner)
    try:
        return kind(**values)
    except TypeError as error:
        message = f"{what} is not a whole {kind.__name__}: {error}"
        raise IntegrityError(message) from error


def _decode_union(kind: Any, raw: Any, what: str) -> Any:
    for option in typing.get_args(kind):
        if option is type(None):
            if raw is None:
                return None
            continue
        try:
            return _decode(option, raw, what)
        except IntegrityError:
            continue
    raise _refusal(kind, raw, what)


def _decode_scalar(kind: Any, raw: Any, what: str) -> Any:
    if kind is float and isinstance(raw, int) and not isinstance(raw, bool):
        with contextlib.suppress(OverflowError):  # no float is that large: refused
            return float(raw)
    is_right = isinstance(raw, kind) and (kind is bool or not isinstance(raw, bool))
    _refuse_unless(is_right, kind, raw, what)
    return raw


def _refuse_unless(holds: Any, kind: Any, raw: object, what: str) -> None:
    if not holds:
        raise _refusal(kind, raw, what)


def _refusal(kind: Any, raw: object, what: str) -> IntegrityError:
    name = getattr(kind, "__name__", str(kind))
    return IntegrityError(f"{what} should be {name}, found {str(raw)[:60]!r}")


_KNOWN_TYPES: dict[type[Any], dict[str, Any]] = {}


def _types(kind: type[Any]) -> dict[str, Any]:
    """Resolve a class's annotations, once: that costs more than all decoding."""
    if kind not in _KNOWN_TYPES:
        _KNOWN_TYPES[kind] = typing.get_type_hints(kind)
    return _KNOWN_TYPES[kind]
