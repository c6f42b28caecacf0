"""`dataclass` as the standard library has it, made sooner where it is frozen.

    from pipeline.frozen import dataclass

The standard one compiles seven functions for each frozen class: 0.6 ms, at every start
of a program, for a hundred classes. Here one is compiled, the __init__, and fills the
slots themselves, which is twice as fast, too. What reads a dataclass (`fields`,
`replace`, a type checker) finds what it always found. Whatever is asked for beyond a
frozen class with slots is left to the standard library.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - this is the type
else:

    def dataclass(cls: Any = None, /, **asked: Any) -> Any:
        """Make a dataclass, as `dataclasses.dataclass` does."""
        if cls is None:
            return lambda cls: dataclass(cls, **asked)
        if (
            not asked.get("frozen")
            or not asked.get("slots")
            or not _is_plain(cls, asked)
        ):
            return dataclasses.dataclass(cls, **asked)
        return _made(cls, is_kw_only=asked.get("kw_only", False))


_KNOWN = {"frozen", "slots", "kw_only"}
_OWN = ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__", "__delattr__")


def _is_plain(cls: type[Any], asked: dict[str, Any]) -> bool:
    """Tell whether nothing is asked for that only the standard library knows."""
    is_alone = cls.__bases__ == (object,)
    writes_none = not any(name in cls.__dict__ for name in (*_OWN, "__post_init__"))
    wants = [v for v in vars(cls).values() if isinstance(v, dataclasses.Field)]
    plain = all(f.init and f.repr and f.compare and f.hash is None for f in wants)
    return is_alone and writes_none and plain and set(asked) <= _KNOWN


def _made(cls: type[Any], *, is_kw_only: bool) -> type[Any]:
    bare: Any = dataclasses.dataclass(
        init=False, repr=False, eq=False, slots=True, kw_only=is_kw_only
    )(cls)
    fields = dataclasses.fields(bare)
    names = tuple(field.name for field in fields)
    bare.__init__ = _init(bare, fields, is_kw_only=is_kw_only)
    bare.__eq__, bare.__hash__ = _comparing(names)
    bare.__repr__ = _repr
    bare.__setattr__, bare.__delattr__ = _refuse_change, _refuse_loss
    bare.__getstate__, bare.__setstate__ = _state, _take_state
    bare.__dataclass_params__.frozen = True
    return bare  # type: ignore[no-any-return]


def _init(
    cls: type[Any], fields: tuple[dataclasses.Field[Any], ...], *, is_kw_only: bool
) -> Any:
    """Write and compile the one function of a class that differs in its words."""
    known: dict[str, Any] = {"_NO": dataclasses.MISSING}
    arguments = ["self", *(["*"] if is_kw_only and fields else [])]
    body = []
    for field in fields:
        name, value = field.name, field.name
        known[f"_set_{name}"] = getattr(cls, name).__set__
        if field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            arguments.append(f"{name}=_default_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            arguments.append(f"{name}=_NO")
            value = f"_make_{name}() if {name} is _NO else {name}"
        else:
            arguments.append(name)
        body.append(f" _set_{name}(self, {value})")
    source = f"def __init__({', '.join(arguments)}):\n" + "\n".join(body or [" pass"])
    exec(source, known)  # noqa: S102 - the words are a class's own, as in dataclasses
    init = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__annotations__ = {field.name: field.type for field in fields}
    return init


def _comparing(names: tuple[str, ...]) -> tuple[Any, Any]:
    """Give __eq__ and __hash__ over the fields called `names`."""
    values = attrgetter(*names) if names else lambda _self: ()

    def eq(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return values(self) == values(other)

    def hash_(self: Any) -> int:
        return hash(values(self))

    return eq, hash_


def _repr(self: Any) -> str:
    said = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self))
    return f"{self.__class__.__qualname__}({', '.join(said)})"


def _refuse_change(_self: Any, name: str, _value: object) -> None:
    message = f"cannot assign to field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _refuse_loss(_self: Any, name: str) -> None:
    message = f"cannot delete field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _take_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
