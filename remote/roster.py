"""Which runs lie on a box, and one of them taken up as if it had been started here.

All that is known of such a run is what its box says, and a box may lie: nothing of it
becomes a path, a branch or a rule here that was not checked, or is not our own.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import memory, wire
from pipeline.clock import SystemClock, parse_stamp, stamp
from pipeline.errors import HostError, SpecError
from pipeline.git import Git
from pipeline.layout import RUN_ID, is_safe_name
from pipeline.snapshots.snapshot import OBJECT_NAME, identity, project_id
from remote.bringing.folders import own_folder, prepare_mirror
from remote.start import check_branch
from remote.watching.lines import lines
from remote.watching.reading import bring_home

if TYPE_CHECKING:
    from typing import TextIO

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.schema import Host, Pipeline
    from pipeline.wire import Asking, Listed
    from remote.far import Far

_LATEST = ("", "latest")
_MOST = 100_000  # lines of a box that never ends


def project_here(name: str, paths: LaptopPaths) -> str:
    """Name the folder that this repository's runs of a pipeline have on any box."""
    root, prefix = identity(paths.root, paths.scratch)
    return project_id(name, root, prefix, str(paths.root))


def listed(far: Far, asked: Asking) -> list[Listed]:
    """Give the runs that lie there, the latest last; a foreign name is none."""
    told = lines(far, lambda: far.runs(asked), wire.Listed)
    found = [
        one
        for one in itertools.islice(told, _MOST)
        if RUN_ID.fullmatch(one.run) and is_safe_name(one.project)
    ]
    return sorted(found, key=lambda one: (one.started_at, one.run))


def find(far: Far, wanted: str, *, project: str, name: str) -> Listed:
    """Ask for the one run of this project that `wanted` names, with its plan.

    Raise SpecError when there is none, or more than one; HostError when the run is of
    another project, which only a clone of its own repository can take up.
    """
    found = listed(far, wire.Asking(everywhere=True, wanted=wanted or "latest"))
    ours = [one for one in found if one.project == project]
    if wanted in _LATEST:
        ours = ours[-1:]
    exact = [one for one in ours if one.run == wanted] or ours
    if len(exact) == 1:
        return exact[0]
    where = f"on {far.link.name!r}"
    if exact:
        names = ", ".join(one.run for one in exact)
        message = f"{wanted!r} may be any of these {where}: {names}"
        raise SpecError(message, hint="name more of it")
    theirs = [one for one in found if wanted not in _LATEST]
    if theirs:
        raise _of_another(theirs[-1], name, project)
    what = f"run {wanted!r}" if wanted not in _LATEST else "run"
    message = f"no {what} of this project is {where}"
    hint = f"see them all with: pipeline runs --host {far.link.name} --all"
    raise SpecError(message, hint=hint)


def _of_another(one: Listed, name: str, project: str) -> HostError:
    """Say what to do with a run of another repository, or of another pipeline here."""
    message = (
        f"run {one.run} is of another project: {one.project}, and this is {project}"
    )
    differs = (
        f"its pipeline is called {one.name!r}, and this one {name!r}"
        if one.name and one.name != name
        else "it has another first commit, or pipeline.yaml lies elsewhere in it;"
        " a clone with a cut-off history has none"
    )
    hint = f"adopt it in a clone of the repository it was started from\n{differs}"
    return HostError(message, hint=hint)


def adopt(
    one: Listed, pipeline: Pipeline, host: Host | None, paths: LaptopPaths
) -> RunRecord:
    """Remember a run that was started elsewhere; doing it twice is fine.

    What comes home, how, and what is published is this repository's word: a plan is
    what some box holds.
    """
    record = _checked(one, host, paths)
    git = replace(pipeline.git, branch=record.git.branch)
    record = replace(
        record,
        sync=pipeline.sync,
        heartbeat=pipeline.heartbeat,
        notify=pipeline.notify,
        git=git,
    )
    own_folder(paths.results)
    check_branch(paths, record.branch)
    memory.remember_run(paths, record)
    return record


def _checked(one: Listed, host: Host | None, paths: LaptopPaths) -> RunRecord:
    """Make the record of a run whose box tells the truth, as far as can be seen."""
    if one.error or one.plan is None:
        said = one.error or "its plan did not come"
        raise HostError(f"run {one.run} cannot be adopted: {said}", hint=one.hint)
    plan = one.plan
    ref = f"refs/heads/{plan.branch}"
    repository = Git(paths.root, is_git_dir=False, is_ours=False)
    honest = {
        "run": plan.run == one.run,
        "project": plan.project == one.project,
        # A branch without the run's name could be one of yours.
        "branch": one.run in plan.branch
        and not repository.ask("check-ref-format", ref).code,
        "snapshot": bool(OBJECT_NAME.fullmatch(plan.snapshot)),
        "folder": plan.prefix == identity(paths.root, paths.scratch)[1],
    }
    if wrong := [what for what, is_so in honest.items() if not is_so]:
        message = (
            f"run {one.run} cannot be adopted: its plan names a foreign {wrong[0]}"
        )
        hint = "its plan.json was not made by pipeline, or was changed since"
        raise HostError(message, hint=hint)
    return memory.record_of(plan, host, _started_at(one.started_at))


def _started_at(told: str) -> str:
    try:
        return stamp(parse_stamp(told))
    except ValueError:
        return stamp(SystemClock().now())


def take_home(far: Far, record: RunRecord, paths: LaptopPaths, *, err: TextIO) -> None:
    """Bring what the box has of a run: its story, logs, files and branch."""
    prepare_mirror(far, record, paths)
    bring_home(far, record, paths, err=err)
