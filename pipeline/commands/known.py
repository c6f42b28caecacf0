"""What verbs share: the run a person names, its box, and how it was last seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.errors import SpecError
from pipeline.layout import BOX_HOME, BoxPaths, RunPaths

if TYPE_CHECKING:
    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.progress import RunState
    from pipeline.schema import Host, Pipeline
    from remote.far import Far


def host_named(pipeline: Pipeline, name: str | None, paths: LaptopPaths) -> Host | None:
    """Find the host; a configuration file is named from where pipeline.yaml lies."""
    if name in (None, "local"):
        return None
    known = {host.name: host for host in pipeline.hosts}
    if name not in known:
        message = f"no host is called {name!r}"
        raise SpecError(message, hint=f"known are: {', '.join(['local', *known])}")
    host = known[name]
    if host.config:
        config = paths.root / Path(host.config).expanduser()
        host = replace(host, config=str(config))
    return host


def far_of(record: RunRecord) -> Far:
    """Speak to the box of a run."""
    from remote import hosts
    from remote.far import Far

    return Far(hosts.link_to(record.host), record.project, record.host)


def seen(record: RunRecord, paths: LaptopPaths) -> RunState:
    """Give how a run stood when it was last seen, from its folder here."""
    from pipeline import progress
    from pipeline.eventlines import read_events

    events = paths.mirror(record.run).events
    return progress.fold(read_events(events.read_bytes() if events.exists() else b""))


def told(record: RunRecord) -> dict[str, Json]:
    """Give what a document says of any run."""
    return {
        "run": record.run,
        "name": record.name,
        "host": record.host_name,
        "branch": record.branch,
        "snapshot": record.snapshot,
        "is_dirty": record.is_dirty,
    }


def local_run(record: RunRecord) -> RunPaths:
    """Give the folder of a run of this machine."""
    box = BoxPaths(Path.home() / BOX_HOME / record.project)
    return RunPaths(box.run(record.run), PurePosixPath(record.prefix))


def runner_lives(record: RunRecord) -> bool:
    """Tell whether a runner of this machine is at work on a run."""
    return files.is_locked(local_run(record).runner_lock)
