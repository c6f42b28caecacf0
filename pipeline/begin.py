"""Make a run on the box from what was shipped. Doing it twice gives one run."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline import codec, files
from pipeline.deaths import die_at
from pipeline.environments import recipe
from pipeline.errors import HostError
from pipeline.git import Git, refusal
from pipeline.inventory import home_of
from pipeline.layout import ResultPaths, RunPaths, is_safe_name
from pipeline.ledger import ATTRIBUTES
from pipeline.planning import planned
from pipeline.scope import listing_of
from pipeline.secrets import values
from pipeline.wire import Answer

if TYPE_CHECKING:
    from typing import BinaryIO

    from pipeline.clock import Clock
    from pipeline.decision import Planned
    from pipeline.layout import BoxPaths
    from pipeline.schema import Resolved
    from pipeline.wire import Beginning

_ABANDONED_S = 3600.0  # one that is still being sent grows all the time
# What git says of a pack whose other half the laptop thought was here.
_LACKING = (b"unresolved delta", b"missing", b"did not receive expected object")


def begin(
    box: BoxPaths, asked: Beginning, pack: BinaryIO, clock: Clock
) -> Answer | None:
    """Take in the snapshot and make the run's folder.

    Give None when the folder is whole, and its plan.json is there. Otherwise nothing
    was made: objects are missing that the laptop thought were here, or one run holds
    all stages already.
    """
    plan = asked.plan
    if not is_safe_name(plan.run):
        message = f"{plan.run!r} cannot be the name of a run"
        raise HostError(message)
    values.check(plan, asked.secrets)
    box.runs.mkdir(parents=True, exist_ok=True)
    lock = box.root / "begin.lock"
    with files.waiting_lock(lock):
        repository = _code(box, asked)
    # With the lock free: a laptop that vanishes while it ships holds up nobody else.
    if not _take_in(repository, asked, pack, clock):
        return Answer(need="objects")
    if asked.unless_sealed and not box.run(plan.run).exists():
        made = _planned(box, repository, plan, clock)
        if made.sealed_in:
            repository.ask("update-ref", "-d", f"refs/heads/ship/{plan.run}")
            return Answer(planned=made)
    die_at("", "taken_in")
    with files.waiting_lock(lock):
        paths = RunPaths(box.run(plan.run), PurePosixPath(plan.prefix))
        if paths.plan.exists():
            _check_same(paths, plan)
            return None
        try:
            _make(repository, paths, plan)
        except BaseException:
            _unmake(repository, paths, plan)
            raise
    return None


def _planned(box: BoxPaths, repository: Git, plan: Resolved, clock: Clock) -> Planned:
    return planned(
        plan,
        box,
        listing=lambda: listing_of(repository, plan.snapshot),
        read=recipe.reader(repository, plan.snapshot, plan.prefix),
        clock=clock,
    )


def _unmake(repository: Git, paths: RunPaths, plan: Resolved) -> None:
    """Leave nothing of a run that could not be made: its disk may be full of it."""
    files.remove_tree(paths.root)
    repository.ask("worktree", "prune")
    repository.ask("update-ref", "-d", f"refs/heads/ship/{plan.run}")


def _code(box: BoxPaths, asked: Beginning) -> Git:
    """Give the bare repository of the project, made at first use."""
    if not (box.code / "HEAD").exists():
        draft = box.root / f".code.{os.getpid()}.draft"
        files.remove_tree(draft)
        made = Git(draft).ask(
            "init", "-q", "--bare", f"--object-format={asked.object_format}"
        )
        if made.code:
            raise refusal(("init",), made)
        # The bytes as they were shipped: no line ends bent, no filter asked.
        (draft / "info").mkdir(exist_ok=True)
        (draft / "info" / "attributes").write_text(ATTRIBUTES)
        files.sync_disk(draft)
        files.move(draft, box.code)
    repository = Git(box.code)
    _graft(repository, asked.shallow)
    return repository


def _take_in(repository: Git, asked: Beginning, pack: BinaryIO, clock: Clock) -> bool:
    """Make sure the snapshot is here whole, and name it."""
    commit = asked.plan.snapshot
    if not _is_whole(repository, commit):
        _sweep(repository, clock)
        before = _drafts(repository)
        said = repository.ask("index-pack", "--stdin", "--fix-thin", stdin=pack)
        if said.code:
            for path in _drafts(repository) - before:  # a full disk must not stay full
                files.remove_tree(path)
        if said.code and not any(sign in said.err for sign in _LACKING):
            raise refusal(("index-pack",), said)
        if not _is_whole(repository, commit):
            return False
    repository.out("update-ref", f"refs/heads/ship/{asked.plan.run}", commit)
    return True


def _drafts(repository: Git) -> set[Path]:
    return set((repository.folder / "objects" / "pack").glob("tmp_*"))


def _sweep(repository: Git, clock: Clock) -> None:
    """Remove the drafts of packs that never came whole: a power cut left them there."""
    now = clock.now().timestamp()
    for path in _drafts(repository):
        with contextlib.suppress(OSError):  # it is being given its name right now
            if now - path.stat().st_mtime > _ABANDONED_S:
                files.remove_tree(path)


def _graft(repository: Git, shallow: tuple[str, ...]) -> None:
    """Note where the laptop's own history is cut off."""
    path = repository.folder / "shallow"
    known = set(path.read_text().split()) if path.exists() else set()
    if not set(shallow) <= known:
        lines = sorted(known | set(shallow))
        files.replace_text(path, "".join(f"{line}\n" for line in lines))


def _is_whole(repository: Git, commit: str) -> bool:
    """Tell whether the commit is here with all it needs.

    Whatever a ref holds is whole already; only what is new beyond refs is walked.
    """
    walk = ("rev-list", "--objects", "--quiet", commit, "--not", "--all")
    return not repository.ask(*walk).code


def _check_same(paths: RunPaths, plan: Resolved) -> None:
    known = codec.loads(type(plan), paths.plan.read_bytes(), what="plan.json")
    if known != plan:
        message = f"run {plan.run!r} is there already, with another plan"
        raise HostError(message, hint="run again: a new run gets a new name")


def _make(repository: Git, paths: RunPaths, plan: Resolved) -> None:
    """Make the run's folder; plan.json comes last and says that it is whole."""
    if paths.root.exists():  # left by a begin that was cut
        files.remove_tree(paths.root)
        repository.out("worktree", "prune")
    paths.root.mkdir(mode=0o700)
    homes = {name: home_of(plan, name, paths.box) for name in plan.data}
    repository.out(
        *("worktree", "add", "--quiet", "--force", "--detach"),
        *(str(paths.tree), plan.snapshot),
    )
    # Where a run's branch was merged, its story lies in the snapshot: not this run's.
    told = ResultPaths(paths.results)
    stories = (told.events, told.progress, told.heartbeat)
    for path in (*stories, told.report, told.report_page):
        path.unlink(missing_ok=True)
    die_at("", "checked_out")
    _link_data(paths, plan, homes)
    for folder in (paths.control, paths.raw, paths.attempts, paths.checkpoints):
        folder.mkdir(mode=0o700)
    # A checkout syncs nothing: without this a power cut may leave the code of the run
    # as empty files, which a resumed run would take for the snapshot's.
    files.sync_disk(paths.root)
    files.replace_text(paths.plan, codec.dumps(plan), durable=True)
    die_at("", "made")


def _link_data(paths: RunPaths, plan: Resolved, homes: dict[str, Path | None]) -> None:
    """Put a link to each data set that is here at its place in the worktree."""
    for data in plan.pipeline.data:
        place = paths.base / data.path
        if place.exists() or place.is_symlink():
            message = f"data {data.name!r} cannot be linked: {data.path} is in git"
            raise HostError(message, hint="data lies outside git, at a path of its own")
        if home := homes.get(data.name):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(home)
