"""What the runner.pyz can do on a box: its verbs, and nothing else.

    begin   make a run from what stdin brings, and launch its runner
    plan    say what a run would do, and why; nothing is made
    resume  launch a runner for a run that is there
    stop    leave a wish for the runner
    follow  stream events, beats and logs home
    carry   stream other files home
    verify  hold all of a run against its seals, a line for each difference
    visit   say whether a person may work in a run's worktree, or on one stage of it
    shell   open a shell in a run's worktree, or run a command there
    debug   run one stage of a run alone, in the foreground
    gc      list what no kept run needs, and delete it where that is meant
    runs    say which runs lie here, to a laptop that never saw them
    data    say what homes of data sets hold; take files in, or send them home
    keeper, child   what the runner starts itself
    revive  go on with a run after a reboot: what its unit of systemd starts

Requests come on stdin. A name on the command line is one of ours and checked.
"""

from __future__ import annotations

import os
import sys
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pipeline import codec, files, schema, wire
from pipeline.clock import SystemClock
from pipeline.errors import BUG, DONE, HostError, PipelineError
from pipeline.layout import STOP, RunPaths
from pipeline.whereabouts import (
    PYZ,
    go_on_as_begun,
    project,
    run_folder,
    run_paths,
    self_argv,
)
from pipeline.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What is kept here is nobody else's; a stage gets the umask that its user has.
_UMASK = os.umask(0o077)

# Each verb imports what it needs when it is called: a child pays for no runner.


def main(argv: list[str] | None = None) -> int:
    """Do one verb; give the exit code. It never is 255, which means a broken link."""
    verb, *names = sys.argv[1:] if argv is None else argv
    act = _VERBS.get(verb)
    if act is None:
        print(f"no such verb: {verb}", file=sys.stderr)
        return BUG
    try:
        return _told(act(*names))
    except BrokenPipeError:
        return DONE  # the laptop hung up
    except PipelineError as error:
        return _refuse(verb, error)
    except OSError as error:
        what = f"{error.strerror}: {error.filename}" if error.filename else str(error)
        return _refuse(verb, HostError(what, hint="on the box itself"))


def _told(code: int) -> int:
    return 254 if code == 255 else code


def _refuse(verb: str, error: PipelineError) -> int:
    """Answer with what went wrong: where frames or a tar go, beside them."""
    if verb in ("shell", "debug"):
        print(error, file=sys.stderr)  # a person reads it, and no program
        return error.exit_code
    out = sys.stderr if verb in _STREAMS else sys.stdout
    print(
        codec.dumps(Answer(error=error.message, hint=error.hint)),
        file=out,
        flush=True,
    )
    return error.exit_code


# What they say on stdout is frames, a tar, or lines of their own.
_STREAMS = ("follow", "carry", "verify", "gc", "data", "runs")


def _stdin() -> BinaryIO:
    """Give stdin without a buffer, so that nothing is read that others should get."""
    return open(0, "rb", buffering=0, closefd=False)


def _answer(answer: Answer) -> None:
    sys.stdout.write(codec.dumps(answer) + "\n")
    sys.stdout.flush()


def _launch(paths: RunPaths, secrets: Mapping[str, str]) -> None:
    from pipeline.launch import launch

    launch(paths, self_argv=self_argv(), umask=_UMASK, secrets=secrets)


def _begin() -> int:
    from pipeline.begin import begin

    asked = wire.read_request(wire.Beginning, _stdin())
    # What follows the request is a pack, read by git itself from the same descriptor.
    instead = begin(project(), asked, _stdin(), SystemClock())
    if instead is not None:
        _answer(instead)
        return DONE
    paths = run_paths(asked.plan.run)
    # For who resumes: a run is one code, and that is also the runner's own.
    files.replace_text(paths.program, f"{PYZ.name}\n")
    _launch(paths, asked.secrets)
    _answer(Answer(lives=True, folder=str(paths.root)))
    return DONE


def _plan() -> int:
    from pipeline.planning import planned_as_asked

    asked = wire.read_request(wire.Planning, _stdin())
    _answer(Answer(planned=planned_as_asked(asked, project(), SystemClock())))
    return DONE


def _resume(run: str) -> int:
    go_on_as_begun("resume", run, umask=_UMASK)
    from pipeline.launch import go_on

    secrets = wire.read_resuming(_stdin()).secrets
    paths = run_paths(run)
    _answer(go_on(paths, secrets, self_argv=self_argv(), umask=_UMASK))
    return DONE


def _stop(run: str) -> int:
    # Without its plan, which may be of a version that we know nothing of.
    paths = RunPaths(run_folder(run), PurePosixPath())
    lives = files.is_locked(paths.runner_lock)
    if lives:
        (paths.control / STOP).touch()
    else:
        from pipeline import unit

        unit.disarm(project(), run)  # who stops it means the next start of the box too
    _answer(Answer(lives=lives, folder=str(paths.root)))
    return DONE


def _follow(run: str) -> int:
    from pipeline.follow import Follower, follow

    asked = wire.read_request(wire.Following, _stdin())
    clock = SystemClock()
    follower = Follower(run_paths(run), dict(asked.have), clock)
    follow(follower, clock, hangup=0, write=_write)
    return DONE


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _tell(line: object) -> None:
    _write(codec.dumps(line).encode() + b"\n")


def _carry(run: str) -> int:
    from pipeline.carry import carry

    asked = wire.read_request(wire.Carrying, _stdin())
    paths = run_paths(run)
    root = paths.results if asked.folder == "results" else paths.artifacts
    carry(root, asked, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return DONE


def _verify(run: str) -> int:
    from pipeline.verify import Verification

    paths = run_paths(run)
    plan = schema.read_plan(paths.plan.read_bytes())
    Verification(paths, plan, SystemClock(), _tell).run()
    return DONE


def _gc() -> int:
    from pipeline.clearing import Clearance

    asked = wire.read_request(wire.Clearing, _stdin())
    Clearance(project(), PYZ, SystemClock(), _tell).clear(asked)
    return DONE


def _runs() -> int:
    from pipeline.roster import listed

    asked = wire.read_request(wire.Asking, _stdin())
    for one in listed(project(), asked, SystemClock()):
        _tell(one)
    return DONE


def _data() -> int:
    from pipeline import depot
    from pipeline.data.tending import Tending

    os.umask(_UMASK)  # a data set is its user's, as any other file
    asked = wire.read_request(Tending, _stdin())
    depot.tend(asked, depot.Depot(project(), SystemClock()), _write)
    return DONE


def _visit(run: str, stage: str = "") -> int:
    paths = run_paths(run)
    if stage:
        from pipeline import debugging

        debugging.check(paths, stage)
    _answer(Answer(lives=files.is_locked(paths.runner_lock), folder=str(paths.base)))
    return DONE


def _shell(run: str, *words: str) -> int:
    from pipeline import foreground

    paths = run_paths(run)
    return foreground.shell(paths, words, umask=_UMASK, clock=SystemClock())


def _debug(run: str, stage: str) -> int:
    from pipeline import debugging

    return debugging.debug(
        run_paths(run),
        stage,
        self_argv=self_argv(),
        umask=_UMASK,
        clock=SystemClock(),
    )


def _keeper(run: str = "") -> int:
    from pipeline.keeper import keep

    clock = SystemClock()
    if not keep(sys.stdin.buffer, clock) and run:
        from pipeline.lastword import say_last_word

        say_last_word(run_paths(run), clock)
    return DONE


def _revive(run: str) -> int:
    from pipeline import unit
    from pipeline.reviving import revive

    try:
        paths = run_paths(run)
    except PipelineError:
        unit.disarm(project(), run)  # of a run that is gone, or that nobody can read
        raise
    revive(paths, SystemClock(), self_argv=self_argv())
    return DONE


def _child(order: str) -> int:
    from pipeline import child

    return child.main(order)


_VERBS: dict[str, Callable[..., int]] = {
    "begin": _begin,
    "plan": _plan,
    "resume": _resume,
    "stop": _stop,
    "follow": _follow,
    "carry": _carry,
    "verify": _verify,
    "visit": _visit,
    "shell": _shell,
    "debug": _debug,
    "gc": _gc,
    "data": _data,
    "runs": _runs,
    "keeper": _keeper,
    "revive": _revive,
    "child": _child,
}
