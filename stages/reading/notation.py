"""Values out of a manifest, YAML or JSON, and nothing that could do harm.

No tags, no anchors (a few lines of them can stand for more than fits into memory), no
key twice, a bounded size.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from stages.reading.unreadable import Unreadable
from stages.reading.wording import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stages.reading.file import File

MOST_BYTES = 2**20


def values(file: File) -> dict[str, Any]:
    """Give the mapping that a manifest holds."""
    raw = file.path.read_bytes()
    if len(raw) > MOST_BYTES:
        reason = f"is {len(raw)} bytes: a manifest has {MOST_BYTES} at most"
        raise Unreadable(file.name, reason)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable(file.line(line), "is not UTF-8", "save it as UTF-8") from None
    try:
        read = _json(text) if file.name.endswith(".json") else _yaml(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = file.line(mark.line + 1) if mark else file.name
        raise Unreadable(where, f"is no YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise Unreadable(file.name, f"is no YAML: {error}") from None
    except json.JSONDecodeError as error:
        raise Unreadable(file.line(error.lineno), f"is no JSON: {error.msg}") from None
    except RecursionError:
        raise Unreadable(file.name, "is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(file.name, str(error)) from None
    if not isinstance(read, dict):
        raise Unreadable(file.name, f"holds {shown(read)}: wanted keys and values")
    return read


class _Plain(yaml.SafeLoader):
    """Safe YAML without anchors and without a key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse what stands for something else."""
        if self.check_event(yaml.AliasEvent):
            problem = "aliases (*name) are not known here: write it out"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark())
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - yaml's own signature
        """Refuse a key that stands twice."""
        seen: set[str] = set()
        names = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key in names:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {shown(key.value)} stands twice",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _yaml(text: str) -> Any:
    """Read YAML."""
    return yaml.load(text, Loader=_Plain)  # noqa: S506 - a subclass of SafeLoader


def _json(text: str) -> Any:
    """Read JSON, in which no key stands twice."""

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the key {name!r} stands twice")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once)
