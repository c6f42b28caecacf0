"""What differs between two fingerprints, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline import codec
from pipeline.fingerprint import ABSENT
from pipeline.frozen import dataclass
from pipeline.pulse import many

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.fingerprint import Parts

_MOST_VALUE = 40
_BEFORE = 12  # letters shown before the place where two long texts begin to differ
_FILES = ("code", "read", "input", "data")
_RULES = {
    "imports": "what it imports",
    "named": "what `code:` names",
    "all": "all of the snapshot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not as it was: what kind of thing, which, and both values.

    old and new are objects of git where the kind is `code` or `read`, hashes where it
    is `input` or `data`, and plain words otherwise; nothing stands for "not there".
    """

    kind: str
    name: str
    old: str = ""
    new: str = ""

    def text(self) -> str:
        """Say it in one line."""
        if self.kind == "code" and not self.name:
            return "code changed"
        if self.kind in _FILES:
            return f"{self.kind} {self.name} {self._word()}"
        what = self.name if self.kind == "setting" else f"{self.kind} {self.name}"
        if not self.old:
            return f"{what} is new: {_cut(self.new)}"
        if not self.new:
            return f"{what} is gone, was {_cut(self.old)}"
        return f"{what}: {_cut_both(self.old, self.new)}"

    def _word(self) -> str:
        if not self.old:
            return "is new"
        return "changed" if self.new else "is gone"


def between(old: Parts, new: Parts) -> list[Change]:
    """Say all that differs; nothing when, and only when, the fingerprints agree."""
    found = [
        *of_mapping("param", old.params, new.params),
        *_of_code(old, new),
        *of_inputs(old.inputs, new.inputs),
        *_of_environment(old.environment, new.environment),
        *_of_settings(old, new),
    ]
    if not found and old.digest() != new.digest():
        # Two ways to write one thing: it counts, and no single name says it.
        was, now = old.digest(), new.digest()
        return [Change(kind="setting", name="fingerprint", old=was, new=now)]
    return found


def _of_code(old: Parts, new: Parts) -> Iterator[Change]:
    """Compare files where they are named, and else the hash for all of them."""
    if old.rule != new.rule:
        was, now = (_RULES.get(rule, rule) for rule in (old.rule, new.rule))
        yield Change(kind="setting", name="code", old=was, new=now)
        return
    found = list(of_mapping("code", old.files, new.files))
    yield from found
    if old.code != new.code and not found:
        yield Change(kind="code", name="", old=old.code, new=new.code)


def _of_settings(old: Parts, new: Parts) -> Iterator[Change]:
    for name, was, now in (
        ("stage", old.stage, new.stage),
        ("run", old.run, new.run),
        ("sh", old.sh, new.sh),
        ("outputs", _listed(old.outputs), _listed(new.outputs)),
        ("collect", _listed(old.collect), _listed(new.collect)),
        ("device", old.device, new.device),
        ("format", str(old.format), str(new.format)),
    ):
        if was != now:
            yield Change(kind="setting", name=name, old=was, new=now)


def _listed(names: tuple[str, ...]) -> str:
    is_plain = all(name and ", " not in name for name in names)
    return ", ".join(names) if is_plain else codec.dumps(names)


def of_mapping(
    kind: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[Change]:
    """Compare name by name."""
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change(kind=kind, name=name, old=_word(old[name]))
        elif name not in old:
            yield Change(kind=kind, name=name, new=_word(new[name]))
        elif (was := codec.dumps(old[name])) != (now := codec.dumps(new[name])):
            before, after = _word(old[name]), _word(new[name])
            if before != after:  # and not "3" beside 3
                was, now = before, after
            yield Change(kind=kind, name=name, old=was, new=now)


def of_inputs(
    old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]
) -> Iterator[Change]:
    """Compare what lies behind each input; an optional data set comes and goes."""
    for ref in sorted({*old, *new}):
        was, now = old.get(ref), new.get(ref)
        if was is not None and now is not None and was != now and ABSENT in (was, now):
            was, now = (None if one == ABSENT else one for one in (was, now))
        kind = "data" if ref.startswith("data:") else "input"
        shown = ref.removeprefix("data:")
        if was is None or now is None:
            yield Change(kind=kind, name=shown, old=_count(was), new=_count(now))
            continue
        before, after = "".join(was.values()), "".join(now.values())
        if len(was) == len(now) == 1 and before != after and before and after:
            yield Change(kind=kind, name=shown, old=before, new=after)
            continue
        head = shown if kind == "data" else ref.partition("/")[0]
        for change in of_mapping(kind, was, now):
            name = f"{head}/{change.name}"
            yield Change(kind=kind, name=name, old=change.old, new=change.new)


def _count(files: Mapping[str, str] | None) -> str:
    if files is None:
        return ""
    if files == ABSENT:
        return "absent"
    return many(len(files), "file")


# What of an environment is a mapping, and what one of its entries is called.
_LISTED = {
    "packages": "package",
    "contents": "content of package",
    "conda": "conda package",
    "sources": "source",
    "asked": "environment file",
}


def _of_environment(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Compare environments: packages one by one, all else by its name."""
    told: set[str] = set()
    for part, kind in _LISTED.items():
        was, now = old.get(part, {}), new.get(part, {})
        if not (isinstance(was, Mapping) and isinstance(now, Mapping)):
            continue
        for change in of_mapping(kind, was, now):
            # What a package brought is another thing where its version is, too.
            if not (part == "contents" and change.name in told):
                yield change
            told.add(change.name)
        old = {k: v for k, v in old.items() if k != part}
        new = {k: v for k, v in new.items() if k != part}
    yield from of_mapping("environment", old, new)


def _word(value: object) -> str:
    return value if isinstance(value, str) and value else codec.dumps(value)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _MOST_VALUE else f"{text[: _MOST_VALUE - 3]}..."


def _cut_both(old: str, new: str) -> str:
    """Show two values; of long ones, from shortly before they differ."""
    was, now = (" ".join(text.split()) for text in (old, new))
    if was == now:
        return "its spaces changed"
    if max(len(was), len(now)) > _MOST_VALUE:
        pairs = enumerate(zip(was, now, strict=False))
        same = next((at for at, (a, b) in pairs if a != b), min(len(was), len(now)))
        if same > _BEFORE:
            was, now = (f"...{text[same - _BEFORE :]}" for text in (was, now))
    return f"{_cut(was)} -> {_cut(now)}"
