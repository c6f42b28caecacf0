"""An event as a line of events.jsonl: written, and read.

A reader may meet a torn last line (a power cut, or a read in the middle of a write) and
leaves it for later.
"""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import os
from typing import TYPE_CHECKING, Any, get_args

from pipeline import codec, events
from pipeline.errors import IntegrityError
from pipeline.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.events import Happening

EVENT_FORMAT = 1
_KINDS: dict[str, type[Happening]] = {
    kind.kind: kind for kind in get_args(events.Happening)
}
_SPOKEN = {kind: f"event {name}" for name, kind in _KINDS.items()}
_JSON = json.JSONDecoder()
_SPAN = 1 << 16  # bytes; most last lines are far shorter


def encode(event: Event) -> str:
    """Write an event as one line, without its newline."""
    body = codec.encode(_finite(event.what))
    head = {"v": EVENT_FORMAT, "at": event.at, "kind": event.what.kind}
    return codec.escaped(
        json.dumps(
            {**head, **body},  # type: ignore[dict-item]  # a dataclass gives an object
            ensure_ascii=False,
            separators=(",", ":"),
            allow_nan=False,
        )
    )


def _finite(what: Happening) -> Happening:
    """Leave out numbers that are not finite: JSON has no word for them."""
    changed: dict[str, Any] = {}
    for name in ("numbers", "metrics"):
        numbers: Mapping[str, float] = getattr(what, name, {})
        if not all(map(math.isfinite, numbers.values())):
            changed[name] = {k: v for k, v in numbers.items() if math.isfinite(v)}
    for name in ("done", "total", "duration_s", "silent_s"):
        if not math.isfinite(getattr(what, name, 0.0)):
            changed[name] = 0.0
    return dataclasses.replace(what, **changed) if changed else what


def decode(line: str | bytes) -> Event | None:
    """Read one line; None for a kind this version does not know."""
    try:
        raw = _parsed(line)
    except (ValueError, RecursionError) as error:
        message = f"a line of events.jsonl is not JSON: {str(line)[:60]!r}"
        raise IntegrityError(message) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("at"), str):
        message = f"a line of events.jsonl is not an event: {str(line)[:60]!r}"
        raise IntegrityError(message)
    named = raw.get("kind")
    if not isinstance(named, str) or (kind := _KINDS.get(named)) is None:
        return None
    what: Happening = codec.decode(kind, raw, what=_SPOKEN[kind])
    return Event(raw["at"], what)


def _parsed(line: str | bytes) -> Any:
    """Parse a line, and quickly where it is as we write it: logs grow long."""
    try:
        text = line if isinstance(line, str) else line.decode()
        raw, end = _JSON.raw_decode(text)
        if end == len(text):
            return raw
    except ValueError:
        pass  # what it is, or is not, is said by the whole parser
    return json.loads(line)


def last_event(story: Path) -> Event | None:
    """Give the last event of a story, however long its line; all else is not read.

    A torn last line is nobody's event yet.
    """
    try:
        with story.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            span, tail = _SPAN, b""
            while tail.count(b"\n") < 2 and len(tail) < size:
                file.seek(max(0, size - span))
                tail = file.read(span)
                span *= 4
    except OSError:
        return None
    told = collections.deque(read_events(tail), maxlen=1)
    return told[0] if told else None


def read_events(log: bytes) -> Iterator[Event]:
    """Yield the events of the whole lines of `log`.

    A torn last line is left for the next read. A line torn by a power cut got its
    newline from the writer that came after; it is nobody's event, and passed over.
    """
    whole, _, _torn = log.rpartition(b"\n")
    for line in whole.splitlines():
        try:
            event = decode(line)
        except IntegrityError:
            continue
        if event is not None:
            yield event
