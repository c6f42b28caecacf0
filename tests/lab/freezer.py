"""A hung host: its kernel still acknowledges TCP, and nothing of it answers.

The cgroup freezer does what SIGSTOP cannot: it holds PID 1 as well, no process sees it
coming, and none is told afterwards. It is a hierarchy of its own in cgroup v1, and a
file of every group in v2.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import command, processes

if TYPE_CHECKING:
    from collections.abc import Iterable

_V1, _V2 = Path("/sys/fs/cgroup/freezer"), Path("/sys/fs/cgroup")
ROOT, _SWITCH, _FROZEN, _THAWED = (
    (_V1, "freezer.state", "FROZEN", "THAWED")
    if _V1.is_dir()
    else (_V2, "cgroup.freeze", "1", "0")
)


def freeze(name: str, *, init: int) -> None:
    """Freeze every process of the host whose PID 1 is `init`."""
    group = ROOT / name
    group.mkdir(exist_ok=True)
    (group / _SWITCH).write_text(_FROZEN)
    frozen: set[int] = set()
    # Until no new one turns up: a process may fork while we walk.
    while awake := processes.beside(init) - frozen:
        _move(awake, group)
        frozen |= awake


def thaw(name: str) -> None:
    """Let the host go on, if it was frozen."""
    group = ROOT / name
    if group.exists():
        (group / _SWITCH).write_text(_THAWED)
        command.wait_until(
            lambda: _is_removed(group), timeout_s=5, what=f"{group} empty"
        )


def _is_removed(group: Path) -> bool:
    _move(map(int, (group / "cgroup.procs").read_text().split()), ROOT)
    try:
        group.rmdir()
    except OSError:
        return False  # a dying process is still listed
    return True


def _move(pids: Iterable[int], group: Path) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            (group / "cgroup.procs").write_text(str(pid))
