"""Publish a run's branch from the laptop, once, when all of it is home.

What came of it is remembered: what was missed or failed is done by the next `attach` or
`pull`, and what was published already is not asked for again.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline import codec, files
from pipeline.clock import SystemClock, stamp
from pipeline.errors import HostError, IntegrityError, SpecError
from pipeline.git import ARMOUR, Git, clean_environment
from pipeline.publishing import (
    PUSH_S,
    QUIET,
    RECORD,
    SSH,
    Outcome,
    Published,
    judge,
    late,
    order,
    tried,
)
from pipeline.views.tame import tame
from remote.links import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.layout import LaptopPaths
    from pipeline.memory import RunRecord
    from pipeline.schema import GitRules, Resolved

_SOON_S = 3.0  # a push that takes longer is told of
_CLOCK = SystemClock()
_OWN_SSH = ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSH_VARIANT")


def with_url(plan: Resolved, root: Path) -> Resolved:
    """Give the plan with the URL that its box is to publish to, if it is.

    Raise SpecError where that cannot work: before anything is shipped.
    """
    rules = plan.pipeline.git
    if not rules.push:
        return plan
    repository = Git(root, is_git_dir=False, is_ours=False)
    urls = repository.ask("remote", "get-url", "--push", "--all", rules.push_to)
    found = urls.out.decode("utf-8", "replace").split("\n")[0].strip()
    if urls.code or not found:
        message = f"git.push: no remote of this repository is called {rules.push_to!r}"
        raise SpecError(
            message, hint=f"git remote add {rules.push_to} URL, or push: off"
        )
    if rules.push_from == "laptop" or (plan.is_dirty and not rules.push_dirty):
        return plan
    _check_url(found, rules, is_here=plan.host == "local")
    return replace(plan, push_url=found)


def _check_url(url: str, rules: GitRules, *, is_here: bool) -> None:
    """Refuse a URL that would carry a secret to a box, or that means nothing there."""
    parts = urlsplit(url)
    is_web = parts.scheme in ("http", "https")
    where = f"git.push: the URL of {rules.push_to!r}"
    if parts.password or parts.query or (is_web and parts.username):
        message = f"{where} holds a password or a token, and would lie on the box"
        hint = "give the remote an ssh URL and the box a key of its own, or push from"
        raise SpecError(message, hint=f"{hint} the laptop: push: {rules.push_to}")
    is_path = not parts.scheme and ":" not in url.partition("/")[0]
    if (is_path or parts.scheme == "file") and not is_here:
        message = f"{where} is a folder of this machine, and means nothing on the box"
        raise SpecError(message, hint=f"push from the laptop: push: {rules.push_to}")
    if url.startswith("-") or "\0" in url or "::" in url:
        raise SpecError(f"{where} is none that git can push to: {url!r}")


def publish(
    paths: LaptopPaths,
    record: RunRecord,
    pause: Callable[[float], bool] | None = None,
    tell: Callable[[str], None] | None = None,
) -> str:
    """Publish the branch as it is here, if that is asked for; give what to say of it.

    pause: waits so many seconds, and tells whether to go on. tell: is told of a push
    that takes its time.
    """
    rules = record.git
    if not rules.push or rules.push_from == "box":
        return ""
    if record.is_dirty and not rules.push_dirty:
        return f"{record.branch} holds uncommitted work, so it was not pushed"
    repository = Git(paths.root, is_git_dir=False, is_ours=False)
    commit = repository.resolve(f"refs/heads/{record.branch}")
    known = last(paths, record.run)
    if not commit:
        return ""
    if known and known.is_done and (known.to, known.commit) == (rules.push_to, commit):
        return ""
    may_go_on = pause or _sleep

    def push() -> Outcome:
        late_at = _CLOCK.monotonic() + _SOON_S
        said = f"pushing {record.branch} to {rules.push_to}"

        def is_wanted() -> bool:
            if tell and _CLOCK.monotonic() > late_at:
                tell(said)
            return may_go_on(0.0)

        return _push(paths.root, record, is_wanted)

    outcome = tried(push, may_go_on)
    said = tame(outcome.said)
    told = Published(
        to=rules.push_to,
        commit=commit,
        is_done=outcome.is_done,
        said=said,
        at=stamp(_CLOCK.now()),
    )
    files.own_ignored_folder(paths.memory)
    place = _place(paths, record.run)
    place.parent.mkdir(exist_ok=True)
    files.replace_text(place, codec.dumps(told))
    if outcome.is_done:
        return f"{record.branch} was pushed to {rules.push_to}"
    return f"{record.branch} was not pushed to {rules.push_to}: {said}"


def last(paths: LaptopPaths, run: str) -> Published | None:
    """Give what is known of the last push of a run: from here, or by its box."""
    for place in (_place(paths, run), paths.mirror(run).root / RECORD):
        with contextlib.suppress(OSError, IntegrityError):
            return codec.loads(Published, place.read_bytes(), what=RECORD)
    return None


def _place(paths: LaptopPaths, run: str) -> Path:
    return paths.memory / "published" / f"{run}.json"


def _sleep(seconds: float) -> bool:
    _CLOCK.sleep(seconds)
    return True


def _push(root: Path, record: RunRecord, is_wanted: Callable[[], bool]) -> Outcome:
    """Push; nobody's ^C leaves git behind, which would wait for as long as it likes."""
    words = order(record.git.push_to, record.branch)
    argv = ["git", *ARMOUR, "-C", str(root), *words]
    env = _unasked(root)
    try:
        said = command.run_while(is_wanted, argv, timeout_s=PUSH_S, env=env)
    except TimeoutError:
        return late()
    except HostError as error:
        return judge(1, error.message)
    if said is None:
        return Outcome(is_done=False, said="broken off; attach does it again")
    return judge(said.code, (said.out + said.err).decode("utf-8", "replace"))


def _unasked(root: Path) -> dict[str, str]:
    """Give an environment in which a push never asks: it fails instead.

    How the user's git reaches their own remote is theirs to say, and is kept.
    """
    own = {k: v for k in _OWN_SSH if (v := os.environ.get(k))}
    repository = Git(root, is_git_dir=False, is_ours=False)
    if not own and not repository.ask("config", "core.sshCommand").out:
        own = {"GIT_SSH_COMMAND": SSH}
    return clean_environment({**QUIET, **own})
