"""pipeline.yaml as a JSON Schema (draft 7), for editors that complete and check.

Made from `keys`. It lets pass whatever `spec` does, and refuses what a schema can know:
unknown keys, wrong kinds, missing keys. `pipeline check` knows the rest.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.reading import keys
from pipeline.reading.keys import Key, Section
from pipeline.reading.table import A_DURATION, A_SIZE

if TYPE_CHECKING:
    from pipeline.layout import LaptopPaths

Schema = dict[str, Any]

FILE = "schema.json"  # in .pipeline, beside pipeline.yaml
_DRAFT = "http://json-schema.org/draft-07/schema#"
_NAMES_IT = re.compile(
    rb"^#\s*yaml-language-server:\s*\$schema=\.pipeline/", re.MULTILINE
)
_HEAD_BYTES = 4096  # the line is the first, or follows a few words on the file
# One word as it was written: an editor takes 3.10 for a number, and off for a switch.
_WORD: Schema = {"type": ["string", "number", "boolean"]}
_REMOTE = r"^(?!dirty$)[A-Za-z0-9_][A-Za-z0-9_./-]*$"
_NAME = r"^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*$"
_PARAMS: Schema = {
    "type": "object",
    "propertyNames": {"pattern": "^([A-Za-z_][A-Za-z0-9_-]*|<<)$"},
}
_WHOLE = r"^\+?([0-9][0-9_]*|0x[0-9a-fA-F]+|0o[0-7]+)$"
_NUMBER = rf"{_WHOLE}|^\+?[0-9]*\.?[0-9]*([eE][-+]?[0-9]+)?$"
_DURATION = (
    r"^([0-9]+(\.[0-9]+)? ?d ?)?([0-9]+(\.[0-9]+)? ?h ?)?"
    rf"([0-9]+(\.[0-9]+)? ?min ?)?([0-9]+(\.[0-9]+)? ?s)?$|{_NUMBER}"
)
_SIZE = rf"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT]i?)?[bB]$|{_WHOLE}"
_GATE = (
    r"^\s*[A-Za-z_][^\s<>=!]*\s*"
    r"((<=|>=|==|!=|<|>)\s*[-+]?[.0-9]\S*|is\s+finite)\s*$"
)
# As people write them, in any case: a pattern cannot say so in another way.
_SWITCHES = ("on", "off", "yes", "no", "true", "false")
_SWITCH: Schema = {
    "type": ["boolean", "string"],
    "pattern": "|".join(
        f"^{''.join(f'[{c}{c.upper()}]' for c in word)}$" for word in _SWITCHES
    ),
}


def _like(pattern: str, wanted: str, *types: str, **more: object) -> Schema:
    """Give a text of a pattern, and what an editor is to say where it is none."""
    said = {"patternErrorMessage": f"should be {wanted}"}
    return {"type": ["string", *types], "pattern": pattern, **said, **more}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _whole(least: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": 9999}


_KINDS: dict[str, Schema] = {
    "name": _like(_NAME, "letters, digits, '_', '-' and dots", "number", maxLength=64),
    "text": _WORD,
    "one line": _WORD,
    "path": _WORD,
    "dotted name": _like(r"^[^\s/\\-]+$", "a module such as stages.train"),
    "branch": _like(r"\{run\}", "a name that holds {run}"),
    "absolute or `~/` path": _like("^(/|~/)", "a path that begins with / or ~/"),
    "duration": _like(_DURATION, A_DURATION, "number", exclusiveMinimum=0),
    "size": _like(_SIZE, A_SIZE, "integer", minimum=0),
    "switch": _SWITCH,
    "switch, name of a remote, or `{to, from, dirty}`": {
        **_like(_REMOTE, "on, off or the name of a remote", "boolean", "null"),
        "type": ["string", "boolean", "object"],
        "properties": {
            "to": _like(_REMOTE, "the name of a remote"),
            "from": {"enum": ["laptop", "box"]},
            "dirty": {**_SWITCH, "type": [*_SWITCH["type"], "null"]},
        },
        "additionalProperties": False,
    },
    "0 to 9999": _whole(0),
    "1 to 9999": _whole(1),
    "list of stages": _list(_WORD),
    "list of paths": _list(_WORD),
    "list of patterns": _list(_WORD),
    "list of commands": _list(_WORD),
    "list of names": _list(
        _like("^[A-Za-z_][A-Za-z0-9_]*$", "the name of an environment variable")
    ),
    "list of inputs": _list(_like("^data:.|^[^/]+/.", "'stage/file' or 'data:name'")),
    "list of gates": _list(_like(_GATE, "a rule such as 'accuracy >= 0.8'")),
    "params": _PARAMS,
}


def schema() -> Schema:
    """Give the whole schema."""
    whole = _mapping(keys.TOP)
    return {
        "$schema": _DRAFT,
        "title": "pipeline.yaml",
        "description": "A graph of stages, and where and how it runs.",
        **whole,
        "patternProperties": {"^x-": {}, r"^\$schema": {}},
    }


def _mapping(section: Section) -> Schema:
    """Give a mapping with exactly the keys of a section."""
    others = [key for key in section if not key.is_named]
    mapping: Schema = {
        "type": "object",
        "properties": {key.name: _value(key) for key in section if key.is_named},
        "additionalProperties": _value(others[0]) if others else False,
    }
    if required := [key.name for key in section if key.is_required]:
        mapping["required"] = required
    if section is keys.STAGE:
        mapping["anyOf"] = [{"required": ["run"]}, {"required": ["sh"]}]
    return mapping


def _value(key: Key) -> Schema:
    """Give what may stand under a key; null is the same as not said."""
    described = {"description": _plain(key)}
    if key.kind.startswith("one of "):
        options = key.kind.removeprefix("one of ").split(", ")
        return {**described, "enum": [*options, None]}
    taken = _KINDS.get(key.kind) or _section(key.kind)
    types = taken["type"] if isinstance(taken["type"], list) else [taken["type"]]
    return {**described, **taken, "type": [*types, "null"]}


def _section(name: str) -> Schema:
    """Give a section that is a mapping of its own, or of names."""
    inner = _mapping(keys.SECTIONS[name])
    if name not in keys.NAMED:
        return inner
    named = {"pattern": f"{_NAME}|^<<$", "maxLength": 64}
    least = {"minProperties": 1} if name == "stages" else {}
    return {
        "type": "object",
        "propertyNames": named,
        "additionalProperties": inner,
        **least,
    }


def _plain(key: Key) -> str:
    """Write the meaning of a key without links, and what it is when not said."""
    text = re.sub(r"; \[below\]\([^)]*\)", "", key.meaning)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    told = {"", "required", "see below"}
    default = "" if key.default in told else f" (default: {key.default.strip('`')})"
    return f"{text[0].upper()}{text[1:]}{default}."


def text() -> str:
    """Write the schema as a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def write(paths: LaptopPaths) -> None:
    """Put the schema where the first line of a pipeline.yaml of ours names it."""
    folder = files.own_ignored_folder(paths.memory)
    now = text()
    target = folder / FILE
    if not target.exists() or target.read_text(errors="replace") != now:
        files.replace_text(target, now)


def refresh(paths: LaptopPaths) -> None:
    """Keep that file as new as this command, where pipeline.yaml asks for it."""
    # An editor's comfort stops nobody: the folder may be for reading only.
    with contextlib.suppress(OSError):
        if paths.pipeline_file.is_file() and _NAMES_IT.search(_head(paths)):
            write(paths)


def _head(paths: LaptopPaths) -> bytes:
    with paths.pipeline_file.open("rb") as file:
        return file.read(_HEAD_BYTES)
