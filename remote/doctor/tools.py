"""Judge the programs of a box: its shell, git, Python, rsync, tar, locale and clock."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from pipeline.clock import spoken
from pipeline.frozen import dataclass
from pipeline.schema import Env
from remote.doctor.asking import Answers
from remote.doctor.finding import Finding, fail, ok, warn

LEAST_PYTHON = (3, 10)
LEAST_GIT = (2, 29)  # the first with `git init --object-format`
MOST_SKEW_S = 5.0  # more, and times of the two machines cannot be compared by eye
WORST_SKEW_S = 300.0  # more, and certificates and tokens of the box may be refused
_LATE = "124"  # the code of what was ended after 10 s
_PLAIN = "ANSI_X3.4-1968"  # what C and POSIX call their signs
_VERBS = {"apk": "add", "pacman": "-S"}
# How a start-up file says "for people only".
_GUARD = "case $- in *i*) ;; *) return ;; esac"
_GUARDS = {
    "fish": "status is-interactive; or exit",
    "tcsh": "if (! $?prompt) exit",
    "csh": "if (! $?prompt) exit",
}
_DIGITS = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a pipeline wants of a place: its Python and environment, and GPUs.

    host: its name, nothing for this machine. torch: what the lock file says of it.
    """

    host: str = ""
    python: str = "python3"
    env: Env = Env()
    gpus: int = 0
    on_gpu: str = ""
    torch: str = ""
    torch_cuda: str = ""


def judge(answers: Answers, wanted: Wanted) -> Iterator[Finding]:
    """Say how the programs are, as far as the box came with its answers."""
    yield _shell(answers)
    has_tools = "charmap" in answers.facts  # what is asked right behind them
    if has_tools:
        yield _git(answers)
    if "place" in answers.facts:
        yield _python(answers, wanted)
        if environment := _environment(answers, wanted):
            yield environment
    if has_tools:
        yield _rsync(answers)
        yield _tar(answers)
        yield _locale(answers)
    if answers.skew_s is not None:
        yield _clock(answers.skew_s, answers.round_trip_s or 0.0)


def install(answers: Answers, package: str) -> str:
    """Say how a package gets there, by what its system has."""
    installer = answers.one("installer") or "apt-get"
    # Homebrew refuses root; on a box, root needs no sudo, and may have none.
    is_free = installer == "brew" or answers.one("user") == "root"
    word = _VERBS.get(installer, "install")
    words = f"{'' if is_free else 'sudo '}{installer} {word} {package}"
    return f"on the box: {words}"


def numbers(text: str) -> tuple[int, ...]:
    """Find the first version in a text."""
    found = _DIGITS.search(text)
    return tuple(int(part) for part in found.groups("0")) if found else ()


def _shell(answers: Answers) -> Finding:
    name = PurePosixPath(answers.one("shell")).name or "unknown"
    if not answers.chatter.strip():
        return ok("login shell", f"{name}, prints nothing")
    line = next(line for line in answers.chatter.splitlines() if line.strip())
    where = {"zsh": "~/.zshenv", "fish": "~/.config/fish/config.fish"}
    file = where.get(name, "~/.cshrc" if "csh" in name else "~/.bashrc")
    guard = _GUARDS.get(name, _GUARD)
    return fail(
        "login shell",
        f"{name}, prints {line.strip()[:60]!r} before every command",
        "prints nothing: rsync and git break on it",
        f"on the box, in {file}, before the line that prints: {guard}",
    )


def _git(answers: Answers) -> Finding:
    said = answers.one("git").removeprefix("git version ")
    wanted = f"git {dotted(LEAST_GIT)} or newer"
    if not said:
        return fail("git", "not there", wanted, install(answers, "git"))
    if numbers(said)[:2] < LEAST_GIT:
        return fail("git", said, wanted, install(answers, "git"))
    return ok("git", said)


def dotted(version: tuple[int, ...]) -> str:
    """Write a version as people do."""
    return ".".join(map(str, version))


def _python(answers: Answers, wanted: Wanted) -> Finding:
    version = answers.one("py.version")
    if not version:
        found = f"{wanted.python}: not there"
        if "py.code" in answers.facts:
            # What is no `key=value` is a key without a value: its own words.
            said = (k for k in answers.facts if k.startswith("py.") and k != "py.code")
            why = "no answer" if answers.one("py.code") == _LATE else next(said, "")[3:]
            found = f"{wanted.python}: does not run: {why[:120]}"
        return _no_python(answers, wanted, found)
    if numbers(version)[:2] < LEAST_PYTHON:
        return _no_python(answers, wanted, f"{version}, {wanted.python}")
    return ok("python", f"{version}, {answers.one('py.executable')}")


def _environment(answers: Answers, wanted: Wanted) -> Finding | None:
    """Say whether what the stages run in is there, or can be built."""
    what, env = "environment", wanted.env
    if env.kind in ("lock", "setup"):
        return _build(answers, wanted)
    if not env.kind or not answers.one("place"):
        return None
    name = env.python or env.conda
    if found := answers.one("env.found"):
        return ok(what, f"env.{env.kind}: {found}")
    if env.kind == "python":
        todo = "name another in pipeline.yaml: env: {python: PATH}"
        return fail(what, f"no Python is {name} there", "the one of env.python", todo)
    todo = f"on the box: conda env list; conda create -n {name} python"
    found = f"no {name} where conda keeps them; conda itself was not asked"
    return warn(what, found, "the environment of env.conda", todo)


def _build(answers: Answers, wanted: Wanted) -> Finding | None:
    what, env = "environment", wanted.env
    makes_venvs = answers.one("py.venv") == "1" and answers.one("py.pip") == "1"
    if makes_venvs or answers.one("uv"):
        by = "uv" if answers.one("uv") else "venv and pip"
        return ok(
            what, f"of {env.lock or 'env.setup'}: built at the first run, by {by}"
        )
    if numbers(answers.one("py.version"))[:2] < LEAST_PYTHON:
        return None  # that was said of Python itself
    found = "its Python has no venv or no ensurepip, and uv is not there"
    asked = f"one of them, for env.{env.kind}"
    return fail(what, found, asked, install(answers, "python3-venv"))


def _no_python(answers: Answers, wanted: Wanted, found: str) -> Finding:
    others = [name for name in answers.all("has.python") if name != wanted.python]
    fit = [name for name in others if numbers(name)[:2] >= LEAST_PYTHON]
    key = f"hosts.{wanted.host}.python" if wanted.host else "its path first on PATH"
    todo = f"in pipeline.yaml: {key}: {fit[0]}" if fit else install(answers, "python3")
    if not wanted.host:
        todo = f"put one on PATH: {fit[0] if fit else 'python3'}"
    elif not fit:
        todo += f", or name one of its own: {key}: PATH"
    least = f"Python {dotted(LEAST_PYTHON)} or newer"
    return fail("python", found, least, f"{todo}\nits PATH is {answers.one('path')}")


def _rsync(answers: Answers) -> Finding:
    said = answers.one("rsync")
    if not said:
        without = "rsync; without it results come by a tar stream"
        return warn("rsync", "not there", without, install(answers, "rsync"))
    return ok("rsync", rsync_version(said))


def rsync_version(said: str) -> str:
    """Name the rsync that printed this; macOS has one of its own making."""
    if "openrsync" in said:
        return said.strip()
    return f"rsync {dotted(numbers(said)) or said}"


def _tar(answers: Answers) -> Finding:
    # The stream comes out of runner.pyz, which needs no tar.
    return ok("tar", answers.one("tar") or "not there, and not needed")


def _locale(answers: Answers) -> Finding:
    encoding = answers.one("py.encoding") or answers.one("charmap")
    if encoding == _PLAIN:
        return ok("locale", "C, of which Python makes UTF-8")
    if not encoding or encoding.upper().replace("-", "") == "UTF8":
        return ok("locale", f"{encoding or 'not known'}")
    return warn(
        "locale",
        encoding,
        "UTF-8: stages may fail at names and texts",
        "on the box, in ~/.profile or /etc/default/locale: LANG=C.UTF-8",
    )


def _clock(skew_s: float, round_trip_s: float) -> Finding:
    size = abs(skew_s)
    if size <= max(MOST_SKEW_S, round_trip_s):
        return ok("clock", f"within {max(size, 0.1):.1f} s of this machine's")
    found = f"{spoken(size)} {'ahead of' if skew_s > 0 else 'behind'} this machine's"
    wanted = f"within {MOST_SKEW_S:g} s; runs go well, only their times look odd"
    if size > WORST_SKEW_S:
        wanted = f"within {MOST_SKEW_S:g} s; downloads may be refused, times look odd"
    todo = "see which of the two is wrong: date; then: sudo timedatectl set-ntp true"
    return warn("clock", found, wanted, todo)
