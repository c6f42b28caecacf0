"""The hook in a stage's process: writes down what it reads of its worktree.

Python tells of most acts before they happen; what it keeps to itself is wrapped. What
a compiled library opens by itself is seen by nobody.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipeline.fingerprint import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_OPENS = frozenset({"open", "import", "ctypes.dlopen", "sqlite3.connect"})
_LISTS = frozenset({"os.listdir", "os.scandir"})
_STARTS = frozenset(
    {
        *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
        # Another interpreter of this very process has no hook either.
        *("pty.spawn", "cpython.PyInterpreterState_New"),
    }
)
_ALL = _OPENS | _LISTS | _STARTS
# Python starts these workers anew, by a way that tells nobody: they have no hook.
_STARTERS = ("popen_spawn_posix", "popen_forkserver", "popen_loky_posix")
_IMPORTER = "<frozen importlib"


class Noting:
    """The hook: writes each path below `root` once into `notes`."""

    def __init__(self, notes: Path, root: str) -> None:
        """Note nothing yet; the file is there from now on, which says that we noted."""
        self._notes = os.fspath(notes)
        # A home may be reached through a link; the current folder is told without.
        self._roots = tuple({f"{root.rstrip('/')}/", f"{os.path.realpath(root)}/"})
        self._known: set[str] = set()
        self._places = _import_path()  # what joins it is the stage's own doing
        self._handle = self._opened()

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._notes, flags, 0o600)

    def __call__(self, event: str, args: tuple[object, ...]) -> None:
        """Look at one thing that is about to happen."""
        if event not in _ALL:
            return
        if event in _STARTS:
            self._note(ANYTHING)
            return
        if event == "import" and str(args[0]).endswith(_STARTERS):
            self._note(ANYTHING)
        path = args[1] if event == "import" else args[0]
        if event == "open" and _only_writes(args):
            return
        if event == "sqlite3.connect":
            path = _plain_of(path)
        if event in _LISTS:
            # A module that comes into a folder which the stage put on its import path
            # may stand before the one it found; elsewhere each import is looked up.
            if _is_importer() and path not in _import_path() - self._places:
                return
            path = "." if path is None else path
            if isinstance(path, int):
                self.see_at("", path, is_listed=True)
                return
        self.see(path, is_listed=event in _LISTS)

    def see(self, path: object, *, is_listed: bool = False) -> None:
        """Note a path, if it is one and lies below the root."""
        if isinstance(path, os.PathLike):
            path = os.fspath(path)
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if not isinstance(path, str):
            return
        whole = os.path.abspath(path)  # noqa: PTH100 - as quick as can be
        for root in self._roots:
            if (whole + "/").startswith(root):
                inside = whole[len(root) :]
                self._note(f"{inside}/" if is_listed else inside)

    def see_at(self, path: object, folder: object, *, is_listed: bool = False) -> None:
        """Note a path below an open folder; whatever it is where nobody can tell."""
        try:
            place = os.fsencode(_path_of(folder))
            self.see(os.path.join(place, os.fsencode(path)), is_listed=is_listed)  # type: ignore[arg-type]  # noqa: PTH118 - any
        except (OSError, TypeError, ValueError):
            self._note(ANYTHING)

    def find_spec(
        self, name: str, places: Iterable[str] | None, _target: object = None
    ) -> None:
        """Note a module that no other finder found, so that it counts once it comes."""
        tail = name.rpartition(".")[2]
        for place in sys.path if places is None else places:
            self.see(os.path.join(place, f"{tail}.py"))  # noqa: PTH118 - as quick
            self.see(os.path.join(place, tail, "__init__.py"))  # noqa: PTH118

    def _note(self, path: str) -> None:
        if path in self._known:
            return
        self._known.add(path)
        line = json.dumps(path).encode() + b"\n"
        try:
            os.write(self._handle, line)
        except OSError:  # the stage closed what it did not know
            try:
                self._handle = self._opened()
                os.write(self._handle, line)
            except OSError:
                return


_OPEN = os.open


def _only_writes(args: tuple[object, ...]) -> bool:
    flags = args[2] if len(args) > 2 else 0
    return isinstance(flags, int) and flags & os.O_ACCMODE == os.O_WRONLY


def _import_path() -> frozenset[str]:
    """Give the folders that modules are looked for in, as the importer says them."""
    every: list[object] = [*sys.path]
    return frozenset(os.path.abspath(one) for one in every if isinstance(one, str))  # noqa: PTH100 - as it does


def _is_importer() -> bool:
    """Tell whether it is the import system that looks for modules, not the stage."""
    frame = sys._getframe(2)  # noqa: SLF001 - who asked is the question
    return frame.f_code.co_filename.startswith(_IMPORTER)


def note_from_now_on(notes: Path, root: str) -> None:
    """Note what this process reads below `root`, until it ends."""
    noting = Noting(notes, root)
    sys.addaudithook(noting)
    sys.meta_path.append(noting)  # it never finds any
    _note_looks(noting)


def _plain_of(name: object) -> object:
    """Give the path in the address of a data base."""
    if not isinstance(name, str) or not name.startswith("file:"):
        return name
    path = name.removeprefix("file:").partition("?")[0].partition("#")[0]
    return unquote(path.removeprefix("//localhost").removeprefix("//"))


def _path_of(folder: object) -> str:
    """Give the path of an open folder; OSError where the system does not tell."""
    return os.path.realpath(f"/proc/self/fd/{folder}", strict=True)


def _note_looks(noting: Noting) -> None:
    """Note what is only looked for: of that, Python tells no hook.

    `if path.exists()` reads nothing where nothing is, and yet all depends on it. Of
    what is opened below an open folder, it does not tell which folder.
    """
    for name in ("stat", "lstat", "access", "readlink", "open"):
        plain = getattr(os, name)
        seeing = _seeing(plain, noting)
        setattr(os, name, seeing)
        for able in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if plain in able:
                able.add(seeing)
        older = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)
        if hasattr(older, name):  # Python 3.10 keeps its own
            setattr(older, name, staticmethod(seeing))


def _seeing(plain: Callable[..., Any], noting: Noting) -> Callable[..., Any]:
    @functools.wraps(plain)
    def look(path: object, *args: object, **more: object) -> Any:
        folder = more.get("dir_fd")
        if folder is not None:
            noting.see_at(path, folder)
        elif plain is not _OPEN:  # of that one, the hook is told, with the flags
            noting.see(path)
        return plain(path, *args, **more)

    return look
