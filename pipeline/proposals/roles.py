"""Which programs are meant to be stages, and in which order: by their names."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.proposals.findings import Findings, programs
from pipeline.proposals.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

# In this order they run. A word counts at the beginning of a part of the name.
ROLES = (
    ("download", r"download|fetch|get_?data"),
    (
        "prepare",
        r"prep|process|make_?data|build_?data|convert|split|clean_|token|feature",
    ),
    ("pretrain", r"pre_?train"),
    ("train", r"train|fit"),
    ("tune", r"fine_?tun"),
    ("evaluate", r"eval|test|valid|predict|infer|score|bench"),
    ("analyse", r"analy|post_?proc|compar|summar|report|stat"),
    ("export", r"export|quanti[sz]e|deploy|package"),
    ("plot", r"plot|figure|visual|draw"),
)
_UNENDING = re.compile(r"(^|[_-])(app|serve|server|demo|gui|api|daemon|watch)([_-]|$)")
_TRAINING = 3  # what a program called main, or run, most likely does
_MOST = 12  # stages; a longer first file is not read by anybody


def role_of(path: str) -> int:
    """Give the place of a name among the roles; -1 of one that has none."""
    stem = PurePosixPath(path).stem.lower()
    for place, (_, words) in enumerate(ROLES):
        if re.search(rf"(^|[_\W\d])({words})", stem):
            return place
    is_vague = re.match(r"(main|run|experiment)([_\W\d]|$)", stem)
    return _TRAINING if is_vague else -1


def chosen(found: Findings) -> list[Script]:
    """Choose the programs that end by themselves and are called like a stage."""
    runner = notebook_runner(found)
    able = [
        script
        for script in programs(found)
        if not _UNENDING.search(PurePosixPath(script.path).stem)
        and script is not runner
    ]
    named = [script for script in able if role_of(script.path) >= 0]
    return (named or able)[:_MOST]


def left_over(found: Findings, taken: set[str]) -> list[str]:
    """Name the programs and commands that became no stage."""
    runner = notebook_runner(found)
    also = [*found.shells, *(f"make {t}" for t in found.targets if role_of(t) >= 0)]
    mine = [s.path for s in programs(found) if s is not runner]
    return [name for name in [*mine, *also] if name not in taken]


def notebook_runner(found: Findings) -> Script | None:
    """Find a script whose first place takes a notebook."""
    for script in programs(found):
        places = [option for option in script.options if not option.flag]
        if found.notebooks and len(places) == 1 and "notebook" in script.path.lower():
            return script
    return None


def whole(script: Script, found: Findings) -> list[Script]:
    """Give a script with all of the repository that it imports."""
    known, seen = frozenset(found.scripts), {script.path: script}
    waiting = [script]
    while waiting:
        for path in _local_imports(waiting.pop(), known):
            if path not in seen:
                seen[path] = found.scripts[path]
                waiting.append(seen[path])
    return list(seen.values())


def _local_imports(script: Script, known: frozenset[str]) -> Iterator[str]:
    """Name the files of the repository that `script` imports."""
    home = script.path.rpartition("/")[0]
    for name in script.imports:
        dots = len(name) - len(name.lstrip("."))
        folders = home.split("/") if home else []
        bases = ["/".join(folders[: len(folders) - dots + 1])] if dots else [home, ""]
        place = name.lstrip(".").replace(".", "/")
        for base in bases:
            stem = f"{base}/{place}".strip("/")
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if path in known:
                    yield path
