"""What a Python has installed: asked of it once, and from then on known by a few stats.

One process says what it is and where it looks for modules. Those folders are then read
here. The answer is kept beside the looks of all it came from; while those are the same,
so is the answer. Folders with sources that nobody installed, and that may be edited at
any time (editable installs, PYTHONPATH), are known by the looks of their files.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import codec, files, supervise
from pipeline.environments import sources
from pipeline.environments.distributions import Distribution, editable_places, found_in
from pipeline.errors import HostError, IntegrityError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.clock import Clock

_FORMAT = 1
MARK = "pipeline: "  # before what a Python answers
_SETTLED_NS = 1_000_000_000  # what changed later than this before we looked may go on
# For any Python from 3.6 on: a foreign script may want an old one.
_PROBE = """\
import json, os, platform, site, sys, sysconfig
lib = [sysconfig.get_path(n) for n in ("stdlib", "platstdlib")]
lib += [os.path.join(p, "lib-dynload") for p in lib]
own = [sysconfig.get_path(n) for n in ("purelib", "platlib")]
try:
    own += site.getsitepackages() + [site.getusersitepackages()]
except AttributeError:
    pass
print("\\n" + sys.argv[1] + json.dumps({
    "executable": sys.executable, "version": platform.python_version(),
    "implementation": platform.python_implementation(),
    "platform": sysconfig.get_platform(), "prefix": sys.prefix,
    "library": lib, "sites": own, "path": [p for p in sys.path if os.path.isabs(p)]}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a Python says of itself."""

    executable: str
    version: str
    implementation: str
    platform: str
    prefix: str
    library: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What a Python is, and what it has.

    sources: what may be edited at any time, by its path: the name of the module there,
    or nothing for a folder in which every module counts. conda: what conda itself
    installed there, as version and build.
    """

    probed: Probed
    distributions: tuple[Distribution, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    conda: Mapping[str, str] = field(default_factory=dict)

    @property
    def packages(self) -> dict[str, str]:
        """The version of each package."""
        return {d.name: d.version for d in self.distributions}

    @property
    def contents(self) -> dict[str, str]:
        """The digest of what each package brought, where it was noted."""
        return {d.name: d.content for d in self.distributions if d.content}

    def source_digests(self) -> dict[str, str]:
        """Tell by their looks what the sources of each module are now."""
        return sources.digests(self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A kept answer, with the looks of all it came from."""

    looks: Mapping[str, str]
    is_settled: bool
    installed: Installed
    format: int = _FORMAT


def look(
    python: str, *, cache: Path, environment: Mapping[str, str], clock: Clock
) -> Installed:
    """Give what the Python at the absolute path `python` has.

    cache: a folder for kept answers. environment: what it is started with, of which
    PYTHONPATH and its like matter. Raise HostError when it does not run.
    """
    environment = _resolved(environment)
    place = cache / f"{_key(python, environment)}.json"
    if (known := _kept(place)) is not None and _is_still_so(known):
        return known.installed
    began_ns = int(clock.now().timestamp() * 1e9)
    probed = _ask(python, environment)
    looks = {path: _look_of(path) for path in sorted(_watched(python, probed))}
    # Twice in one tick of a file system's clock leaves no trace: not relied on then.
    is_settled = all(
        _changed_ns(look) < began_ns - _SETTLED_NS for look in looks.values()
    )
    known = _Known(looks=looks, is_settled=is_settled, installed=_read(probed))
    cache.mkdir(parents=True, exist_ok=True)
    files.replace_text(place, codec.dumps(known))
    return known.installed


def answer_in(lines: Sequence[str]) -> str | None:
    """Find what a Python answered behind MARK; what else was printed is nobody's."""
    marked = (line for line in reversed(lines) if line.startswith(MARK))
    return next((line.removeprefix(MARK) for line in marked), None)


def executable(script: str, base: Path) -> str:
    """Ask a script that starts a Python, such as a shim, which one it starts."""
    said = bytearray()
    argv = [script, "-c", f"import sys; print('\\n{MARK}' + sys.executable)"]
    code = supervise.run_told(argv, cwd=base, environment=os.environ, hear=said.extend)
    lines = said.decode("utf-8", "surrogateescape").splitlines()
    answer = answer_in(lines)
    if answer is not None and not code:
        return answer
    message = f"{script} starts no Python; it ended in {code}"
    raise HostError(message, hint="\n".join(lines[-8:]) or "it said nothing")


def _resolved(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out folders of PYTHONPATH that lie in the worktree: those are code."""
    said = environment.get("PYTHONPATH", "").split(os.pathsep)
    kept = os.pathsep.join(p for p in said if p.startswith("/"))
    rest = {k: v for k, v in environment.items() if k != "PYTHONPATH"}
    return {**rest, "PYTHONPATH": kept} if kept else rest


def _key(python: str, environment: Mapping[str, str]) -> str:
    bends = sorted(
        (k, v) for k, v in environment.items() if k.startswith("PYTHON") or k == "HOME"
    )
    return hashlib.sha256(codec.dumps([python, bends]).encode()).hexdigest()[:16]


def _kept(place: Path) -> _Known | None:
    try:
        known = codec.loads(_Known, place.read_bytes(), what="what a Python has")
    except (OSError, IntegrityError):
        return None
    return known if known.format == _FORMAT else None


def _is_still_so(known: _Known) -> bool:
    is_same = all(_look_of(path) == look for path, look in known.looks.items())
    return known.is_settled and is_same


def _ask(python: str, environment: Mapping[str, str]) -> Probed:
    """Start it once, and let it say what it is."""
    said = bytearray()
    argv = [python, "-c", _PROBE, MARK]
    try:
        code = supervise.run_told(
            argv, cwd=Path("/"), environment=environment, hear=said.extend
        )
    except OSError as error:
        message = f"{python} cannot be started: {error.strerror}"
        raise HostError(message, hint="name another Python in env") from error
    lines = said.decode("utf-8", "replace").splitlines()
    answer = answer_in(lines)
    if answer is not None and not code:
        return codec.loads(Probed, answer, what=f"the answer of {python}")
    message = f"{python} does not say what it is; it ended in {code}"
    raise HostError(message, hint="\n".join(lines[-8:]) or "it said nothing")


def _watched(python: str, probed: Probed) -> Iterator[str]:
    """Name all that must look the same for the answer to be the same."""
    yield python
    yield str(Path(probed.prefix, "pyvenv.cfg"))
    yield str(Path(probed.prefix, "conda-meta"))
    for folder in {*probed.sites, *_searched(probed)}:
        yield folder
        yield from (str(path) for path in Path(folder).glob("*.pth"))


def _searched(probed: Probed) -> list[str]:
    """Give the folders where modules are looked for, less Python's own library."""
    own = set(probed.library)
    return [p for p in dict.fromkeys(probed.path) if p not in own and not _is_zip(p)]


def _is_zip(path: str) -> bool:
    return path.endswith(".zip")


def _look_of(path: str) -> str:
    try:
        status = os.stat(path)  # noqa: PTH116 - hot: a null run is made of these
    except OSError:
        return ""
    return f"{status.st_mtime_ns} {status.st_size} {status.st_ino}"


def _changed_ns(look: str) -> int:
    return int(look.split(maxsplit=1)[0]) if look else 0


def _read(probed: Probed) -> Installed:
    """Read the folders it looks into."""
    found: dict[str, Distribution] = {}
    for folder in _searched(probed):
        for one in found_in(Path(folder)):
            found.setdefault(one.name, one)
    searched = [p for p in _searched(probed) if p not in probed.sites]
    return Installed(
        probed=probed,
        distributions=tuple(found[name] for name in sorted(found)),
        sources={
            **dict.fromkeys(searched, ""),
            **_editable(probed, found.values()),
        },
        conda=_by_conda(Path(probed.prefix, "conda-meta")),
    )


def _editable(probed: Probed, found: Iterable[Distribution]) -> dict[str, str]:
    """Give what editable installs make importable without the import path."""
    mapped: dict[str, str] = {}
    for site in probed.sites:
        mapped |= editable_places(Path(site))
    known = [*mapped, *probed.path]
    beyond = {
        one.editable: ""
        for one in found
        if one.editable and not any(_is_below(place, one.editable) for place in known)
    }
    return {**mapped, **beyond}


def _is_below(place: str, folder: str) -> bool:
    return place == folder or place.startswith(folder.rstrip("/") + "/")


def _by_conda(meta: Path) -> dict[str, str]:
    """Read what conda noted: one file per package, name-version-build.json."""
    found = {}
    for path in meta.glob("*.json"):
        name, *rest = path.stem.rsplit("-", 2)
        found[name] = " ".join(rest)
    return found
