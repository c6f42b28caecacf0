"""Show how a run stood when last seen; asks nobody.

It reads the run's folder here, and works without a network. For a run on a box it is as
old as the last `attach`, and says so. Of a run on this machine it says whether a runner
lives. The same picture is results/<run>/PROGRESS.txt.

Examples:
  pipeline status                              the run that was started last
  watch -n 5 pipeline status                   again and again
  pipeline status --json | jq -r .state        one word, for a script
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from pipeline import codec, memory, sketch
from pipeline.clock import SystemClock, spoken
from pipeline.commands.document import put
from pipeline.commands.known import runner_lives, seen, told
from pipeline.errors import DONE
from pipeline.views.tame import tame, tame_text

if TYPE_CHECKING:
    from argparse import Namespace

    from pipeline.codec import Json
    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.progress import RunState, StageState

# What only serves to compute a rate; `share`, `rate` and `left_s` say it better.
_UNTOLD = {"first_tick_at", "first_done"}


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Show a run as its folder here tells it."""
    record = memory.find_run(paths, args.run)
    state = seen(record, paths)
    if args.json:
        put(_document(record, state, paths))
        return DONE
    if not state.run:
        print(f"{record.name}  run {record.run}  on {record.host_name}")
        print(f"nothing was heard of it yet; ask with: pipeline attach {record.run}")
        return DONE
    sys.stdout.write(tame_text(sketch.render(state)))
    if said := _published(record, state, paths):
        print(f"\nthe branch: {said}")
    if not state.has_ended:
        print(f"\n{_what_is_known(record, paths)}")
    return DONE


def _published(record: RunRecord, state: RunState, paths: LaptopPaths) -> str:
    """Say whether the run's branch was published, where that is known."""
    if not record.git.push:
        return ""
    from remote.publish import last

    known = last(paths, record.run)
    if known is None:
        return tame(state.published)
    to = f"to {tame(known.to)}"
    return f"pushed {to}" if known.is_done else f"not pushed {to}: {tame(known.said)}"


def _what_is_known(record: RunRecord, paths: LaptopPaths) -> str:
    """Say how much the picture is worth: of a box, only how old it is."""
    if record.host is None:
        if runner_lives(record):
            return f"a runner is at work; watch it with: pipeline attach {record.run}"
        return f"no runner lives; go on with: pipeline resume {record.run}"
    known = f"as seen {spoken(_age_s(record, paths) or 0.0)} ago, without asking"
    return f"{known}; for now: pipeline attach {record.run}"


def _age_s(record: RunRecord, paths: LaptopPaths) -> float | None:
    """Give how long ago something of the run came home."""
    mirror = paths.mirror(record.run)
    written = [
        p.stat().st_mtime for p in (mirror.heartbeat, mirror.events) if p.exists()
    ]
    now = SystemClock().now().timestamp()
    return round(max(now - max(written), 0.0), 3) if written else None


def _document(record: RunRecord, state: RunState, paths: LaptopPaths) -> Json:
    word = state.word if state.run else "not heard of"
    lives = runner_lives(record) if record.host is None else None
    if state.run and not state.has_ended and lives is False:
        word = "dead"
    return {
        **told(record),
        "state": word,
        "runner_lives": lives,
        "seen_s_ago": _age_s(record, paths),
        "started_at": state.started_at or record.started_at,
        "last_at": state.last_at,
        "resumed": state.resumed,
        "exit_code": state.exit_code,
        "reason": state.reason,
        "published": _published(record, state, paths),
        "results": str(paths.mirror(record.run).root),
        "stages": [_stage(stage) for stage in state.stages.values()],
    }


def _stage(stage: StageState) -> Json:
    told = codec.encode(stage)
    assert isinstance(told, dict)
    finite = {k: v for k, v in told.items() if k not in _UNTOLD and _is_json(v)}
    more = {"share": stage.share, "rate": stage.rate, "left_s": stage.left_s}
    return {**finite, **more}


def _is_json(value: Json) -> bool:
    """Tell whether JSON has a word for it: a box may have sent NaN."""
    if isinstance(value, dict):
        return all(map(_is_json, value.values()))
    return not isinstance(value, float) or math.isfinite(value)
