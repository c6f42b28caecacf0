"""Start a run: snapshot, ship, launch. What the laptop does before it only watches."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from pipeline import files, memory, snapshot
from pipeline.clock import stamp
from pipeline.errors import HostError, PipelineError, SpecError, TransportError
from pipeline.git import Git
from pipeline.memory import HostRecord, RunRecord
from pipeline.schema import Resolved
from pipeline.wire import Beginning
from remote.far import Far
from remote.folders import own_folder, prepare_mirror

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.clock import Clock
    from pipeline.layout import LaptopPaths
    from pipeline.schema import Host, Pipeline
    from pipeline.snapshot import Snapshot
    from remote.link import Link

_CONNECT_PATIENCE_S = 60.0


def start(
    pipeline: Pipeline, host: Host | None, link: Link, paths: LaptopPaths, clock: Clock
) -> tuple[Far, RunRecord, Snapshot]:
    """Take the snapshot, ship it and launch the runner.

    On return a runner was started on the box. On TransportError it may have been: the
    run is remembered, and attaching tells.
    """
    # What pipeline.yaml cannot mean is refused before anything begins.
    _stage_python(pipeline, host, paths)
    _data_homes(pipeline, host, paths)
    files.own_ignored_folder(paths.memory)
    own_folder(paths.results)
    with _connecting(link) if host else contextlib.nullcontext():
        run = memory.new_run_id(clock.now(), set(memory.run_names(paths)))
        taken = snapshot.take(paths.root, pipeline.ship, run=run, scratch=paths.scratch)
    plan = _plan(pipeline, host, taken, paths, run=run, clock=clock)
    _check_branch(paths, plan.branch)
    record = _record(plan, host, clock)
    far = Far(link, plan.project, host)
    memory.remember_run(paths, record)
    try:
        _begin(far, plan, taken, paths)
    except TransportError:
        prepare_mirror(far, record, paths)
        raise
    except PipelineError:
        memory.forget_run(paths, run)
        raise
    prepare_mirror(far, record, paths)
    return far, record, taken


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


def _plan(
    pipeline: Pipeline,
    host: Host | None,
    taken: Snapshot,
    paths: LaptopPaths,
    *,
    run: str,
    clock: Clock,
) -> Resolved:
    """Say what the box is to do."""
    return Resolved(
        run=run,
        project=snapshot.project_id(
            pipeline.name, taken.root_commit, taken.prefix, str(paths.root)
        ),
        host=host.name if host else "local",
        snapshot=taken.commit,
        branch=branch_name(pipeline, run, clock),
        pipeline=pipeline,
        prefix=taken.prefix,
        python=_stage_python(pipeline, host, paths),
        is_dirty=taken.is_dirty,
        data=_data_homes(pipeline, host, paths),
    )


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
def _connecting(link: Link) -> Iterator[None]:
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


def _begin(far: Far, plan: Resolved, taken: Snapshot, paths: LaptopPaths) -> None:
    """Send what the box lacks: next to nothing where it has an older snapshot."""
    asked = Beginning(
        plan=plan, object_format=taken.object_format, shallow=taken.shallow
    )
    key = f"{plan.host}.{plan.project}"
    known = memory.read_host(paths, key).snapshot
    for have in ([known] if known else [], []):

        def pack(have: Sequence[str] = have) -> Iterator[bytes]:
            return iter(snapshot.pack(taken, scratch=paths.scratch, have=have))

        answer = far.begin(asked, pack)
        if not answer.need:
            memory.remember_host(paths, key, HostRecord(snapshot=taken.commit))
            return
    message = f"host {plan.host!r} could not take in the snapshot"
    raise HostError(message, hint="its repository may be damaged: git fsck there")


def _stage_python(pipeline: Pipeline, host: Host | None, paths: LaptopPaths) -> str:
    """Give the Python of the stages; nothing means the runner's own."""
    env = host.env if host and host.env.kind else pipeline.env
    if env.kind in ("", "python"):
        return _from_here(env.python, paths) if host is None else env.python
    message = f"env.{env.kind} is read, but environments are not built by this version"
    hint = "name a Python that has what the stages need: env: {python: PATH}"
    raise SpecError(message, hint=hint)


def _from_here(python: str, paths: LaptopPaths) -> str:
    """Name a Python of this machine from where pipeline.yaml lies: .venv/bin/python."""
    is_path = "/" in python and not python.startswith("~")
    return str(paths.root / python) if is_path else python


def _data_homes(
    pipeline: Pipeline, host: Host | None, paths: LaptopPaths
) -> dict[str, str]:
    """Give where each data set lies on that host; here, where the repository has it."""
    homes = {}
    for data in pipeline.data:
        if host is None:
            home = data.hosts.get("local", str(paths.root / data.path))
        elif host.name in data.hosts:
            home = data.hosts[host.name]
        else:
            message = f"data {data.name!r} has no path for host {host.name!r}"
            raise SpecError(message, hint=f"add it: data.{data.name}.{host.name}: PATH")
        homes[data.name] = home
    return homes


def branch_name(pipeline: Pipeline, run: str, clock: Clock) -> str:
    """Fill the branch template."""
    date = clock.now().astimezone().strftime("%Y%m%d")
    template = pipeline.git.branch
    filled = template.replace("{run}", run).replace("{name}", pipeline.name)
    return filled.replace("{date}", date)
