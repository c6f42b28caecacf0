"""Whatever befalls a build, nothing half-made is used, and the next start mends it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError
from pipeline.schema import Env
from tests.attended import lives
from tests.laptop import wait_until
from tests.test_environment import LOCK, Place, imports
from tests.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(240)  # a venv with a pip takes its time

CHECKOUT = Path(__file__).parent.parent
BUILDER = """
import sys
from pathlib import Path
from tests.test_environment import Place
from pipeline.schema import Env
place = Place(Path(sys.argv[1]))
place.ready(Env(setup=(sys.argv[2],)))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A box with a home of its own, and no uv on its PATH."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return Place(tmp_path)


@contextlib.contextmanager
def building(root: Path, command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Have a builder of its own, which is gone in the end."""
    builder = subprocess.Popen(
        [sys.executable, "-c", BUILDER, str(root), command],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
    )
    try:
        yield builder
    finally:
        builder.kill()
        builder.wait()


def said(pid: Path) -> bool:
    """Tell whether a process wrote its number."""
    return pid.exists() and bool(pid.read_text())


def test_a_failed_install_says_why_and_leaves_nothing(place: Place) -> None:
    """The last useful lines are told, with where the log is; mended, it is built."""
    place.write("requirements.lock", LOCK + "absent==3.0\n")
    env = Env(lock="requirements.lock")

    with pytest.raises(HostError) as refused:
        place.ready(env)

    told = str(refused.value)
    log = next(place.box.envs.glob("*.1/build.log"))
    assert told.startswith("environment requirements.lock cannot be built: python")
    assert "No matching distribution found for absent==3.0" in told
    assert told.endswith(f"the whole of it, on that machine: {log}")
    assert place.look(env) is None
    assert not list(place.box.envs.glob("*/venv"))

    make_wheel(place.base / "wheels", "absent", "3.0")
    assert place.ready(env).packages["absent"] == "3.0"


@pytest.mark.parametrize("dies", ["builder", "both"])
def test_a_killed_build_is_swept_and_done_anew(
    place: Place, tmp_path: Path, dies: str
) -> None:
    """What the dead builder's command still does is ended first."""
    go, pid = tmp_path / "go", tmp_path / "pid"
    command = f"echo $$ > {pid}; [ -e {go} ] || sleep 600; touch $VIRTUAL_ENV/whole"
    with building(tmp_path, command):
        wait_until(lambda: said(pid), "the command runs", 120)
    if dies == "both":
        os.kill(int(pid.read_text()), signal.SIGKILL)
    left = tmp_path / "left"
    left.write_text(pid.read_text())
    assert place.look(Env(setup=(command,))) is None

    go.touch()
    found = place.ready(Env(setup=(command,)))

    assert not lives(left)
    assert (found.bin.parent / "whole").exists()
    assert len(list(place.box.envs.glob("*/venv"))) == 2  # the folder, and its link


def test_who_comes_second_waits_and_says_for_what(place: Place, tmp_path: Path) -> None:
    """Of two at once, one builds and both have it."""
    go, pid = tmp_path / "go", tmp_path / "pid"
    command = f"echo $$ >> {pid}; while [ ! -e {go} ]; do sleep 0.05; done"
    with building(tmp_path, command) as builder:
        wait_until(lambda: said(pid), "the command runs", 120)
        second = threading.Thread(target=place.ready, args=(Env(setup=(command,)),))
        second.start()
        wait_until(lambda: bool(place.told), "the second waits", 120)
        go.touch()
        second.join()
        assert builder.wait() == 0

    assert place.told == ["waiting for environment of env.setup: another run builds it"]
    assert len(pid.read_text().split()) == 1


def test_a_build_can_be_stopped(place: Place, tmp_path: Path) -> None:
    """A stop wished for a run does not wait for its environment."""
    pid = tmp_path / "pid"
    env = Env(setup=(f"echo $$ > {pid}; sleep 600",))

    with pytest.raises(HostError, match="stopped before it was built"):
        place.ready(env, is_stopping=lambda: said(pid))

    assert not lives(pid)
    assert place.look(env) is None


def test_a_full_disk_is_named_and_left_as_empty_as_it_was(
    place: Place, tmp_path: Path
) -> None:
    """Nothing half-built goes on filling it."""
    envs = place.box.envs
    envs.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(envs)]
    subprocess.run(mount, check=True)
    try:
        make_wheel(
            place.base / "wheels", "small", files={"small.py": "A = 1\n" * 100_000}
        )
        with pytest.raises((HostError, OSError)) as refused:
            place.ready(Env(lock="requirements.lock"))

        assert "No space left on device" in str(refused.value)
        assert not list(envs.glob("*/venv"))
    finally:
        subprocess.run(["umount", str(envs)], check=True)
    assert imports(place.ready(Env(lock="requirements.lock")), "import small") == ""


def test_an_environment_that_was_damaged_is_built_anew(place: Place) -> None:
    """A link that leads nowhere, or a Python that is gone, is no environment."""
    env = Env(lock="requirements.lock")
    first = place.ready(env)
    os.unlink(first.python)

    second = place.ready(env)

    assert imports(second, "import small") == ""
    assert second.python != first.python


def test_a_user_s_settings_bend_no_build(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules in the way and variables that point elsewhere do not count."""
    elsewhere = tmp_path / "elsewhere"
    for name in ("PIP_TARGET", "PIP_PREFIX", "PYTHONPATH", "PYTHONHOME"):
        monkeypatch.setenv(name, str(elsewhere))
    monkeypatch.setenv("PIP_USER", "1")
    for name in ("logging.py", "pip.py", "venv.py"):
        place.write(name, "raise SystemExit('in the way')\n")
    monkeypatch.delenv("PYTHONHOME")

    found = place.ready(Env(lock="requirements.lock"))

    assert found.packages["small"] == "1.0"
    assert not elsewhere.exists()


def test_secrets_are_blotted_from_what_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing command may print what it should not."""
    monkeypatch.setenv("INDEX_TOKEN", "very-secret-word")
    env = Env(setup=("echo using $INDEX_TOKEN; exit 3",))

    with pytest.raises(HostError, match=r"using \*\*\*") as refused:
        place.ready(env)

    assert "very-secret-word" not in str(refused.value)
    assert "very-secret-word" not in "".join(place.told)


def test_a_lock_that_a_stage_changed_is_not_built(place: Place) -> None:
    """What would be installed is the worktree's; what was asked for, the snapshot's."""
    asked = place.read("requirements.lock")
    reads = place.read

    def snapshot(name: str) -> bytes | None:
        return asked if name == "requirements.lock" else reads(name)

    place.read = snapshot  # type: ignore[method-assign]  # the snapshot as it was
    place.write("requirements.lock", "--no-index\n")

    with pytest.raises(HostError, match="changed by one of its stages"):
        place.ready(Env(lock="requirements.lock"))
