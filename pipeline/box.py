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
    keeper, child   what the runner starts itself

Requests come on stdin. A name on the command line is one of ours and checked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pipeline import codec, files, schema
from pipeline.clock import SystemClock
from pipeline.errors import BUG, DONE, HostError, PipelineError
from pipeline.layout import PLAN, STOP, BoxPaths, RunPaths, is_safe_name
from pipeline.wire import (
    Answer,
    Beginning,
    Carrying,
    Clearing,
    Following,
    Planning,
    read_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# What is kept here is nobody else's; a stage gets the umask that its user has.
_UMASK = os.umask(0o077)
# Said by a relative path from the home, which is left when a runner is detached.
_PYZ = Path(sys.argv[0]).absolute()

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
    out = sys.stderr if verb in ("follow", "carry", "verify", "gc") else sys.stdout
    print(
        codec.dumps(Answer(error=error.message, hint=error.hint)), file=out, flush=True
    )
    return error.exit_code


def _box() -> BoxPaths:
    """Find the project's folder: this file lies in its runner/."""
    return BoxPaths(_PYZ.parent.parent)


def _self_argv() -> tuple[str, ...]:
    # Nothing but the standard library is needed, so nothing else is looked for: that
    # halves the start. A child, which needs all there is, is started without these.
    return (sys.executable, "-I", "-S", str(_PYZ))


def _run_paths(run: str) -> RunPaths:
    """Give the paths of a run that is there."""
    if not is_safe_name(run):
        message = f"{run!r} cannot be the name of a run"
        raise HostError(message)
    folder = _box().run(run)
    try:
        plan = schema.read_plan((folder / PLAN).read_bytes())
    except FileNotFoundError as error:
        message = f"run {run!r} is not on this box"
        raise HostError(
            message, hint="see which runs are known: pipeline runs"
        ) from error
    return RunPaths(folder, PurePosixPath(plan.prefix))


def _stdin() -> BinaryIO:
    """Give stdin without a buffer, so that nothing is read that others should get."""
    return open(0, "rb", buffering=0, closefd=False)


def _answer(answer: Answer) -> None:
    sys.stdout.write(codec.dumps(answer) + "\n")
    sys.stdout.flush()


def _launch(paths: RunPaths) -> None:
    from pipeline.launch import launch

    launch(paths, self_argv=_self_argv(), umask=_UMASK)


def _begin() -> int:
    from pipeline.begin import begin

    asked = read_request(Beginning, _stdin())
    # What follows the request is a pack, read by git itself from the same descriptor.
    instead = begin(_box(), asked, _stdin(), SystemClock())
    if instead is not None:
        _answer(instead)
        return DONE
    paths = _run_paths(asked.plan.run)
    _launch(paths)
    _answer(Answer(lives=True, folder=str(paths.root)))
    return DONE


def _plan() -> int:
    import base64

    from pipeline.planning import planned

    asked = read_request(Planning, _stdin())
    texts = {path: base64.b64decode(text) for path, text in asked.env_files.items()}
    made = planned(
        asked.plan,
        _box(),
        listing=lambda: dict(asked.listing),
        read=texts.get,
        clock=SystemClock(),
        run=asked.run,
    )
    _answer(Answer(planned=made))
    return DONE


def _resume(run: str) -> int:
    from pipeline.launch import is_done
    from pipeline.restoring import mend

    paths = _run_paths(run)
    lived = files.is_locked(paths.runner_lock)
    if not lived and is_done(paths):
        _answer(Answer(is_done=True, mended=mend(paths), folder=str(paths.root)))
        return DONE
    _launch(paths)
    _answer(Answer(lives=lived, folder=str(paths.root)))
    return DONE


def _stop(run: str) -> int:
    paths = _run_paths(run)
    lives = files.is_locked(paths.runner_lock)
    if lives:
        (paths.control / STOP).touch()
    _answer(Answer(lives=lives, folder=str(paths.root)))
    return DONE


def _follow(run: str) -> int:
    from pipeline.follow import Follower, follow

    asked = read_request(Following, _stdin())
    clock = SystemClock()
    follower = Follower(_run_paths(run), dict(asked.have), clock)
    follow(follower, clock, hangup=0, write=_write)
    return DONE


def _write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _carry(run: str) -> int:
    from pipeline.carry import carry

    asked = read_request(Carrying, _stdin())
    paths = _run_paths(run)
    root = paths.results if asked.folder == "results" else paths.artifacts
    carry(root, asked, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return DONE


def _verify(run: str) -> int:
    from pipeline.verify import Verification

    paths = _run_paths(run)
    plan = schema.read_plan(paths.plan.read_bytes())

    def say(line: object) -> None:
        _write(codec.dumps(line).encode() + b"\n")

    Verification(paths, plan, SystemClock(), say).run()
    return DONE


def _gc() -> int:
    from pipeline.clearing import Clearance

    asked = read_request(Clearing, _stdin())

    def say(line: object) -> None:
        _write(codec.dumps(line).encode() + b"\n")

    Clearance(_box(), _PYZ, SystemClock(), say).clear(asked)
    return DONE


def _visit(run: str, stage: str = "") -> int:
    paths = _run_paths(run)
    if stage:
        from pipeline import debugging

        debugging.check(paths, stage)
    _answer(Answer(lives=files.is_locked(paths.runner_lock), folder=str(paths.base)))
    return DONE


def _shell(run: str, *words: str) -> int:
    from pipeline import foreground

    paths = _run_paths(run)
    return foreground.shell(paths, words, umask=_UMASK, clock=SystemClock())


def _debug(run: str, stage: str) -> int:
    from pipeline import debugging

    return debugging.debug(
        _run_paths(run),
        stage,
        self_argv=_self_argv(),
        umask=_UMASK,
        clock=SystemClock(),
    )


def _keeper() -> int:
    from pipeline.keeper import keep

    keep(sys.stdin.buffer, SystemClock())
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
    "keeper": _keeper,
    "child": _child,
}
