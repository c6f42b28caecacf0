"""What the runner.pyz can do on a box: its verbs, and nothing else.

    begin   make a run from what stdin brings, and launch its runner
    resume  launch a runner for a run that is there
    stop    leave a wish for the runner
    follow  stream events, beats and logs home
    carry   stream other files home
    run, keeper, child   what the box starts itself

Requests come on stdin. A name on the command line is one of ours and checked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from pipeline import codec, files
from pipeline.clock import SystemClock
from pipeline.errors import BUG, DONE, HostError, PipelineError
from pipeline.layout import BoxPaths, RunPaths, is_safe_name
from pipeline.wire import Answer, Beginning, Carrying, Following, read_request

if TYPE_CHECKING:
    from collections.abc import Callable

_LAUNCH_S = 20.0
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
        return act(*names)
    except PipelineError as error:
        _answer(Answer(error=error.message, hint=error.hint))
        return error.exit_code
    except BrokenPipeError:
        return DONE  # the laptop hung up


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
        prefix = json.loads((folder / "plan.json").read_bytes())["prefix"]
    except FileNotFoundError as error:
        message = f"run {run!r} is not on this box"
        raise HostError(
            message, hint="see which runs are known: pipeline runs"
        ) from error
    return RunPaths(folder, PurePosixPath(prefix))


def _stdin() -> BinaryIO:
    """Give stdin without a buffer, so that nothing is read that others should get."""
    return open(0, "rb", buffering=0, closefd=False)


def _answer(answer: Answer) -> None:
    sys.stdout.write(codec.dumps(answer) + "\n")
    sys.stdout.flush()


def _launch(paths: RunPaths) -> None:
    """Start a runner that needs nothing from us. A second one ends by itself.

    On return the runner has told of itself: whoever follows now sees no older end.
    """
    from pipeline import runner, supervise

    if files.is_locked(paths.runner_lock):
        return
    # An old wish to stop is not meant for the runner that starts now.
    (paths.control / "stop").unlink(missing_ok=True)
    told = _size(paths.events)
    supervise.detach(
        lambda: runner.run(paths.root, SystemClock(), self_argv=_self_argv()),
        cwd=paths.root,
        log=paths.runner_log,
        name="pipeline-run",
    )
    clock = SystemClock()
    until = clock.monotonic() + _LAUNCH_S
    while clock.monotonic() < until:
        if _size(paths.events) > told:
            return
        clock.sleep(0.01)
    said = paths.runner_log.read_text("utf-8", "replace")[-1000:].strip()
    message = f"the runner of {paths.root.name} did not start"
    raise HostError(message, hint=said or f"see {paths.runner_log} on the box")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _begin() -> int:
    from pipeline.begin import begin

    asked = read_request(Beginning, _stdin())
    # What follows the request is a pack, read by git itself from the same descriptor.
    if not begin(_box(), asked, _stdin()):
        _answer(Answer(need="objects"))
        return DONE
    paths = _run_paths(asked.plan.run)
    _launch(paths)
    _answer(Answer(lives=True, folder=str(paths.root)))
    return DONE


def _resume(run: str) -> int:
    paths = _run_paths(run)
    lived = files.is_locked(paths.runner_lock)
    _launch(paths)
    _answer(Answer(lives=lived, folder=str(paths.root)))
    return DONE


def _stop(run: str) -> int:
    paths = _run_paths(run)
    lives = files.is_locked(paths.runner_lock)
    if lives:
        (paths.control / "stop").touch()
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


def _run(run: str) -> int:
    from pipeline import runner

    return runner.run(_box().run(run), SystemClock(), self_argv=_self_argv())


def _keeper() -> int:
    from pipeline.keeper import keep

    keep(sys.stdin.buffer, SystemClock())
    return DONE


def _child(order: str) -> int:
    from pipeline import child

    return child.main(order)


_VERBS: dict[str, Callable[..., int]] = {
    "begin": _begin,
    "resume": _resume,
    "stop": _stop,
    "follow": _follow,
    "carry": _carry,
    "run": _run,
    "keeper": _keeper,
    "child": _child,
}
