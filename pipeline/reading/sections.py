"""The sections of pipeline.yaml about places and rules, one function each.

Each takes a table and gives a frozen value of `schema`, whose defaults are those of the
file. What is wrong goes to the table's mistakes.
"""

from __future__ import annotations

import re
from dataclasses import replace
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
_DATA_KEYS = frozenset({"path", "by", "version", "optional"})
# ssh would take what begins with a dash for an option, and obey it.
_ADDRESS = re.compile(r"[^\s-]\S*")

# What git forbids in the name of a branch, as in `git check-ref-format`; and what is
# taken: `ship/` holds the snapshots.
_NO_BRANCH = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\{}]|\.\.|//|^[-/]|[/.]$|(?:^|/)\.|\.lock(?:/|$)"
    r"|^(?:ship|refs)/"
)
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_PUSHERS: tuple[Literal["laptop", "box"], ...] = ("laptop", "box")
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
    rules = replace(
        _push(table),
        branch=_branch(table) or default.branch,
        max_file=table.size("max_file", default.max_file),
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


def _push(table: Table) -> GitRules:
    """Read `off`, `on`, the name of a remote, or `{to, from, dirty}`, which is on."""
    node = table.node("push")
    if isinstance(node, Entries):
        inner = Table(node, table.mistakes, what=table.label("push"), mark=node.mark)
        to = inner.word("to")
        if to and not _REMOTE.fullmatch(to.text):
            inner.refuse("to", to, "the name of a git remote")
        rules = GitRules(
            push=True,
            push_dirty=inner.switch("dirty"),
            push_to=to.text if to else GitRules().push_to,
            push_from=inner.choice("from", _PUSHERS),
        )
        inner.close()
        return rules
    text = node.text if isinstance(node, Scalar) else ""
    is_on = scalar.switch(text) if text else None
    if node and is_on is None and (text == "dirty" or not _REMOTE.fullmatch(text)):
        wanted = "on, off, the name of a remote or {dirty: true}"
        table.refuse("push", node, wanted)
    elif node and is_on is None:
        return GitRules(push=True, push_to=text)
    return GitRules(push=bool(is_on))


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
    rules = NotifyRules(
        command=table.text("command"),
        bell=_is_on(table, "bell"),
        desktop=_is_on(table, "desktop"),
    )
    table.close()
    return rules


def _is_on(table: Table, key: str) -> bool:
    """Read a switch that is on when nothing is said."""
    is_said = table.says(key)
    return table.switch(key, "on or off") or not is_said


def revive(table: Table) -> int | None:
    """Read how often a run is taken up; None is not said, which is not nought."""
    is_said = table.says("revive")
    times = table.whole("revive", 0)
    return times if is_said else None


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
    path, is_optional = table.path("path"), table.switch("optional", "on or off")
    homes = {place: _home(table, place) for place in hosts}
    table.close()
    return Data(
        name=name,
        path=path,
        hosts={place: home for place, home in homes.items() if home},
        by=by,
        version=version.text if version else "",
        is_optional=is_optional,
    )


def _home(table: Table, place: str) -> str:
    word = table.word(place, "a path")
    if word and not word.text.startswith(("/", "~/")):
        table.refuse(place, word, "a path that begins with / or ~/")
    return word.text if word else ""
