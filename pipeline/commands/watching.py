"""Attach to a run; ^C detaches and says how to come back."""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import TYPE_CHECKING

from pipeline.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.schema import Host
    from remote.far import Far
    from remote.links.link import Link


def watch(
    far: Far, record: RunRecord, paths: LaptopPaths, *, as_json: bool = False
) -> int:
    """Watch a run to its end; give the code that says how it ended."""
    from remote.watching.attach import attach
    from remote.watching.stream import stream

    # Asked to end, the watcher ends as by ^C: with the terminal put back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _introduce(far.link)
    show = stream if as_json else attach
    return show(far, record, paths, out=sys.stdout)


def _introduce(link: Link) -> None:
    """Ask about a host key that is not known now, and not in the middle of a picture.

    Where the box cannot be reached, watching goes on trying.
    """
    with contextlib.suppress(TransportError):
        link.introduce()


def watch_all(
    records: Sequence[RunRecord], paths: LaptopPaths, *, as_json: bool = False
) -> int:
    """Watch several runs to their ends; those of one host share a connection."""
    from remote import hosts
    from remote.far import Far
    from remote.watching.several import attach_all

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    links: dict[Host | None, Link] = {}
    pairs = []
    for record in records:
        if record.host not in links:
            links[record.host] = hosts.link_to(record.host)
        pairs.append((Far(links[record.host], record.project, record.host), record))
    for link in links.values():
        _introduce(link)
    return attach_all(pairs, paths, out=sys.stdout, as_json=as_json)
