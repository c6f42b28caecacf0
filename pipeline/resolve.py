"""From a Pipeline and a Snapshot to the plan.json of a host: all that a box is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import graph
from pipeline.errors import SpecError
from pipeline.frozen import dataclass
from pipeline.schema import Input, Resolved
from pipeline.snapshots import snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.clock import Clock
    from pipeline.layout import LaptopPaths
    from pipeline.recall import Recollection
    from pipeline.schema import Env, Host, Pipeline, Stage
    from pipeline.snapshots.snapshot import Snapshot

ALL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which stages a person wants done: by name; with force, `*` for all.

    force: executed whatever was sealed. only: these alone, all else must be sealed.
    since: this one and what depends on it, executed. until: this one and its needs.
    """

    force: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None


def resolve(
    found: Recollection,
    host: Host | None,
    taken: Snapshot,
    paths: LaptopPaths,
    *,
    run: str,
    clock: Clock,
    choice: Choice,
) -> Resolved:
    """Say what the box is to do."""
    chosen, force, settled = choose(found.pipeline, choice)
    chosen = replace(chosen, stages=with_what_lies_there(chosen.stages))
    names = {stage.name for stage in chosen.stages}
    whose = {name: digest for name, digest in found.code.items() if name in names}
    return Resolved(
        run=run,
        project=snapshot.project_id(
            chosen.name, taken.root_commit, taken.prefix, str(paths.root)
        ),
        host=host.name if host else "local",
        snapshot=taken.commit,
        branch=branch_name(chosen, run, clock),
        pipeline=chosen,
        prefix=taken.prefix,
        env=env_of(chosen, host, paths),
        is_dirty=taken.is_dirty,
        codes={digest: found.codes[digest] for digest in set(whose.values())},
        code=whose,
        force=force,
        settled=settled,
        data=data_homes(chosen, host, paths),
    )


def choose(
    pipeline: Pipeline, choice: Choice
) -> tuple[Pipeline, tuple[str, ...], tuple[str, ...]]:
    """Give the stages to be looked at, those to be executed, and those never to be."""
    one_by_one = (name for name in choice.force if name != ALL)
    limits = (name for name in (choice.since, choice.until) if name is not None)
    named = [*one_by_one, *choice.only, *limits]
    for name in named:
        _check_known(pipeline, name)
    wanted = _names(pipeline)
    for option, left in _limits(pipeline, choice):
        wanted &= left
        if lost := sorted(set(named) - left):
            message = f"stage {lost[0]!r} is asked for, and {option} leaves it out"
            raise SpecError(message, hint="ask for one of the two")
    force = set(choice.force) if ALL not in choice.force else set(wanted)
    if choice.since:
        force |= _dependants(pipeline, choice.since)
    settled = wanted - set(choice.only) if choice.only else set()
    if lost := sorted(force & settled):
        message = f"stage {lost[0]!r} is to be executed, and --only leaves it out"
        raise SpecError(message, hint="name it with --only too")
    stages = tuple(stage for stage in pipeline.stages if stage.name in wanted)
    order = [stage.name for stage in stages]
    return (
        replace(pipeline, stages=stages),
        tuple(name for name in order if name in force),
        tuple(name for name in order if name in settled),
    )


def with_what_lies_there(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Let a command depend on what the stages before it have collected.

    A foreign script finds those files in its worktree, and may read them by their own
    paths, with no word about it but `after`. Where it names a file of a stage, it is
    taken at its word.
    """
    laid: dict[str, frozenset[str]] = {}
    found: dict[str, Stage] = {}
    for stage in graph.order(stages):
        below = [{need, *laid[need]} for need in stage.needs]
        known = frozenset[str]().union(*below)
        collecting = {name for name in known if found[name].collect}
        laid[stage.name] = frozenset(collecting)
        named = {ref.stage for ref in stage.inputs}
        more = [Input(stage=n) for n in sorted(collecting - named)] if stage.sh else []
        found[stage.name] = replace(stage, inputs=(*stage.inputs, *more))
    return tuple(found[stage.name] for stage in stages)


def _limits(pipeline: Pipeline, choice: Choice) -> Iterator[tuple[str, set[str]]]:
    """Give each option that leaves stages out, and the stages that it leaves."""
    if choice.until:
        yield "--until", _needs(pipeline, {choice.until})
    if choice.only:
        yield "--only", _needs(pipeline, set(choice.only))
    if choice.since:
        yield "--from", _needs(pipeline, _dependants(pipeline, choice.since))


def _check_known(pipeline: Pipeline, name: str) -> None:
    known = [stage.name for stage in pipeline.stages]
    if name not in known:
        # Only who mistypes needs it.
        from pipeline.reading.mistakes import no_stage

        raise no_stage(name, known)


def _names(pipeline: Pipeline) -> set[str]:
    return {stage.name for stage in pipeline.stages}


def _needs(pipeline: Pipeline, wanted: set[str]) -> set[str]:
    return graph.with_needs(pipeline.stages, wanted)


def _dependants(pipeline: Pipeline, name: str) -> set[str]:
    """Give this stage and all that needs it, however far down."""
    found = {name}
    for stage in graph.order(pipeline.stages):
        if not found.isdisjoint(stage.needs):
            found.add(stage.name)
    return found


def env_of(pipeline: Pipeline, host: Host | None, paths: LaptopPaths) -> Env:
    """Give the environment of the stages there; a Python of this machine from here."""
    env = host.env if host and host.env.kind else pipeline.env
    is_here = host is None and "/" in env.python and not env.python.startswith("~")
    return replace(env, python=str(paths.root / env.python)) if is_here else env


def data_homes(
    pipeline: Pipeline, host: Host | None, paths: LaptopPaths
) -> dict[str, str]:
    """Give where each data set lies on that host; here, where the repository has it.

    An optional one that has no home there is left out.
    """
    homes = {}
    for data in pipeline.data:
        if host is None:
            home = data.hosts.get("local", str(paths.root / data.path))
        elif host.name in data.hosts:
            home = data.hosts[host.name]
        elif data.is_optional:
            continue
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
