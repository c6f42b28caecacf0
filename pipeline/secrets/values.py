"""The values of secrets as a runner holds them: in its memory, and in no file.

They come with the request that launches it, and go to the environment of the stages
that name them. What a stage prints meets the disk before we see it; its raw log is
rid of them as soon as nobody writes there any more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import os
import resource
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import HostError, SpecError
from pipeline.events import Event
from pipeline.secrets.blot import Secrets, holds, masked, secret_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pipeline.artifact import Artifact
    from pipeline.schema import Resolved, Stage

_BLOCK = 1 << 20
_OVERLAP = 1 << 18  # a value has 32 kB at most, and may stand in many rows
# What of an event is said by the plan, which everybody may read, or is a commit: a
# secret that is a word like these would make the story one of other stages.
_NAMES = frozenset(
    ("run", "name", "host", "snapshot", "stages", "stage", "commit", "reuses", "behind")
)


def lacking(plan: Resolved, values: Mapping[str, str]) -> tuple[str, ...]:
    """Name the secrets of the plan's stages whose values did not come."""
    return tuple(name for name in plan.pipeline.secrets if name not in values)


def check(plan: Resolved, values: Mapping[str, str]) -> None:
    """Refuse to begin a run whose stages would miss a secret."""
    if missing := lacking(plan, values):
        message = f"run {plan.run} needs secrets that did not come: "
        raise HostError(message + ", ".join(missing), hint="start it again")


def hidden(values: Mapping[str, str]) -> Secrets:
    """Give what must not be shown of them."""
    return secret_values(values, named=values)


def given(stage: Stage, values: Mapping[str, str]) -> dict[str, str]:
    """Give the secrets that a stage names, as variables of its environment."""
    return {name: values[name] for name in stage.secrets if name in values}


def had_here(stage: Stage) -> dict[str, str]:
    """Give a stage's secrets where a person is: from our environment, or asked for.

    Nothing is sent along to a command that has the terminal for itself.
    """
    found = {name: os.environ.get(name, "") for name in stage.secrets}
    missing = [name for name, value in found.items() if not value]
    if missing and not sys.stdin.isatty():
        message = f"stage {stage.name!r} needs the secret {missing[0]!r}"
        raise SpecError(message, hint="it is asked for on a terminal; there is none")
    return {**found, **{name: _asked(name) for name in missing}}


def _asked(name: str) -> str:
    try:
        return getpass.getpass(f"{name} (a secret; not shown): ")
    except (EOFError, KeyboardInterrupt) as error:
        raise SpecError(f"secret {name!r} was not given") from error


def leave_no_core() -> None:
    """Let no crash write our memory, or that of a stage, to the disk."""
    with contextlib.suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def scrub(path: Path, secrets: Secrets) -> None:
    """Write stars over each secret in a log that nobody writes any more."""
    if not secrets:
        return
    with contextlib.suppress(FileNotFoundError), path.open("r+b", buffering=0) as file:
        at = 0
        while len(block := os.pread(file.fileno(), _BLOCK + _OVERLAP, at)):
            if (clean := masked(block, secrets)) != block:
                os.pwrite(file.fileno(), clean, at)
            at += _BLOCK


def holding(
    folder: Path, listed: Mapping[str, Artifact], *, most: int, hidden: Secrets
) -> list[str]:
    """Name the files, of `most` bytes at most, in which a secret stands."""
    if not hidden:
        return []
    small = (name for name, one in listed.items() if one.size <= most)
    return [name for name in small if holds((folder / name).read_bytes(), hidden)]


def are_spelled(names: Iterable[str], hidden: Secrets) -> bool:
    """Tell whether a secret stands in one of these names."""
    return any(holds(os.fsencode(name), hidden) for name in names if hidden)


def retold(event: Event, change: Callable[[str], str]) -> Event:
    """Give the event with each text of stages and programs changed, less names."""
    what = event.what
    fields = {f.name: getattr(what, f.name) for f in dataclasses.fields(what)}
    changed = {
        name: new
        for name, value in fields.items()
        if name not in _NAMES and (new := _retold(value, change)) != value
    }
    return Event(event.at, dataclasses.replace(what, **changed)) if changed else event


def _retold(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): inner for name, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_retold(inner, change) for inner in value)
    return value
