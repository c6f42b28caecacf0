"""What each verb of the command does: glue between the laptop's folder and `remote`.

Every import of something heavy is inside the verb that needs it, so that `--help` and
`status` start at once.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import files, memory, progress
from pipeline.clock import SystemClock, spoken
from pipeline.errors import DONE, INTERRUPTED, SpecError, TransportError
from pipeline.events import read_events
from pipeline.layout import BOX_HOME, BoxPaths, RunPaths

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.progress import RunState
    from pipeline.schema import Host, Pipeline
    from remote.far import Far


def check(args: Namespace, paths: LaptopPaths) -> int:  # noqa: ARG001 - a verb
    """Read pipeline.yaml; every mistake is an error by then."""
    from pipeline import spec

    pipeline = spec.load(paths.pipeline_file)
    count = len(pipeline.stages)
    what = "1 stage" if count == 1 else f"{count} stages"
    print(f"{paths.pipeline_file.name}: {what}, no mistake found")
    return DONE


def run(args: Namespace, paths: LaptopPaths) -> int:
    """Start a run and watch it."""
    from pipeline import spec
    from remote import hosts
    from remote.start import start

    pipeline = spec.load(paths.pipeline_file, overrides=args.set)
    if args.jobs is not None:
        if args.jobs < 1:
            message = f"--jobs should be 1 or more, found {args.jobs}"
            raise SpecError(message)
        pipeline = replace(pipeline, jobs=args.jobs)
    host = _host(pipeline, args.host, paths)
    link = hosts.link_to(host)
    try:
        far, record, taken = start(pipeline, host, link, paths, SystemClock())
    except KeyboardInterrupt:
        print("interrupted while starting; whether a run began: pipeline attach")
        return INTERRUPTED
    for note in taken.notes:
        print(f"note: {note}", file=sys.stderr)
    if args.detach:
        print(f"run {record.run} started on {record.host_name}")
        print(f"  watch it with: pipeline attach {record.run}")
        return DONE
    return _watch(far, record, paths)


def _host(pipeline: Pipeline, name: str | None, paths: LaptopPaths) -> Host | None:
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


def attach(args: Namespace, paths: LaptopPaths) -> int:
    """Watch a run."""
    record = memory.find_run(paths, args.run)
    return _watch(_far(record), record, paths)


def resume(args: Namespace, paths: LaptopPaths) -> int:
    """Launch a runner for a run that is there, and watch it."""
    from remote.folders import prepare_mirror

    record = memory.find_run(paths, args.run)
    if _seen(record, paths).exit_code == DONE:
        print(f"run {record.run} is done; there is nothing to go on with")
        return DONE
    far = _far(record)
    lived = far.resume(record.run).lives
    prepare_mirror(far, record, paths)
    if lived:
        print(f"run {record.run} is running already", file=sys.stderr)
    elif args.detach:
        print(f"run {record.run} was taken up again on {record.host_name}")
    if args.detach:
        return DONE
    return _watch(far, record, paths)


def stop(args: Namespace, paths: LaptopPaths) -> int:
    """Leave the wish to stop."""
    record = memory.find_run(paths, args.run)
    try:
        lives = _far(record).stop(record.run).lives
    except TransportError as error:
        hint = (
            f"whether the run was asked is not known; again: pipeline stop {record.run}"
        )
        raise TransportError(error.message, hint=hint) from error
    if lives:
        print(f"run {record.run} was asked to stop; see: pipeline attach {record.run}")
    else:
        print(f"run {record.run} is not running; nothing to stop")
    return DONE


def _far(record: RunRecord) -> Far:
    from remote import hosts
    from remote.far import Far

    return Far(hosts.link_to(record.host), record.project, record.host)


def _watch(far: Far, record: RunRecord, paths: LaptopPaths) -> int:
    """Attach; ^C detaches and says how to come back."""
    from remote.attach import attach as watch

    # Asked to end, the watcher ends as by ^C: with the terminal put back.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return watch(far, record, paths, out=sys.stdout)


def status(args: Namespace, paths: LaptopPaths) -> int:
    """Show a run as its folder here tells it."""
    record = memory.find_run(paths, args.run)
    state = _seen(record, paths)
    if not state.run:
        print(f"{record.name}  run {record.run}  on {record.host_name}")
        print(f"nothing was heard of it yet; ask with: pipeline attach {record.run}")
        return DONE
    sys.stdout.write(progress.render(state))
    if not state.has_ended:
        print(f"\n{_what_is_known(record, paths)}")
    return DONE


def _seen(record: RunRecord, paths: LaptopPaths) -> RunState:
    events = paths.mirror(record.run).events
    return progress.fold(read_events(events.read_bytes() if events.exists() else b""))


def _what_is_known(record: RunRecord, paths: LaptopPaths) -> str:
    """Say how much the picture is worth: of a box, only how old it is."""
    if record.host is None:
        if files.is_locked(_local_run(record).runner_lock):
            return f"a runner is at work; watch it with: pipeline attach {record.run}"
        return f"no runner lives; go on with: pipeline resume {record.run}"
    mirror = paths.mirror(record.run)
    written = [
        p.stat().st_mtime for p in (mirror.heartbeat, mirror.events) if p.exists()
    ]
    age = SystemClock().now().timestamp() - max(written)
    known = f"as seen {spoken(age)} ago, without asking"
    return f"{known}; for now: pipeline attach {record.run}"


def _local_run(record: RunRecord) -> RunPaths:
    box = BoxPaths(Path.home() / BOX_HOME / record.project)
    return RunPaths(box.run(record.run), PurePosixPath(record.prefix))


def runs(args: Namespace, paths: LaptopPaths) -> int:  # noqa: ARG001 - a verb
    """List the runs that were started from here, the latest last."""
    records = memory.read_runs(paths)
    if not records:
        print("no runs yet; start one with: pipeline run")
    for record in records:
        state = _seen(record, paths)
        sealed = sum(bool(stage.commit) for stage in state.stages.values())
        word = state.word if state.run else "not heard of"
        if state.run and not state.has_ended:
            word = _word_unasked(record, word)
        count = f"{sealed}/{len(state.stages)}"
        where = f"{record.host_name:<10}  {word:<12}"
        print(f"{record.run}  {where}  {count:>7}  {record.name}")
    return DONE


def _word_unasked(record: RunRecord, word: str) -> str:
    """Say how a run stands that told no end: of one on a box, it is only a guess."""
    if record.host is not None:
        return f"{word}?"
    return word if files.is_locked(_local_run(record).runner_lock) else "dead"


def logs(args: Namespace, paths: LaptopPaths) -> int:
    """Print what stages printed."""
    from remote.reading import catch_up, print_logs

    record = memory.find_run(paths, args.run)
    far = _far(record)
    if args.follow:
        return print_logs(far, record, paths, stage=args.stage, out=sys.stdout.buffer)
    if not _seen(record, paths).has_ended:
        catch_up(far, record, paths, err=sys.stderr)
    return print_logs(None, record, paths, stage=args.stage, out=sys.stdout.buffer)


def pull(args: Namespace, paths: LaptopPaths) -> int:
    """Bring artifacts home and verify them."""
    from remote.pull import pull as bring
    from remote.reading import catch_up

    stages = list(args.stages)
    wanted = args.run
    # `pipeline pull train` names a stage of the latest run.
    latest = memory.find_run(paths, "")
    if wanted and wanted in _seen(latest, paths).stages:
        stages, wanted = [wanted, *stages], ""
    record = memory.find_run(paths, wanted)
    far = _far(record)
    if not _seen(record, paths).has_ended:
        catch_up(far, record, paths, err=sys.stderr)
    count, size = bring(far, record, paths, stages)
    what = "1 file" if count == 1 else f"{count} files"
    print(f"{what}, {size} verified, in {paths.artifacts / record.run}")
    return DONE
