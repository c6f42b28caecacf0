"""One stage alone, in the foreground, under its exact inputs; nothing is sealed.

It gets what it has in its run: the sealed artifacts of the stages before it, the same
params, the same environment. Its drafts go to a folder of their own, and so does a copy
of its checkpoints, so that the run never notices.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from pipeline import artifact, draft, files, foreground, schema, supervise
from pipeline.attempt import AttemptPaths
from pipeline.errors import HostError, IntegrityError, SpecError
from pipeline.fence import fence
from pipeline.git import Git
from pipeline.layout import ResultPaths, RunPaths
from pipeline.ledger import read_seals
from pipeline.orders import Orders
from pipeline.resources import Resources, usable_cpus, visible_gpus
from pipeline.secrets import values
from pipeline.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.environments.environment import Environment
    from pipeline.resources import Share
    from pipeline.schema import Resolved, Stage

_NAME = "debug"
_MOST_NAMES = 8


class _ApartPaths(RunPaths):
    """A run's folder in which a stage's checkpoints are those of its debugging."""

    __slots__ = ()

    @property
    def checkpoints(self) -> Path:
        return self.root / "debugged"


def check(paths: RunPaths, stage: str) -> None:
    """Refuse what cannot be debugged now; change nothing."""
    plan = schema.read_plan(paths.plan.read_bytes())
    _check(paths, plan, _named(plan, stage))


def debug(
    paths: RunPaths, name: str, *, self_argv: Sequence[str], umask: int, clock: Clock
) -> int:
    """Run a stage of a run here and now; give its exit code, which never is 255."""
    plan = schema.read_plan(paths.plan.read_bytes())
    stage = _named(plan, name)
    attempt = AttemptPaths(paths.attempts / f"{name}.{_NAME}")
    paths.attempts.mkdir(exist_ok=True)
    lock = files.open_lock(paths.attempts / f".{name}.{_NAME}.lock")
    if lock is None:
        message = f"stage {name!r} of run {plan.run} is being debugged already"
        raise HostError(message, hint="end that first")
    with contextlib.ExitStack() as opened:
        opened.callback(os.close, lock)
        _check(paths, plan, stage)
        found = foreground.stages_environment(plan, paths, clock)
        share = _share(stage, paths)
        opened.callback(share.close)
        draft.make(attempt)
        apart = _apart(paths, name)
        workshop = _workshop(plan, apart, found, self_argv, clock)
        workshop.secrets = values.had_here(stage)
        orders = Orders(stage, workshop, share)
        argv, environment = orders.command(attempt)
        reports = os.open(attempt.root / "reports", os.O_RDWR | os.O_CREAT, 0o600)
        opened.callback(os.close, reports)
        opened.callback(fence, attempt, clock)
        code = supervise.attend(
            argv,
            cwd=paths.base,
            environment={**environment, "PIPELINE_REPORT_FD": str(reports)},
            umask=umask,
            keep=(reports, *share.locks),
        )
    # What it reported lies in a file, which stays.
    values.scrub(attempt.root / "reports", values.hidden(workshop.secrets))
    _tell(stage, attempt, code)
    return code


def _named(plan: Resolved, name: str) -> Stage:
    known = [stage.name for stage in plan.pipeline.stages]
    if name not in known:
        message = f"run {plan.run} has no stage {name!r}"
        raise SpecError(message, hint=f"it has: {', '.join(known)}")
    return plan.pipeline.stage(name)


def _check(paths: RunPaths, plan: Resolved, stage: Stage) -> None:
    """Refuse a stage that runs now, or whose inputs are not what the run sealed."""
    for tried in paths.attempts.glob(f"{stage.name}.*/attempt.lock"):
        if files.is_locked(tried):
            message = f"stage {stage.name!r} of run {plan.run} is running now"
            raise HostError(message, hint="wait for its end, or: pipeline stop")
    seals = read_seals(Git(paths.box.code), plan.branch, plan.snapshot)
    sealed = {seal.stage: seal for seal in seals}
    for need in stage.needs:
        if need not in sealed:
            message = f"stage {stage.name!r} needs {need!r}, which is not sealed yet"
            raise HostError(message, hint=f"go on first: pipeline resume {plan.run}")
    results = ResultPaths(paths.results)
    for ref in stage.inputs:
        if not ref.stage:
            continue
        manifest = artifact.read_manifest(results.manifest(ref.stage))
        is_same = manifest.digest() == sealed[ref.stage].manifest
        for name in manifest.meant_by(ref.file):
            path = paths.artifacts / ref.stage / name
            is_same = is_same and _is_whole(path, manifest.artifacts[name])
        if not is_same:
            message = f"input {str(ref)!r} is not what run {plan.run} sealed"
            raise IntegrityError(
                message, hint=f"to see all: pipeline verify {plan.run}"
            )


def _is_whole(path: Path, wanted: artifact.Artifact) -> bool:
    try:
        return artifact.sha256_of(path) == wanted.sha256
    except OSError:
        return False


def _share(stage: Stage, paths: RunPaths) -> Share:
    """Take the GPUs it declares, which no run must have at the same time."""
    gpus = visible_gpus(os.environ) if stage.gpus else ()
    box = Resources(jobs=1, cpus=usable_cpus(), gpus=gpus, locks=paths.box.gpus)
    box.check([stage])
    share = box.take(stage, {})
    if share is None:
        message = f"stage {stage.name!r} wants {stage.gpus} GPU, and runs have them all"
        raise HostError(message, hint="try again when one of them has ended")
    return share


def _apart(paths: RunPaths, stage: str) -> RunPaths:
    """Give the run's paths with a fresh copy of the stage's checkpoints apart."""
    apart = _ApartPaths(paths.root, paths.prefix)
    files.remove_tree(apart.checkpoints / stage)
    kept = paths.checkpoints / stage
    if kept.is_dir():
        shutil.copytree(
            kept, apart.checkpoints / stage, symlinks=True, copy_function=_copy
        )
    else:
        apart.checkpoints.mkdir(exist_ok=True)
    return apart


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)


def _workshop(
    plan: Resolved,
    paths: RunPaths,
    found: Environment,
    self_argv: Sequence[str],
    clock: Clock,
) -> Workshop:
    """Open what orders are made with; there is nothing to seal and nobody to tell."""
    nobody: Any = None
    return Workshop(
        plan=plan,
        paths=paths,
        results=ResultPaths(paths.results),
        clock=clock,
        keeper=nobody,
        ledger=nobody,
        story=nobody,
        blobs=nobody,
        store=nobody,
        self_argv=tuple(self_argv),
        environment=found,
    )


def _tell(stage: Stage, attempt: AttemptPaths, code: int) -> None:
    """Say how it ended, and where what it made lies."""
    say = [f"stage {stage.name!r} ended in {code}; nothing was sealed"]
    if error := _reported(attempt, "error"):
        say.append(f"  its error: {error}")
    if metrics := _reported(attempt, "metric"):
        say.append(f"  its metrics: {json.dumps(metrics)}")
    say.append(f"  $OUT: {attempt.out} ({_holds(attempt.out)})")
    say.append(f"  $RESULTS: {attempt.results} ({_holds(attempt.results)})")
    lacking = [name for name in stage.outputs if not (attempt.out / name).exists()]
    if lacking and not code:
        say.append(f"  it did not make: {', '.join(lacking)}")
    print("\n".join(say), file=sys.stderr)


def _holds(folder: Path) -> str:
    names = sorted(path.relative_to(folder).as_posix() for path in _files(folder))
    some = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return (f"{some} and {more} more" if more > 0 else some) or "empty"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if not path.is_dir())


def _reported(attempt: AttemptPaths, kind: str) -> Any:
    """Find what the stage reported: its last error, or all its metrics together."""
    found: Any = {}
    for line in (attempt.root / "reports").read_bytes().splitlines():
        with contextlib.suppress(ValueError, AttributeError, TypeError, RecursionError):
            said = json.loads(line).get(kind)
            found = {**found, **said} if isinstance(said, dict) else said or found
    return found
