"""Hash data sets where a run would be, while somebody waits for its plan."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock
from pipeline.depot import Depot
from pipeline.layout import BOX_HOME, BoxPaths
from remote import hosts
from remote.data.meter import Meter
from remote.data.sides import Here, Side, There
from remote.far import Far

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from pipeline.schema import Host


def hash_sets(
    host: Host | None, project: str, homes: Mapping[str, str], err: TextIO
) -> None:
    """Read what is not known of some homes; what it hashes to is remembered there."""
    side = side_of(host, project)
    for name, home in homes.items():
        meter = Meter("hashing data", name, 0, err)
        try:
            side.hash(name, home, meter.show)
        finally:
            meter.end()


def side_of(host: Host | None, project: str) -> Side:
    """Give the side that a host is, or this machine."""
    if host is None:
        return here(project)
    return There(Far(hosts.link_to(host), project, host))


def here(project: str) -> Here:
    """Give the side that this machine is."""
    return Here(Depot(BoxPaths(Path.home() / BOX_HOME / project), SystemClock()))
