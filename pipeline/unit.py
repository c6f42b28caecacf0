"""The unit of the user's systemd that takes a run up again after a reboot.

A file in `~/.config/systemd/user` and a link beside it, there while the run is
unfinished and gone when it ends: nothing of ours lives in between. systemd reads them
when the machine starts, for a user who lingers; so neither is there for anybody else.
The link is made by ourselves, as `systemctl --user enable` would need a session bus.
"""

from __future__ import annotations

import contextlib
import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files, supervise
from pipeline.layout import PLAN, is_safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.layout import BoxPaths, RunPaths

_SYSTEMD = Path("/run/systemd/system")  # there where it is the first process
_LINGER = Path("/var/lib/systemd/linger")
_ASK_STATE = ("systemctl", "show", "--property=SystemState", "--value")
# `simple`, and not a runner that goes off on its own: the unit lives as long as the
# run. `mixed`: only the runner is asked to end, which asks its stages.
_TEXT = """\
# Made by `pipeline` for a run that is unfinished, and removed when it ends.
[Unit]
Description=pipeline: go on with run {run} of {project}
ConditionPathExists={plan}
ConditionPathExists={linger}

[Service]
Type=simple
ExecStart=/usr/bin/env {words}
KillMode=mixed
OOMPolicy=continue

[Install]
WantedBy=default.target
"""


def is_possible() -> bool:
    """Tell whether this user's units are started with the machine."""
    if not _SYSTEMD.is_dir():
        return False
    try:
        who = pwd.getpwuid(os.geteuid())
    except KeyError:  # a user that only a container knows
        return False
    # systemd looks into the home of the user, whatever HOME says to us.
    is_home = Path.home() == Path(who.pw_dir)
    return is_home and (_LINGER / who.pw_name).exists()


def arm(paths: RunPaths, self_argv: Sequence[str]) -> bool:
    """Have the run taken up after a reboot; tell whether it will be."""
    if not is_possible():
        return False
    place = _place(paths.box, paths.root.name)
    try:
        _link(place).parent.mkdir(parents=True, exist_ok=True)
        files.replace_text(place, _text(paths, self_argv), durable=True)
        files.point_link(_link(place), f"../{place.name}")
        files.sync_folder(_link(place).parent)
    except OSError:
        return False  # a home that cannot be written: the run goes on without
    return True


def is_armed(paths: RunPaths) -> bool:
    """Tell whether the run would be taken up after a reboot."""
    return _link(_place(paths.box, paths.root.name)).is_symlink()


def disarm(box: BoxPaths, run: str) -> None:
    """Leave nothing of a run's unit: the link first, as that is what starts it."""
    place = _place(box, run)
    with contextlib.suppress(OSError):
        _link(place).unlink(missing_ok=True)
        place.unlink(missing_ok=True)


def all_of(box: BoxPaths) -> Iterator[tuple[str, Path]]:
    """Give what there is of a project's units, links first, each with its run."""
    head = f"pipeline-{box.root.name}-"
    for folder in (_link(_place(box, "any")).parent, _folder()):
        with contextlib.suppress(OSError):
            for place in sorted(folder.glob(f"{head}*.service")):
                run = place.name.removeprefix(head).removesuffix(".service")
                if is_safe_name(run):
                    yield run, place


def is_going_down() -> bool:
    """Tell whether this machine is being shut down.

    A bus that does not answer any more is taken for a yes: it is gone early.
    """
    state = supervise.listen(_ASK_STATE, timeout_s=5).strip()
    return state in ("stopping", "")


def _folder() -> Path:
    return Path.home() / ".config" / "systemd" / "user"


def _place(box: BoxPaths, run: str) -> Path:
    return _folder() / f"pipeline-{box.root.name}-{run}.service"


def _link(place: Path) -> Path:
    return place.parent / "default.target.wants" / place.name


def _text(paths: RunPaths, self_argv: Sequence[str]) -> str:
    words = (*self_argv, "revive", paths.root.name)
    name = pwd.getpwuid(os.geteuid()).pw_name
    return _TEXT.format(
        run=paths.root.name,
        project=paths.box.root.name,
        plan=_as_path(paths.root / PLAN),
        linger=_as_path(_LINGER / name),
        words=" ".join(map(quoted, words)),
    )


def _as_path(path: Path) -> str:
    """Write a path where systemd takes a line as it is, but for what `%` begins."""
    return str(path).replace("%", "%%")


def quoted(word: str) -> str:
    """Write one word of a command as systemd reads it: nothing in it is special."""
    written = ""
    for letter in word:
        code = ord(letter)
        if letter in '\\"':
            written += f"\\{letter}"
        elif letter in "%$":
            written += letter * 2
        elif code < 32 or code == 127:
            written += f"\\x{code:02x}"
        else:
            written += letter
    return f'"{written}"'
