"""Bring seals home: the run's branch, into the user's own repository.

Only the one branch is written. What was fetched is the run's own history, which grows
and is never rewritten, so nothing is ever forced. What is new of it is checked object
by object: a box may lie, and a tree that holds `.git` or `..` never gets here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import HostError, TransportError
from pipeline.git import ARMOUR, Git
from pipeline.views.tame import tame_text
from remote.links import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.memory import RunRecord
    from remote.far import Far

_PATIENCE_S = 86_400.0  # of a whole history over a slow line
_BROKEN = (
    *("Could not read from remote repository", "the remote end hung up"),
    *("early EOF", "Connection", "timed out", "Broken pipe"),
)
# What old histories are full of and harms nobody: a laptop that takes up a run of
# another gets all of its history from the box.
_OLD_SINS = (
    *("zeroPaddedFilemode", "zeroPaddedDate", "missingSpaceBeforeDate", "badDate"),
    *("badDateOverflow", "badTimezone", "badEmail", "badName", "missingEmail"),
    *("missingNameBeforeEmail", "missingSpaceBeforeEmail", "multipleAuthors"),
    "missingTaggerEntry",
)


def fetch(
    root: Path,
    far: Far,
    record: RunRecord,
    is_wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Bring the run's branch up to date in the repository that `root` lies in.

    Broken off when nobody wants it any more; what git has by then it keeps to itself.
    """
    repository = Git(root, is_git_dir=False, is_ours=False)
    ref = f"refs/heads/{record.branch}"
    argv = [
        *("git", *ARMOUR, "-C", str(root)),
        *("-c", "fetch.writeCommitGraph=false", "-c", "fetch.prune=false"),
        *("-c", "fetch.fsckObjects=true"),
        *(word for sin in _OLD_SINS for word in ("-c", f"fetch.fsck.{sin}=warn")),
        *("fetch", "--no-progress", "--no-tags", "--no-write-fetch-head"),
        *("--recurse-submodules=no", *_shallow(repository)),
        *(far.link.git_url(f"{far.folder}/code.git"), f"{ref}:{ref}"),
    ]
    env = {**repository.environment, **far.link.git_env()}
    try:
        said = command.run_while(is_wanted, argv, timeout_s=_PATIENCE_S, env=env)
    except TimeoutError as error:
        message = f"host {far.link.name!r}: git did not end in a day"
        raise TransportError(message) from error
    if said is None:
        return
    far.link.heed(said.err)
    if not said.code:
        return
    told = said.err.decode("utf-8", "replace").strip()
    if "couldn't find remote ref" in told:
        return  # a run that ended before its first seal has no branch
    # Said first: git also complains of the line that it closed itself.
    if "checked out" in told:
        message = f"{record.branch} is checked out here, so git leaves it as it is"
        hint = f"switch to another branch, then: pipeline attach {record.run}"
        raise HostError(message, hint=hint)
    if any(sign in told for sign in _BROKEN):
        message = f"host {far.link.name!r}: git could not fetch {record.branch}"
        raise TransportError(message, hint=tame_text(told[-500:]))
    if "non-fast-forward" in told:
        # Notes show this line alone, and below it how to bring the branch home.
        message = (
            f"host {far.link.name!r}: {record.branch} was rewritten there, or is"
            f" another here; to keep that: git branch -m {record.branch} NAME"
        )
        hint = "what is here stays as it is; see: pipeline verify"
        raise HostError(message, hint=hint)
    message = f"git could not bring {record.branch} home"
    raise HostError(message, hint=tame_text(told[-500:]))


def _shallow(repository: Git) -> tuple[str, ...]:
    """Let the box say where history is cut off only where it is cut off here too."""
    said = repository.ask("rev-parse", "--is-shallow-repository").out.strip()
    return ("--update-shallow",) if said == b"true" else ()
