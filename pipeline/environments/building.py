"""Build an environment once per box, whole or not at all.

    envs/<name>         a link to the folder that was built, made when it is whole
    envs/<name>.<n>/    that folder: venv/, build.log, and a lock while it is built
    envs/<name>.lock    held by who builds

A venv holds its own path and cannot be moved, so it is built where it stays. What a
killed builder left is ended and swept by the next, under the lock.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files, logs, supervise
from pipeline.attempt import AttemptPaths
from pipeline.errors import HostError
from pipeline.fence import MARK, fence
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pipeline.clock import Clock

_TELL_EVERY_S = 1.0
_WAIT_S = 0.1
_MOST_LINES = 12
_NOISE = re.compile(r"^(\[notice\]|WARNING: |DEPRECATION: |Looking in |Collecting )")
_FULL = "No space left on device"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where environments are built on this box, and who is told of it.

    tell: called with a line for people, at most about once a second. is_stopping: asked
    at every wake; a build that is stopped leaves nothing that would be used.
    """

    envs: Path
    clock: Clock
    tell: Callable[[str], None]
    is_stopping: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to do: the commands, one after the other, and where they run.

    check: called with what was built, before anybody may use it; it may refuse.
    """

    name: str
    title: str
    commands: Callable[[Path], Iterable[Sequence[str]]]
    cwd: Path
    environment: Callable[[Path], Mapping[str, str]]
    check: Callable[[Path], None]


def built(envs: Path, name: str) -> Path | None:
    """Give the venv that was built under `name`, if it is there and whole."""
    link = envs / name
    try:
        venv = envs / link.readlink() / "venv"
    except OSError:
        return None
    return venv if (venv / "bin" / "python").exists() else None


def build(work: Work, site: Site) -> Path:
    """Build it, or wait for who is building it; give the venv."""
    site.envs.mkdir(parents=True, exist_ok=True)
    with _lock(work, site):
        if (there := built(site.envs, work.name)) is not None:
            return there
        # Not the number of one that is swept: what it made may be remembered somewhere.
        folder = site.envs / f"{work.name}.{_next(site.envs, work.name)}"
        _sweep(work, site)
        folder.mkdir()
        try:
            _Builder(work, site, folder).build()
            work.check(folder / "venv")
        except BaseException:
            # Of what failed, only the log is kept: the disk may be full of the rest.
            files.remove_tree(folder / "venv")
            raise
        (folder / "attempt.lock").unlink(missing_ok=True)
        # A power cut must not leave the link and take what it points to.
        files.sync_disk(folder)
        files.point_link(site.envs / work.name, folder.name)
        files.sync_folder(site.envs)
        return folder / "venv"


@contextlib.contextmanager
def _lock(work: Work, site: Site) -> Iterator[None]:
    """Hold the lock of this environment; say so when somebody else has it."""
    told = False
    while (handle := files.open_lock(site.envs / f"{work.name}.lock")) is None:
        if not told:
            site.tell(f"waiting for environment {work.title}: another run builds it")
            told = True
        _refuse_if_stopping(work, site)
        site.clock.sleep(_WAIT_S)
    try:
        yield
    finally:
        os.close(handle)


def _refuse_if_stopping(work: Work, site: Site) -> None:
    if site.is_stopping():
        message = f"environment {work.title}: stopped before it was built"
        raise HostError(message, hint="it is built anew at the next start")


def _folders(envs: Path, name: str) -> dict[int, Path]:
    """Give the folders of all builds of this environment, by number."""
    found = {}
    for path in envs.glob(f"{name}.*"):
        number = path.name.removeprefix(f"{name}.")
        if number.isdigit() and path.is_dir():
            found[int(number)] = path
    return found


def _next(envs: Path, name: str) -> int:
    return max(_folders(envs, name), default=0) + 1


def _sweep(work: Work, site: Site) -> None:
    """End and remove what earlier builders left; none of it is in use."""
    for folder in _folders(site.envs, work.name).values():
        fence(AttemptPaths(folder), site.clock)
        files.remove_tree(folder)


class _Builder:
    """One build, from its first command to its last."""

    def __init__(self, work: Work, site: Site, folder: Path) -> None:
        self._work = work
        self._site = site
        self._folder = folder
        self._log = folder / "build.log"
        self._told_at = -_TELL_EVERY_S
        self._last = ""
        self._rest = b""

    def build(self) -> None:
        """Run the commands until one fails."""
        venv = self._folder / "venv"
        attempt = AttemptPaths(self._folder)
        environment = {**self._work.environment(venv), MARK: str(attempt.root)}
        self._secrets = logs.secret_values(environment)
        lock = files.open_lock(attempt.lock)
        assert lock is not None, "a fresh folder has a lock nobody knows"
        try:
            for argv in self._work.commands(venv):
                self._run(argv, environment, lock)
        finally:
            os.close(lock)
            fence(attempt, self._site.clock)

    def _run(
        self, argv: Sequence[str], environment: Mapping[str, str], lock: int
    ) -> None:
        words = [Path(word).name if word.startswith("/") else word for word in argv]
        self._last = self._shown(" ".join(words).encode("utf-8", "surrogateescape"))
        with self._log.open("ab") as log:
            log.write(f"$ {' '.join(argv)}\n".encode("utf-8", "surrogateescape"))

            def hear(block: bytes) -> None:
                log.write(block)
                self._hear(block)

            try:
                code = supervise.run_told(
                    argv,
                    cwd=self._work.cwd,
                    environment=environment,
                    hear=hear,
                    is_stopping=self._site.is_stopping,
                    keep=(lock,),
                )
            except FileNotFoundError as error:
                message = f"environment {self._work.title}: {argv[0]} is not there"
                raise HostError(message) from error
        _refuse_if_stopping(self._work, self._site)
        if code:
            raise self._failed(argv, code)

    def _hear(self, block: bytes) -> None:
        """Keep the last line, and tell it now and then."""
        *lines, self._rest = (self._rest + block)[-(1 << 16) :].split(b"\n")
        for line in lines:
            shown = self._shown(line)
            self._last = shown or self._last
        now = self._site.clock.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self._site.tell(f"building environment {self._work.title}: {self._last}")

    def _shown(self, line: bytes) -> str:
        """Give a line as it may be shown: without secrets and what moves a cursor."""
        drawn_last = line.rstrip(b"\r").rpartition(b"\r")[2]
        clean = logs.blot(drawn_last, self._secrets)
        return logs.printable(clean.decode("utf-8", "replace")).strip()[:200]

    def _failed(self, argv: Sequence[str], code: int) -> HostError:
        lines = [self._shown(line) for line in self._log.read_bytes().splitlines()]
        useful = [line for line in lines if line and not _NOISE.match(line)]
        told = "\n".join(useful[-_MOST_LINES:])
        message = f"environment {self._work.title} cannot be built: "
        if _FULL in told:
            message += "the disk is full"
        else:
            message += f"{Path(argv[0]).name} ended in {code}"
        hint = f"{told}\nthe whole of it, on that machine: {self._log}"
        return HostError(message, hint=hint)
