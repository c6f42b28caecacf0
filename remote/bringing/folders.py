"""The folders of the laptop that runs come home to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files, memory
from pipeline.errors import SpecError
from pipeline.git import Git
from remote.links.here import Here

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from remote.far import Far

_OURS = "*\n"


def own_folder(folder: Path) -> None:
    """Make a folder that git never picks up.

    Raise SpecError when it is the user's, with files that git tracks: new ones would
    vanish from their `git status`.
    """
    ignore = folder / ".gitignore"
    is_ours = ignore.is_file() and ignore.read_text("utf-8", "replace") == _OURS
    if not is_ours and folder.is_dir() and _tracks(folder):
        message = f"{folder.name}/ is tracked in git, and runs come home there"
        moved = f"git mv {folder.name} old_{folder.name}"
        raise SpecError(message, hint=f"move what is yours: {moved}")
    files.own_ignored_folder(folder)


def _tracks(folder: Path) -> bool:
    """Tell whether git tracks anything below `folder`; where it lies may be no git."""
    repository = Git(folder.parent, is_git_dir=False, is_ours=False)
    return bool(repository.ask("ls-files", "-z", "--", folder.name).out)


def lock_of(paths: LaptopPaths, name: str) -> Path:
    """Give the lock of who alone may write something of a run here."""
    folder = files.own_ignored_folder(paths.memory) / "mirrors"
    folder.mkdir(exist_ok=True)
    return folder / f"{name}.lock"


def prepare_mirror(far: Far, record: RunRecord, paths: LaptopPaths) -> None:
    """Make the run's folder here: a copy to fill, or a link to the run's own.

    `results/latest` points at the newest run.
    """
    own_folder(paths.results)
    place = paths.mirror(record.run).root
    if record.host is None and isinstance(far.link, Here):
        own = far.link.path(f"{far.run_folder(record)}/results")
        files.point_link(place, str(own))
    else:
        place.mkdir(exist_ok=True)
    if record.run == memory.find_run(paths, "").run:
        files.point_link(paths.results / "latest", record.run)
