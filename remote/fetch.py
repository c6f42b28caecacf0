"""Bring seals home: the run's branch, into the user's own repository.

Only the one branch is written. What was fetched is the run's own history, which grows
and is never rewritten, so nothing is ever forced.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pipeline.errors import HostError, TransportError
from pipeline.git import ARMOUR, Git, clean_environment
from remote.links import command

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.memory import RunRecord
    from remote.far import Far

_BROKEN = (
    *("Could not read from remote repository", "the remote end hung up"),
    *("early EOF", "Connection", "timed out", "Broken pipe"),
)


_PUSH_S = 600.0
_OWN_SSH = ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSH_VARIANT")


def fetch(root: Path, far: Far, record: RunRecord) -> None:
    """Bring the run's branch up to date in the repository that `root` lies in."""
    repository = Git(root, is_git_dir=False, is_ours=False)
    ref = f"refs/heads/{record.branch}"
    said = repository.ask(
        *("-c", "fetch.writeCommitGraph=false", "-c", "fetch.prune=false"),
        *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
        *("--recurse-submodules=no", "--update-shallow"),
        *(far.link.git_url(f"{far.folder}/code.git"), f"{ref}:{ref}"),
        more=far.link.git_env(),
    )
    if not said.code:
        return
    told = said.err.decode("utf-8", "replace").strip()
    if "couldn't find remote ref" in told:
        return  # a run that ended before its first seal has no branch
    # Said first: git also complains of the line that it closed itself.
    if "checked out" in told:
        message = f"{record.branch} is checked out here, so git leaves it as it is"
        raise HostError(message, hint=f"see {record.branch} elsewhere, then attach")
    if any(sign in told for sign in _BROKEN):
        message = f"host {far.link.name!r}: git could not fetch {record.branch}"
        raise TransportError(message, hint=told[-500:])
    message = f"git could not bring {record.branch} home"
    raise HostError(message, hint=told[-500:])


def push(root: Path, record: RunRecord) -> str:
    """Publish the run's branch if the pipeline asks for it; give what to say of it."""
    if not record.git.push:
        return ""
    if record.is_dirty and not record.git.push_dirty:
        return f"{record.branch} holds uncommitted work, so it was not pushed"
    ref = f"refs/heads/{record.branch}"
    order = ("push", "--quiet", "--no-verify", "origin", f"{ref}:{ref}")
    argv = ["git", *ARMOUR, "-C", str(root), *order]
    try:
        said = command.run(argv, timeout_s=_PUSH_S, env=_unasked(root))
    except TimeoutError:
        return f"{record.branch} was not pushed: no answer in {_PUSH_S:g} s"
    if said.code:
        told = said.err.decode("utf-8", "replace").strip().splitlines()
        return f"{record.branch} was not pushed: {told[-1] if told else said.code}"
    return f"{record.branch} was pushed to origin"


def _unasked(root: Path) -> dict[str, str]:
    """Give an environment in which a push never asks: it fails instead.

    How the user's git reaches their own origin is theirs to say, and is kept.
    """
    quiet = {"GIT_ASKPASS": "true", "GCM_INTERACTIVE": "never"}
    own = {k: v for k in _OWN_SSH if (v := os.environ.get(k))}
    repository = Git(root, is_git_dir=False, is_ours=False)
    if not own and not repository.ask("config", "core.sshCommand").out:
        own = {"GIT_SSH_COMMAND": "ssh -oBatchMode=yes"}
    return clean_environment({**quiet, **own})
