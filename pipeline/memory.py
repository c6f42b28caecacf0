"""What the laptop must remember: which run is on which host, and what a host has.

Small JSON files in `.pipeline/`, each replaced whole. All of it could be found out
again from the hosts; it only saves asking.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import field
from typing import TYPE_CHECKING

from pipeline import codec, files, layout
from pipeline.errors import IntegrityError, SpecError
from pipeline.frozen import dataclass
from pipeline.schema import GitRules, HeartbeatRules, Host, NotifyRules, SyncRules

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.layout import LaptopPaths
    from pipeline.schema import Resolved


_NONE = """\
start one with: pipeline run
or take up one that lies on a box: pipeline runs --host HOST"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """All that is needed to find a run again, whatever pipeline.yaml says by then."""

    run: str
    name: str
    project: str
    branch: str
    snapshot: str
    prefix: str
    started_at: str
    host: Host | None = None
    sync: SyncRules = field(default_factory=SyncRules)
    heartbeat: HeartbeatRules = field(default_factory=HeartbeatRules)
    git: GitRules = field(default_factory=GitRules)
    is_dirty: bool = False
    # Of what was started from here alone: no box may name a command that is run here.
    notify: NotifyRules = field(default_factory=NotifyRules)
    secrets: tuple[str, ...] = ()  # their names: no box may ask for any it likes

    @property
    def host_name(self) -> str:
        """What messages call the run's host."""
        return self.host.name if self.host else "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """What a host had when we last spoke: the newest snapshot shipped there."""

    snapshot: str = ""


def record_of(plan: Resolved, host: Host | None, started_at: str) -> RunRecord:
    """Say what must be remembered of a plan."""
    pipeline = plan.pipeline
    return RunRecord(
        run=plan.run,
        name=pipeline.name,
        project=plan.project,
        branch=plan.branch,
        snapshot=plan.snapshot,
        prefix=plan.prefix,
        started_at=started_at,
        host=host,
        sync=pipeline.sync,
        heartbeat=pipeline.heartbeat,
        git=pipeline.git,
        is_dirty=plan.is_dirty,
    )


def new_run_id(moment: datetime, taken: set[str]) -> str:
    """Name a run by the local time, which is what people look for."""
    while True:
        minute = moment.astimezone().strftime("%Y%m%d-%H%M")
        name = f"{minute}-{os.urandom(2).hex()}"
        if name not in taken:
            return name


def remember_run(paths: LaptopPaths, record: RunRecord) -> None:
    """Remember a run."""
    files.own_ignored_folder(paths.memory)
    paths.runs.mkdir(exist_ok=True)
    place = paths.runs / f"{record.run}.json"
    files.replace_text(place, codec.dumps(record), durable=True)


def forget_run(paths: LaptopPaths, run: str) -> None:
    """Forget a run that never came to be."""
    (paths.runs / f"{run}.json").unlink(missing_ok=True)


def run_names(paths: LaptopPaths) -> list[str]:
    """Give the names of all known runs, oldest first."""
    if not paths.runs.is_dir():
        return []
    names = (p.stem for p in paths.runs.glob("*.json"))
    return sorted(name for name in names if layout.RUN_ID.fullmatch(name))


def find_run(paths: LaptopPaths, wanted: str) -> RunRecord:
    """Give the run that `wanted` names: in full, by a part only it has, or the latest.

    Among runs of one minute, the one remembered last is the latest.
    """
    names = run_names(paths)
    if not names:
        message = f"no run is known in {paths.root}"
        raise SpecError(message, hint=_NONE)
    if wanted in ("", "latest") and (known := read_runs(paths)):
        return known[-1]
    found = [name for name in names if wanted in name]
    exact = [name for name in found if name == wanted]
    if len(exact or found) == 1:
        return read_run(paths, (exact or found)[0])
    if found:
        message = f"{wanted!r} may be any of: {', '.join(found)}"
        raise SpecError(message, hint="name more of it")
    message = f"no run is called {wanted!r}"
    raise SpecError(message, hint="see them all with: pipeline runs")


def read_runs(paths: LaptopPaths) -> list[RunRecord]:
    """Give all known runs, the latest last; a torn record hides no other."""
    found = []
    for name in run_names(paths):
        with contextlib.suppress(FileNotFoundError, IntegrityError):
            found.append(read_run(paths, name))
    return sorted(found, key=lambda record: (record.started_at, record.run))


def read_run(paths: LaptopPaths, run: str) -> RunRecord:
    """Read what is remembered of a run."""
    path = paths.runs / f"{run}.json"
    return codec.loads(RunRecord, path.read_bytes(), what=str(path))


def _host_path(paths: LaptopPaths, host: str) -> Path:
    return paths.memory / "hosts" / f"{host}.json"


def read_host(paths: LaptopPaths, host: str) -> HostRecord:
    """Give what is remembered of a host; what cannot be read is as good as nothing."""
    try:
        text = _host_path(paths, host).read_bytes()
        return codec.loads(HostRecord, text, what="what is remembered of a host")
    except (OSError, IntegrityError):
        return HostRecord()


def remember_host(paths: LaptopPaths, host: str, record: HostRecord) -> None:
    """Remember what a host has now."""
    path = _host_path(paths, host)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace_text(path, codec.dumps(record))
