"""Start a run: snapshot, ship, launch. What the laptop does before it only watches."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.clock import stamp
from pipeline.errors import HostError, PipelineError, SpecError, TransportError
from pipeline.frozen import dataclass
from pipeline.git import Git
from pipeline.memory import HostRecord, RunRecord
from pipeline.snapshots import snapshot
from pipeline.wire import Beginning
from remote.far import Far
from remote.folders import own_folder, prepare_mirror

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.clock import Clock
    from pipeline.layout import LaptopPaths
    from pipeline.schema import Host, Resolved
    from pipeline.snapshots.snapshot import Snapshot
    from remote.links.link import Link

_CONNECT_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What came of starting: a run, or the one that holds all stages already."""

    far: Far
    record: RunRecord
    sealed_in: str = ""


def start(
    plan: Resolved,
    taken: Snapshot,
    host: Host | None,
    link: Link,
    paths: LaptopPaths,
    clock: Clock,
) -> Started:
    """Ship the snapshot and launch the runner.

    On return a runner was started on the box, or none was needed. On TransportError it
    may have been: the run is remembered, and attaching tells.
    """
    own_folder(paths.results)
    _check_branch(paths, plan.branch)
    far = Far(link, plan.project, host)
    record = _record(plan, host, clock)
    memory.remember_run(paths, record)
    try:
        sealed_in = _begin(far, plan, taken, paths)
    except TransportError:
        prepare_mirror(far, record, paths)
        raise
    except PipelineError:
        memory.forget_run(paths, plan.run)
        raise
    if sealed_in:
        memory.forget_run(paths, plan.run)
    else:
        prepare_mirror(far, record, paths)
    return Started(far=far, record=record, sealed_in=sealed_in)


def _check_branch(paths: LaptopPaths, branch: str) -> None:
    """Refuse a branch that could never come home: git keeps no `a/b` beside an `a`."""
    repository = Git(paths.root, is_git_dir=False, is_ours=False)
    parts = branch.split("/")
    for end in range(1, len(parts)):
        above = "/".join(parts[:end])
        if not repository.ask("show-ref", "--verify", f"refs/heads/{above}").code:
            message = f"your branch {above!r} leaves no room for {branch!r}"
            hint = f"rename it: git branch -m {above} old-{above}\nor set git.branch"
            raise SpecError(message, hint=hint)


def _record(plan: Resolved, host: Host | None, clock: Clock) -> RunRecord:
    """Say what the laptop must remember of a plan."""
    pipeline = plan.pipeline
    return RunRecord(
        run=plan.run,
        name=pipeline.name,
        project=plan.project,
        branch=plan.branch,
        snapshot=plan.snapshot,
        prefix=plan.prefix,
        started_at=stamp(clock.now()),
        host=host,
        sync=pipeline.sync,
        heartbeat=pipeline.heartbeat,
        git=pipeline.git,
        is_dirty=plan.is_dirty,
    )


@contextlib.contextmanager
def connecting(link: Link) -> Iterator[None]:
    """Log in to the box while this machine is busy with the snapshot.

    Where that fails nothing was begun yet. It is waited for: a second ssh that met no
    master would log in a second time.
    """
    failed: list[PipelineError] = []

    def connect() -> None:
        try:
            link.call(["true"], timeout_s=_CONNECT_PATIENCE_S)
        except PipelineError as error:
            failed.append(error)

    thread = threading.Thread(target=connect, name="connect", daemon=True)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]


def _begin(far: Far, plan: Resolved, taken: Snapshot, paths: LaptopPaths) -> str:
    """Send what the box lacks: next to nothing where it has an older snapshot.

    Give the run that holds all stages already, where there is one.
    """
    asked = Beginning(
        plan=plan,
        object_format=taken.object_format,
        shallow=taken.shallow,
        unless_sealed=plan.host != "local",  # here that was asked before
    )
    key = f"{plan.host}.{plan.project}"
    known = memory.read_host(paths, key).snapshot
    for have in ([known] if known else [], []):

        def pack(have: Sequence[str] = have) -> Iterator[bytes]:
            return iter(snapshot.pack(taken, scratch=paths.scratch, have=have))

        answer = far.begin(asked, pack)
        if not answer.need:
            memory.remember_host(paths, key, HostRecord(snapshot=taken.commit))
            return answer.planned.sealed_in if answer.planned else ""
    message = f"host {plan.host!r} could not take in the snapshot"
    raise HostError(message, hint="its repository may be damaged: git fsck there")
