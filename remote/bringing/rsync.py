"""Gather files of a box by rsync, into a folder where nothing else lies.

Its client believes much of what the far side says, and an old one all of it: that a
name was asked for, that it leads nowhere else. So it writes into an empty folder of its
own, makes no links and no special files (no `-l`, no `-D`), is stopped when that folder
grows beyond bounds, and an rsync that is known to believe too much is not used at all.

Only flags that GNU rsync 3 and the openrsync of macOS share are used; one that refuses
them all the same leaves it to the tar stream.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from pipeline.clock import SystemClock
from pipeline.errors import HostError, TransportError
from pipeline.frozen import dataclass
from pipeline.offers import GROWING, LIVE
from pipeline.views.tame import tame
from remote.bringing.landing import MOST_FILES, check_room, crowded, weigh
from remote.links import command
from remote.links.flow import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from remote.bringing.wanted import Wanted
    from remote.links.link import Link

_LOOK_S = 0.5
_BROKEN = frozenset({10, 12, 30, 35, 255})  # what rsync answers when the line breaks
_NOT_THERE = frozenset({126, 127})
_UNFIT = frozenset({1, 2, 4})  # it does not know a flag, or the other's protocol
# 24: a file vanished under rsync. It was renamed, and comes the next time.
_ANYWAY = frozenset({0, 24})
_NOT_ALL = 23
_MISSING = (b"rsync: command not found", b"rsync: not found", b"not found: rsync")
_CHATTY = b"is your shell clean?"
_VERSION = re.compile(rb"^rsync +version v?(\d+)\.(\d+)\.(\d+)")
# Since then the client itself checks that what comes was asked for (CVE-2022-29154).
_WARY = (3, 2, 5)
_ASK_S = 10.0
_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """One call of rsync: what to bring from which folder there, and to where here.

    beside: a folder whose files need not come again where they are the same by size and
    time. names: a file for the list of names, where names are wanted. goes_on: a part
    that came stays, and the next call goes on with it by its own blocks. told: hears
    now and then how many bytes lie there.
    """

    wanted: Wanted
    source: str
    into: Path
    beside: Path | None = None
    names: Path
    goes_on: bool = False
    told: Callable[[int], None] | None = None


@functools.cache
def is_fit() -> bool:
    """Tell whether this machine has an rsync that may be used with an untrusted box."""
    try:
        said = command.run(["rsync", "--version"], timeout_s=_ASK_S)
    except (HostError, TimeoutError):
        return False
    if said.out.lstrip().startswith(b"openrsync"):
        return True  # it refuses absolute and backtracking names, and makes few flags
    found = _VERSION.match(said.out.lstrip())
    return found is not None and tuple(map(int, found.groups())) >= _WARY


def can_name(folder: str) -> bool:
    """Tell whether a folder of the box can be named: an older rsync shows a shell."""
    return PLAIN.fullmatch(folder) is not None


class Rsync:
    """Calls rsync, one at a time."""

    def __init__(self, link: Link) -> None:
        """Gather over the connection of `link`."""
        self._link = link
        self._is_stopped = False

    def gather(self, asked: Gathering) -> bool:
        """Gather files; give False where rsync is missing, or cannot do it.

        Raise TransportError when the line broke, HostError when it was refused; what
        came until then lies there.
        """
        process = command.Process(self._argv(asked))
        try:
            self._watch(process, asked)
            code, err = process.code, process.err
            self._link.heed(err)
        finally:
            # With its whole group: an ssh left behind would go on.
            process.end()
        # 23: one that was named is gone, or a name is none here. Who asked counts.
        is_told = asked.wanted.names and code == _NOT_ALL
        return bool(is_told) or code in _ANYWAY or self._judge(code, err)

    def stop(self) -> None:
        """Let what is under way in another thread end soon."""
        self._is_stopped = True

    def _argv(self, asked: Gathering) -> list[str]:
        beside = [f"--compare-dest={asked.beside}"] if asked.beside else []
        part = ["--partial"] if asked.goes_on else []
        return [
            *("rsync", "-rt"),
            *self._link.rsync_flags(),
            *part,
            *beside,
            *_filters(asked),
            self._link.rsync_source(asked.source) + "/",
            f"{asked.into}/",
        ]

    def _watch(self, process: command.Process, asked: Gathering) -> None:
        """Wait for its end; stop it where a box that lies would fill this machine."""
        process.send_end()
        pause_s = _LOOK_S
        while (said := process.read(pause_s)) != b"":
            if self._is_stopped:
                message = "nobody watches any more"
                raise TransportError(message, hint="what came is kept")
            if said is not None:
                continue
            began = _CLOCK.monotonic()
            count, size = weigh(asked.into)
            if count > MOST_FILES:
                raise crowded()
            check_room(asked.into)
            if asked.told:
                asked.told(size)
            # Looking at many files takes its time, and the disk's.
            pause_s = max(_LOOK_S, 10 * (_CLOCK.monotonic() - began))

    def _judge(self, code: int, err: bytes) -> bool:
        """Say what an end means that is none of the good ones."""
        lines = err.decode("utf-8", "replace").strip().splitlines()
        hint = "\n".join(map(tame, lines))[-500:]
        name = self._link.name
        if code in _NOT_THERE or any(sign in err for sign in _MISSING):
            return False
        if code in _UNFIT and _CHATTY not in err:
            return False
        if code in _BROKEN:
            raise TransportError(
                f"host {name!r}: the line broke during rsync", hint=hint
            )
        raise HostError(f"host {name!r}: rsync ended in {code}", hint=hint)


def _filters(asked: Gathering) -> Sequence[str]:
    """Say what to bring: files by name, or by rules, of which the first decides."""
    wanted = asked.wanted
    if wanted.names:
        listed = b"".join(
            name.encode("utf-8", "surrogateescape") + b"\0" for name in wanted.names
        )
        asked.names.write_bytes(listed)
        return ["--from0", f"--files-from={asked.names}"]
    rules = ["--exclude=.*.draft"]
    if wanted.folder == "results":
        left = [".*", *sorted(GROWING | LIVE)]
        rules = [f"--exclude={name}" for name in left]
    rules += ["--include=*/", *(f"--include={name}" for name in wanted.include)]
    rules += ["--exclude=*"]
    if wanted.max_file >= 0:
        rules += [f"--max-size={wanted.max_file}"]
    return rules
