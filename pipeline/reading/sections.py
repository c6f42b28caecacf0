"""The sections of pipeline.yaml about places and rules, one function each.

Each takes a table and gives a frozen value of `schema`, whose defaults are those of the
file. What is wrong goes to the table's mistakes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pipeline import template
from pipeline.reading import scalar
from pipeline.reading.marked import Entries, Scalar
from pipeline.reading.table import Table
from pipeline.schema import (
    Data,
    Env,
    GitRules,
    HeartbeatRules,
    Host,
    LinkKind,
    NotifyRules,
    ShipRules,
    SyncRules,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINKS: tuple[LinkKind, ...] = ("openssh", "lasting")
LOCAL = "local"  # the host that is always there
_BY: tuple[Literal["content", "stat", "version"], ...] = ("content", "stat", "version")
_DATA_KEYS = frozenset({"path", "by", "version"})
# ssh would take what begins with a dash for an option, and obey it.
_ADDRESS = re.compile(r"[^\s-]\S*")

# What git forbids in the name of a branch, as in `git check-ref-format`; and what is
# taken: `ship/` holds the snapshots.
_NO_BRANCH = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\{}]|\.\.|//|^[-/]|[/.]$|(?:^|/)\.|\.lock(?:/|$)"
    r"|^(?:ship|refs)/"
)
_BRANCH_WORDS = {"run": "20261120-1710-a3f9", "name": "name", "date": "20261120"}


def env(table: Table) -> Env:
    """Read `env`, of the pipeline or of a host: one kind, or nothing."""
    inner = table.table("env")
    said = [k for k in ("lock", "python", "conda", "setup") if inner.says(k)]
    if len(said) > 1:
        kinds = " and ".join(repr(kind) for kind in said)
        sentence = f"{inner.what} should be of one kind, found {kinds}"
        inner.mistakes.add(inner.mark, sentence)
    value = Env(
        python=inner.text("python"),
        lock=inner.path("lock"),
        conda=inner.text("conda"),
        setup=inner.texts("setup", "a list of commands"),
    )
    inner.close()
    return value


def git(table: Table) -> GitRules:
    """Read `git`."""
    default = GitRules()
    push, push_dirty = _push(table)
    rules = GitRules(
        branch=_branch(table) or default.branch,
        max_file=table.size("max_file", default.max_file),
        push=push,
        push_dirty=push_dirty,
    )
    table.close()
    return rules


def _branch(table: Table) -> str:
    word = table.word("branch")
    if word is None:
        return ""
    words = template.placeholders(word.text)
    ref = template.fill(word.text, _BRANCH_WORDS)
    if "run" not in words:
        table.refuse("branch", word, "a name that holds {run}, new for each run")
    elif unknown := [name for name in words if name not in _BRANCH_WORDS]:
        hint = "it may hold {run}, {name} and {date}"
        table.refuse("branch", word, f"without {{{unknown[0]}}}", hint)
    elif _NO_BRANCH.search(ref):
        table.refuse("branch", word, "the name of a branch", f"it would be {ref!r}")
    return word.text


def _push(table: Table) -> tuple[bool, bool]:
    """Read `off`, `on`, or `{dirty: true}`, which is on for uncommitted work too."""
    node = table.node("push")
    if isinstance(node, Entries):
        inner = Table(node, table.mistakes, what=table.label("push"), mark=node.mark)
        is_dirty = inner.switch("dirty")
        inner.close()
        return True, is_dirty
    is_on = scalar.switch(node.text) if isinstance(node, Scalar) else None
    if node and is_on is None:
        table.refuse("push", node, "on, off or {dirty: true}")
    return bool(is_on), False


def ship(table: Table) -> ShipRules:
    """Read `ship`."""
    allow = tuple(word.text for word in table.paths("allow"))
    rules = ShipRules(
        max_size=table.size("max_size", ShipRules().max_size), allow=allow
    )
    table.close()
    return rules


def sync(table: Table) -> SyncRules:
    """Read `sync`."""
    default = SyncRules()
    is_said = table.says("include")
    include = table.texts("include", "a list of patterns")
    rules = SyncRules(
        every_s=table.seconds("every") or default.every_s,
        include=include if is_said else default.include,
        max_file=table.size("max_file", default.max_file),
    )
    table.close()
    return rules


def heartbeat(table: Table) -> HeartbeatRules:
    """Read `heartbeat`; silence means nothing before a beat was due."""
    default = HeartbeatRules()
    rules = HeartbeatRules(
        every_s=table.seconds("every") or default.every_s,
        stale_after_s=table.seconds("stale_after") or default.stale_after_s,
        stalled_after_s=table.seconds("stalled_after") or default.stalled_after_s,
    )
    table.close()
    if rules.stale_after_s <= rules.every_s:
        sentence = (
            f"{table.label('stale_after')} should be longer than 'every',"
            f" found {rules.stale_after_s:g} s and {rules.every_s:g} s"
        )
        table.mistakes.add(table.mark, sentence)
    return rules


def notify(table: Table) -> NotifyRules:
    """Read `notify`."""
    rules = NotifyRules(command=table.text("command"))
    table.close()
    return rules


def host(name: str, table: Table) -> Host:
    """Read one host."""
    if name in {LOCAL, *_DATA_KEYS}:
        why = "is this machine" if name == LOCAL else "means something else in 'data'"
        sentence = f"{table.what} needs another name: {name!r} {why}"
        table.mistakes.add(table.mark, sentence)
    table.demand("ssh", "an alias or user@address:port")
    ssh = table.word("ssh")
    if ssh and _ADDRESS.fullmatch(ssh.text) is None:
        table.refuse("ssh", ssh, "an alias or user@address:port")
    value = Host(
        name=name,
        ssh=ssh.text if ssh else "",
        config=table.text("config"),
        link=table.choice("link", _LINKS),
        python=table.text("python"),
        env=env(table),
    )
    table.close()
    return value


def data(name: str, table: Table, hosts: Iterable[str]) -> Data:
    """Read one data set; its other keys are hosts, each with its home there."""
    table.demand("path", "its place in the repository")
    by, version = table.choice("by", _BY), table.word("version")
    if (by == "version") != (version is not None):
        sentence = f"{table.what} needs 'version' and 'by: version' together"
        table.mistakes.add(version.mark if version else table.mark, sentence)
    path = table.path("path")
    homes = {place: _home(table, place) for place in hosts}
    table.close()
    return Data(
        name=name,
        path=path,
        hosts={place: home for place, home in homes.items() if home},
        by=by,
        version=version.text if version else "",
    )


def _home(table: Table, place: str) -> str:
    word = table.word(place, "a path")
    if word and not word.text.startswith(("/", "~/")):
        table.refuse(place, word, "a path that begins with / or ~/")
    return word.text if word else ""
