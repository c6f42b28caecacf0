"""Start a run: snapshot, ship, launch. What the laptop does before it only watches."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import memory
from pipeline.clock import stamp
from pipeline.errors import HostError, PipelineError, SpecError, TransportError
from pipeline.frozen import dataclass
from pipeline.git import Git
from pipeline.memory import HostRecord
from pipeline.snapshots import snapshot
from pipeline.wire import Beginning
from remote.bringing.folders import own_folder, prepare_mirror
from remote.far import Far
from remote.links import soon
from remote.publish import with_url
from remote.secrets import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.clock import Clock
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.schema import Host, Resolved
    from pipeline.snapshots.snapshot import Snapshot
    from remote.links.link import Link

_CONNECT_PATIENCE_S = 60.0
_UNKNOWN = """\
if run {run} has begun it goes on, and this tells: pipeline attach {run}
if it has not, start it again: pipeline run"""


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
    check_branch(paths, plan.branch)
    plan = with_url(plan, paths.root)
    named = plan.pipeline.secrets
    secrets = values_of(named, ours=named)
    far = Far(link, plan.project, host)
    record = memory.record_of(plan, host, stamp(clock.now()))
    record = replace(record, notify=plan.pipeline.notify, secrets=named)
    memory.remember_run(paths, record)
    try:
        sealed_in = _begin(far, plan, taken, paths, secrets)
    except TransportError as error:
        prepare_mirror(far, record, paths)
        hint = f"{error.hint}\n{_UNKNOWN.format(run=plan.run)}".lstrip()
        raise TransportError(error.message, hint=hint) from error
    except PipelineError:
        memory.forget_run(paths, plan.run)
        raise
    if sealed_in:
        memory.forget_run(paths, plan.run)
    else:
        prepare_mirror(far, record, paths)
    return Started(far=far, record=record, sealed_in=sealed_in)


def check_branch(paths: LaptopPaths, branch: str) -> None:
    """Refuse a branch that could never come home: git keeps no `a/b` beside an `a`."""
    repository = Git(paths.root, is_git_dir=False, is_ours=False)
    parts = branch.split("/")
    for end in range(1, len(parts)):
        above = "/".join(parts[:end])
        if not repository.ask("show-ref", "--verify", f"refs/heads/{above}").code:
            message = f"your branch {above!r} leaves no room for {branch!r}"
            hint = f"rename it: git branch -m {above} old-{above}\nor set git.branch"
            raise SpecError(message, hint=hint)


@contextlib.contextmanager
def connecting(link: Link) -> Iterator[None]:
    """Log in to the box while this machine is busy with the snapshot.

    Where that fails nothing was begun yet. It is waited for: a second ssh that met no
    master would log in a second time.
    """
    failed: list[PipelineError] = []

    def connect() -> None:
        try:
            soon.call(link, ["true"], timeout_s=_CONNECT_PATIENCE_S)
        except PipelineError as error:
            failed.append(error)

    link.introduce()  # in this thread: a person may be asked
    thread = threading.Thread(target=connect, name="connect", daemon=True)
    thread.start()
    yield
    thread.join()
    if failed:
        raise failed[0]


def _begin(
    far: Far,
    plan: Resolved,
    taken: Snapshot,
    paths: LaptopPaths,
    secrets: Mapping[str, str],
) -> str:
    """Send what the box lacks: next to nothing where it has an older snapshot.

    Give the run that holds all stages already, where there is one.
    """
    asked = Beginning(
        plan=plan,
        secrets=secrets,
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
