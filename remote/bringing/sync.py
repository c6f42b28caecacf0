"""Bring files of a run home: by rsync, or by a tar stream where that is missing."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import HostError, PipelineError, TransportError, trouble_here
from pipeline.views.tame import tame
from pipeline.wire import Carrying
from remote.bringing import rsync
from remote.bringing.landing import INCOMING, Landing, check_room, clear, look_over
from remote.bringing.rsync import Gathering, Rsync
from remote.bringing.untar import Reading, Unpacking

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.memory import RunRecord
    from remote.bringing.wanted import Wanted
    from remote.far import Far
    from remote.links.link import Stream


class Sync:
    """Brings one run's files home, again and again."""

    def __init__(self, far: Far, record: RunRecord) -> None:
        """Bring home the files of `record`."""
        self._far = far
        self._record = record
        self._rsync = Rsync(far.link)
        self._has_rsync = rsync.is_fit()

    def bring(self, wanted: Wanted, target: Path) -> None:
        """Bring what changed into `target`; nothing there is ever deleted.

        Each file comes whole or not at all, and none of them where a link leads.
        """
        try:
            target.mkdir(parents=True, exist_ok=True)
            check_room(target)
            count, has_links = look_over(target)
            landing = Landing(target, wanted.folder, count=count)
            # A link may lead rsync to compare with what is none of the run's.
            if has_links or not self._brought_by_rsync(wanted, target, landing):
                self._bring_by_tar(wanted, target, landing)
        except OSError as error:
            raise trouble_here(error) from error

    def gather(
        self,
        wanted: Wanted,
        incoming: Path,
        told: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Bring the files that are named into `incoming`, where parts of them may lie.

        They are gone on with. Nothing is said of what came: it may be anything. told:
        hears now and then how many bytes have come, by some count.
        """
        home = incoming / "files"
        (home / wanted.below).mkdir(parents=True, exist_ok=True)
        place = self._place(wanted)
        if self._has_rsync and rsync.can_name(place):
            asked = Gathering(
                wanted=wanted,
                source=place,
                into=home / wanted.below,
                names=incoming / "names",
                goes_on=True,
                told=told,
            )
            self._has_rsync = self._rsync.gather(asked)
            if self._has_rsync:
                return
        at = {
            f"{wanted.below}/{name}" if wanted.below else name: path.stat().st_size
            for name in wanted.names
            if (path := home / wanted.below / name).is_file()
        }
        asked_for = _carrying(wanted, have={}, at=at)
        before = sum(at.values())
        unpacking = Unpacking(
            Landing(home, wanted.folder),
            goes_on=True,
            told=lambda came: told(before + came),
        )
        self._unpack(asked_for, unpacking)

    def stop(self) -> None:
        """End what is under way; what came stays hidden, and goes on the next time."""
        self._rsync.stop()

    def _place(self, wanted: Wanted) -> str:
        base = self._far.run_folder(self._record)
        return "/".join(part for part in (base, wanted.folder, wanted.below) if part)

    def _brought_by_rsync(self, wanted: Wanted, target: Path, landing: Landing) -> bool:
        """Give False when it is missing on a side, or cannot be used here."""
        place = self._place(wanted)
        if not self._has_rsync or not rsync.can_name(place):
            return False
        incoming = target / INCOMING
        clear(incoming)
        into = incoming / "files" / wanted.below
        into.mkdir(parents=True)
        beside = target / wanted.below
        asked = Gathering(
            wanted=wanted,
            source=place,
            into=into,
            # To one that has nothing there is nothing to compare.
            beside=beside if not wanted.names and _holds_files(beside) else None,
            names=incoming / "names",
        )
        try:
            self._has_rsync = self._rsync.gather(asked)
            landing.land(incoming / "files")
        except PipelineError:
            # Of what broke in the middle, the files that came are whole; of a part
            # under a name of rsync's own nothing is said.
            with contextlib.suppress(HostError):
                landing.land(incoming / "files")
            raise
        finally:
            clear(incoming)
        return self._has_rsync

    def _bring_by_tar(self, wanted: Wanted, target: Path, landing: Landing) -> None:
        have = {} if wanted.names else _have(target)
        asked = _carrying(wanted, have=have, at={})
        self._unpack(asked, Unpacking(landing, most_size=wanted.max_file))

    def _unpack(
        self, asked: Carrying, unpacking: Unpacking, *, is_again: bool = False
    ) -> None:
        stream = self._far.carry(self._record.run, asked)
        try:
            torn = unpacking.unpack_all(Reading(stream))
        finally:
            stream.close()
        if self._far.lacks_runner(stream.code, stream.err) and not is_again:
            self._far.upload()
            self._unpack(asked, unpacking, is_again=True)
            return
        message = f"host {self._far.link.name!r}: the tar stream"
        # A tar that was cut between two files looks whole.
        if stream.code:
            refused = HostError(
                f"{message} ended with {stream.code}", hint=_said(stream)
            )
            raise self._far.refusal(stream.err) or refused
        if torn:
            raise TransportError(f"{message} is torn: {torn}", hint=_said(stream))


def _carrying(
    wanted: Wanted, *, have: dict[str, tuple[int, ...]], at: dict[str, int]
) -> Carrying:
    return Carrying(
        folder=wanted.folder,
        include=wanted.include,
        max_file=wanted.max_file,
        below=wanted.below,
        have=have,
        names=wanted.names,
        at=at,
    )


def _holds_files(folder: Path) -> bool:
    return any(names for _, _, names in os.walk(folder))


def _have(target: Path) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for place, _, names in os.walk(target):
        for name in names:
            path = Path(place, name)
            status = path.lstat()
            relative = path.relative_to(target).as_posix()
            found[relative] = (status.st_size, int(status.st_mtime))
    return found


def _said(stream: Stream) -> str:
    lines = stream.err.decode("utf-8", "replace").strip().splitlines()
    return "\n".join(map(tame, lines))[-500:]
