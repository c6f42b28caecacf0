"""What a run needs to be taken up after a reboot, as long as it is unfinished.

The unit of `unit`, which starts it; and revival.json in the run's folder: of the first
runner's surroundings what stages may need, and how often the run was taken up, each
time with the last seal it had. No secret is among that: only variables of known names
are kept, as systemd has none of those that a login has.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from pipeline import codec, files, unit
from pipeline.errors import IntegrityError
from pipeline.events import GOES_ON
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.events import RunEnded
    from pipeline.layout import RunPaths
    from pipeline.schema import Resolved

TIMES = 3  # reboots in a row, without a new seal in between, when nothing is said
_KEPT = re.compile(
    r"PATH|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR|XDG_CACHE_HOME"
    r"|(?:LD_)?LIBRARY_PATH|PYTHONPATH|VIRTUAL_ENV"
    r"|CONDA_(?:EXE|PREFIX|ROOT|DEFAULT_ENV)|MAMBA_(?:EXE|ROOT_PREFIX)"
    r"|CUDA_(?:HOME|PATH|ROOT|VISIBLE_DEVICES|DEVICE_ORDER)|[A-Z]+_NUM_THREADS"
    r"|HF_HOME|HF_HUB_CACHE|TORCH_HOME|(?:PIP|UV|MPL)_?[A-Z]*(?:CACHE_DIR|CONFIGDIR)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revival:
    """revival.json. `tries`: the last seal, or nothing, at each reboot since a start.

    umask: that of the login which started the run, for its stages.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    umask: int = 0o022
    tries: tuple[str, ...] = ()


def times_of(plan: Resolved) -> int:
    """Give how many reboots in a row, without a new seal, the run survives by itself.

    A run of this machine itself none, unless that is said: a laptop that is switched
    on should not begin to train.
    """
    said = plan.pipeline.revive
    if said is not None:
        return said
    return 0 if plan.host == "local" else TIMES


def prepare(
    plan: Resolved,
    paths: RunPaths,
    *,
    self_argv: Sequence[str],
    umask: int,
    is_revived: bool,
) -> None:
    """Have the run taken up after a reboot, where this machine can and the user may.

    One that a person took up begins to count anew.
    """
    if not times_of(plan) or not unit.is_possible():
        unit.disarm(paths.box, paths.root.name)
        return
    if not is_revived:
        kept = {n: v for n, v in os.environ.items() if _KEPT.fullmatch(n)}
        with contextlib.suppress(OSError):
            write(paths, Revival(environment=kept, umask=umask))
    unit.arm(paths, self_argv)


def outlook(paths: RunPaths, stopping: str) -> str:
    """Say of a run that is asked to end by SIGTERM if it goes on after a reboot."""
    if stopping != "SIGTERM" or not unit.is_armed(paths):
        return ""
    return GOES_ON if unit.is_going_down() else ""


def settle(paths: RunPaths, ended: RunEnded) -> None:
    """Leave nothing behind of a run that ended, unless only its machine goes down."""
    if goes_on(ended):
        return
    # Taken up again meanwhile, the unit is another runner's.
    lock = files.open_lock(paths.runner_lock)
    if lock is None:
        return
    try:
        unit.disarm(paths.box, paths.root.name)
        _path(paths).unlink(missing_ok=True)
    finally:
        os.close(lock)


def goes_on(ended: RunEnded) -> bool:
    """Tell whether an end of the story is none: the machine was shut down."""
    return ended.reason.endswith(GOES_ON)


def read(paths: RunPaths) -> Revival:
    """Read revival.json; one that is lost has kept nothing and counted nothing."""
    try:
        text = _path(paths).read_bytes()
        return codec.loads(Revival, text, what="revival.json")
    except (OSError, IntegrityError):
        return Revival()


def write(paths: RunPaths, known: Revival) -> None:
    """Write revival.json; it is there after a power cut."""
    files.replace_text(_path(paths), codec.dumps(known), durable=True)


def _path(paths: RunPaths) -> Path:
    return paths.root / "revival.json"
