"""Big artifacts by content, shared by the runs of a project: `store/<sha256>`.

A file is in the store whole or not at all. Where the file system can, it shares its
blocks with the run's own copy; it is never the same file: a stage that writes into an
old output would change what others sealed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from typing import TYPE_CHECKING

from pipeline import artifact, files
from pipeline.artifact import Artifact
from pipeline.errors import IntegrityError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

_SHA256 = re.compile(r"[0-9a-f]{64}")
_READ_ONLY = 0o400
_AS_PUT_BACK = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the store, or a draft that a `put` began. Time in seconds."""

    name: str
    size: int
    used_at: float

    @property
    def is_draft(self) -> bool:
        """Tell what was never put whole."""
        return not _SHA256.fullmatch(self.name)


class Store:
    """The files of one folder, each named by its sha256."""

    def __init__(self, folder: Path) -> None:
        """Keep files in `folder`; it is made at first use."""
        self.folder = folder

    def put(
        self,
        path: Path,
        listed: Artifact,
        *,
        before_move: Callable[[], None] = lambda: None,
    ) -> None:
        """Keep the file at `path`, which is `listed`; on return it is there for good.

        Raise IntegrityError when it is something else by now. Doing it again, or in
        two processes at once, is safe. before_move: called when it is drawn whole.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self._place(listed)
        if self._renew(place, listed):
            return
        draft = files.draft_of(place)
        draft.unlink(missing_ok=True)
        try:
            _draw(path, draft, listed)
            draft.chmod(_READ_ONLY)
            files.sync_file(draft)
            before_move()
            if place.is_dir() and not place.is_symlink():
                files.remove_tree(place)  # nobody's: `has` knows plain files only
            files.move(draft, place)
        finally:
            draft.unlink(missing_ok=True)
        files.sync_folder(self.folder)

    def has(self, listed: Artifact) -> bool:
        """Tell whether it is there, by its name and size; `take` looks closer."""
        try:
            look = self._place(listed).lstat()
        except FileNotFoundError:
            return False
        return stat.S_ISREG(look.st_mode) and look.st_size == listed.size

    def take(self, listed: Artifact, target: Path) -> bool:
        """Put a copy at `target`, whole and hashed; False when there is none.

        What is damaged in the store is dropped from it, and counts as not there.
        """
        if not self.has(listed):
            return False
        place = self._place(listed)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = files.draft_of(target)
        draft.unlink(missing_ok=True)
        try:
            look = place.stat()
            if _drawn(place, draft) != listed:
                self._drop(place, look)
                return False
            draft.chmod(_AS_PUT_BACK)
            if target.is_dir() and not target.is_symlink():
                files.remove_tree(target)
            files.move(draft, target)
        except OSError as error:
            # Cleared meanwhile, or the disk cannot read it any more.
            if error.errno in (errno.ENOENT, errno.EIO):
                return False
            raise
        finally:
            draft.unlink(missing_ok=True)
        self._renew(place, listed, is_known=True)
        return True

    def is_whole(self, listed: Artifact) -> bool:
        """Tell whether it is there with the very content; it is read for that."""
        return self.has(listed) and (
            artifact.sha256_of(self._place(listed)) == listed.sha256
        )

    def costs(self, listed: Iterable[Artifact]) -> int:
        """Give the bytes that putting these would take from the disk."""
        new = {one.sha256: one.size for one in listed if not self.has(one)}
        return sum(new.values()) if new and not self._clones() else 0

    def entries(self) -> list[Entry]:
        """Give all there is, drafts of killed processes included."""
        found = []
        try:
            names = sorted(os.listdir(self.folder))  # noqa: PTH208 - names only
        except FileNotFoundError:
            return []
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                look = (self.folder / name).lstat()
                is_ours = _SHA256.fullmatch(name) or name.endswith(".draft")
                if is_ours and stat.S_ISREG(look.st_mode):
                    size, used_at = look.st_size, look.st_mtime
                    found.append(Entry(name=name, size=size, used_at=used_at))
        return found

    def remove(self, entry: Entry, *, unused_since: float) -> bool:
        """Remove a file, unless somebody put or took it since; tell whether it went."""
        place = self.folder / entry.name
        with self._turn():
            try:
                if place.lstat().st_mtime > unused_since:
                    return False
                place.unlink()
            except FileNotFoundError:
                return False
        return True

    def _place(self, listed: Artifact) -> Path:
        if not _SHA256.fullmatch(listed.sha256):
            message = f"{listed.sha256[:70]!r} is no sha256"
            raise IntegrityError(message, hint="the manifest it stands in is damaged")
        return self.folder / listed.sha256

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Keep those apart who call a file needed and those who remove it."""
        with files.waiting_lock(self.folder / ".lock"):
            yield

    def _renew(self, place: Path, listed: Artifact, *, is_known: bool = False) -> bool:
        """Note that a file is used now, if it is there whole."""
        with self._turn():
            if not self.has(listed):
                return False
            os.utime(place)
        # Only now, with others at work: it cannot be removed any more.
        return is_known or self.is_whole(listed)

    def _drop(self, place: Path, seen: os.stat_result) -> None:
        """Remove a damaged file, but not the whole one that came in its place."""
        with self._turn(), contextlib.suppress(FileNotFoundError):
            if place.stat().st_ino == seen.st_ino:
                place.unlink()

    def _clones(self) -> bool:
        """Tell whether copies cost nothing here, by making one of nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        whole = files.draft_of(self.folder / "whole")
        copy = files.draft_of(self.folder / "copy")
        try:
            whole.touch()
            copy.unlink(missing_ok=True)
            return files.clone(whole, copy)
        finally:
            whole.unlink(missing_ok=True)
            copy.unlink(missing_ok=True)


def _draw(path: Path, draft: Path, listed: Artifact) -> None:
    """Make the draft; one that shares its blocks was hashed a moment ago."""
    if files.clone(path, draft):
        is_same = draft.stat().st_size == listed.size
    else:
        is_same = artifact.copied(path, draft) == listed
    if not is_same:
        message = f"{path} changed while it was put into the store"
        raise IntegrityError(message, hint="something else writes there; run it again")


def _drawn(place: Path, draft: Path) -> Artifact:
    if not files.clone(place, draft):
        return artifact.copied(place, draft)
    return Artifact(size=draft.stat().st_size, sha256=artifact.sha256_of(draft))
