"""An environment is found or built once per box, and known by what it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.environments import environment
from pipeline.environments.environment import Environment
from pipeline.errors import HostError, PipelineError, SpecError
from pipeline.layout import BoxPaths
from pipeline.schema import Env
from tests.fakes import put_program
from tests.wheels import make_wheel

pytestmark = pytest.mark.timeout(180)  # a venv with a pip takes its time

LOCK = "--no-index\n--find-links ./wheels\nsmall==1.0\n"


class Place:
    """A box with the worktree of a run, which is the snapshot too."""

    def __init__(self, root: Path) -> None:
        """Put a lock file and its wheel into the worktree."""
        self.box = BoxPaths(root / "box")
        self.base = self.box.runs / "one" / "tree"
        self.base.mkdir(parents=True, exist_ok=True)
        self.told: list[str] = []
        make_wheel(self.base / "wheels", "small")
        self.write("requirements.lock", LOCK)

    def write(self, name: str, text: str) -> Path:
        """Write a file of the snapshot."""
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def read(self, name: str) -> bytes | None:
        """Give a file of the snapshot, or something that names a folder's content."""
        path = self.base / name
        if path.is_dir():
            return "".join(sorted(_look(p) for p in path.rglob("*"))).encode()
        return path.read_bytes() if path.is_file() else None

    def ready(
        self,
        env: Env,
        python: str = sys.executable,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> Environment:
        """Find or build it."""
        return environment.ready(
            env,
            box=self.box,
            python=python,
            read=self.read,
            base=self.base,
            clock=SystemClock(),
            tell=self.told.append,
            is_stopping=is_stopping,
        )

    def look(self, env: Env) -> Environment | None:
        """Say what is known of it."""
        return environment.look(
            env,
            box=self.box,
            python=sys.executable,
            read=self.read,
            base=self.base,
            clock=SystemClock(),
        )

    def envs(self) -> list[str]:
        """Name the folders and links of built environments, and what is beside them."""
        return sorted(path.name for path in self.box.envs.iterdir())


def _look(path: Path) -> str:
    return f"{path.name} {path.stat().st_size}\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A box with a home of its own, and no uv on its PATH."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.delenv("PYTHONPATH", raising=False)
    return Place(tmp_path)


def imports(found: Environment, statement: str) -> str:
    """Run a line in the environment's Python; give what it prints."""
    done = subprocess.run(
        [found.python, "-c", statement],
        env=found.over(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_without_a_word_stages_have_the_runner_s_python(place: Place) -> None:
    """Nothing is built, and what is installed is known."""
    found = place.ready(Env())

    assert found.python == sys.executable
    assert "pytest" in found.packages
    assert not place.box.envs.exists()


def test_a_lock_file_is_built_with_what_it_says_and_nothing_else(place: Place) -> None:
    """Not even a pip is in it, so both ways of building give the same."""
    found = place.ready(Env(lock="requirements.lock"))

    assert dict(found.packages) == {"small": "1.0"}
    assert imports(found, "import small; print(small.VERSION)") == "1.0"
    assert found.freeze() == "small==1.0\n"
    assert place.told
    assert all("requirements.lock" in line for line in place.told)


def test_uv_builds_the_same_as_pip(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who built it is not told by its identity."""
    by_pip = place.ready(Env(lock="requirements.lock")).identity()
    # The digest would find what pip built: the very same is asked for elsewhere.
    folder = os.path.dirname(sys.executable)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    place.box = BoxPaths(place.box.root.parent / "other")

    by_uv = place.ready(Env(lock="requirements.lock"))

    (log,) = place.box.envs.glob("*.1/build.log")
    assert "/uv pip install" in log.read_text()
    assert by_uv.identity() == by_pip


def test_an_environment_is_built_once(place: Place) -> None:
    """The second time it is only looked up, and nothing is told."""
    first = place.ready(Env(lock="requirements.lock"))
    place.told.clear()

    second = place.ready(Env(lock="requirements.lock"))

    assert second.python == first.python
    assert place.told == []


def test_to_look_builds_nothing(place: Place) -> None:
    """A plan may ask what an environment is before it is there."""
    assert place.look(Env(lock="requirements.lock")) is None
    assert not place.box.envs.exists()

    made = place.ready(Env(lock="requirements.lock"))
    seen = place.look(Env(lock="requirements.lock"))

    assert seen is not None
    assert seen.identity() == made.identity()


def test_identity_is_plain_json_without_time_or_place(
    place: Place, tmp_path: Path
) -> None:
    """It goes into fingerprints, which must be the same on another box."""
    said = json.dumps(place.ready(Env(lock="requirements.lock")).identity())

    assert str(tmp_path) not in said
    assert json.loads(said)["packages"] == {"small": "1.0"}


def test_another_lock_is_another_environment(place: Place) -> None:
    """The old one stays for the runs that use it."""
    first = place.ready(Env(lock="requirements.lock"))
    make_wheel(place.base / "wheels", "small", "2.0")
    place.write("requirements.lock", LOCK.replace("1.0", "2.0"))

    second = place.ready(Env(lock="requirements.lock"))

    assert second.packages["small"] == "2.0"
    assert imports(first, "import small; print(small.VERSION)") == "1.0"
    assert first.identity() != second.identity()


def test_a_file_that_the_lock_names_is_part_of_it(place: Place) -> None:
    """A change in a file behind -r builds anew."""
    place.write("all.lock", "-r deep/more.txt\n")
    place.write("deep/more.txt", "--no-index\n--find-links ../wheels\nsmall\n")
    first = place.ready(Env(lock="all.lock"))

    place.write("deep/more.txt", "# as before\n--no-index\n-f ../wheels\nsmall\n")

    assert place.look(Env(lock="all.lock")) is None
    assert place.ready(Env(lock="all.lock")).name != first.name


def test_a_wheel_of_the_snapshot_counts_by_its_content(place: Place) -> None:
    """Other bytes under the same version are another environment."""
    first = place.ready(Env(lock="requirements.lock"))
    make_wheel(
        place.base / "wheels", "small", files={"small.py": "VERSION = 'other'\n"}
    )

    second = place.ready(Env(lock="requirements.lock"))

    assert first.packages == second.packages
    assert first.identity() != second.identity()


def test_a_wheel_that_is_not_installed_changes_nothing(place: Place) -> None:
    """It may be built anew for it; what is there is the same."""
    first = place.ready(Env(lock="requirements.lock"))
    make_wheel(place.base / "wheels", "other")

    second = place.ready(Env(lock="requirements.lock"))

    assert first.name != second.name
    assert first.identity() == second.identity()


def test_setup_commands_run_in_a_fresh_venv(place: Place) -> None:
    """They run in the worktree, with the venv on, one after the other."""
    commands = (
        "pip install --no-index wheels/small-1.0-py3-none-any.whl",
        'pwd > "$VIRTUAL_ENV/where"; command -v python >> "$VIRTUAL_ENV/where"',
    )

    found = place.ready(Env(setup=commands))

    venv = Path(found.variables["VIRTUAL_ENV"])
    assert (venv / "where").read_text().split() == [str(place.base), found.python]
    assert found.packages["small"] == "1.0"


def test_a_setup_command_s_files_are_part_of_it(place: Place) -> None:
    """What a command names of the snapshot is part of the environment's name."""
    place.write("prepare.sh", "true\n")
    env = Env(setup=("sh ./prepare.sh",))
    first = place.ready(env)

    place.write("prepare.sh", "true; true\n")

    assert place.look(env) is None
    assert place.ready(env).identity() != first.identity()


def test_an_editable_worktree_is_refused(place: Place) -> None:
    """It would tie every run to the folder of one of them."""
    place.write("lib.lock", "--no-index\n\n-e ./lib\n")
    with pytest.raises(SpecError) as refused:
        place.ready(Env(lock="lib.lock"))
    assert str(refused.value) == (
        "lib.lock:3: -e ./lib would tie all runs to the folder of one of them\n"
        "  write it without -e: ./lib"
    )

    point = 'pwd > "$(echo "$VIRTUAL_ENV"/lib/python3*/site-packages)/here.pth"'
    with pytest.raises(HostError, match="installs the worktree of one run as editable"):
        place.ready(Env(setup=(point,)))
    assert place.look(Env(setup=(point,))) is None


@pytest.mark.parametrize(
    ("env", "message"),
    [
        (
            Env(lock="missing.lock"),
            (
                "pipeline.yaml: env.lock names missing.lock, "
                "which is not in the snapshot\n"
                "  is it there, and not ignored by git?"
            ),
        ),
        (
            Env(lock="nested.lock"),
            (
                "nested.lock:2 names gone.txt, which is not in the snapshot\n"
                "  is it there, and not ignored by git?"
            ),
        ),
        (
            Env(python="python9.9"),
            (
                "this machine has no 'python9.9'\n"
                "  name another Python: env: {python: PATH}"
            ),
        ),
        (
            Env(conda="nobody-has-this"),
            (
                "env.conda names 'nobody-has-this', and this machine has no conda\n"
                "  looked for conda, mamba and micromamba"
            ),
        ),
        (
            Env(conda="/nowhere/at/all"),
            (
                "'/nowhere/at/all' is no conda environment on this machine: it has no "
                "bin/python\n  env.conda is a name, or the absolute path of one"
            ),
        ),
    ],
    ids=["lock", "nested", "python", "no conda", "conda path"],
)
def test_what_is_not_there_is_said_by_name(
    place: Place, env: Env, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message: what, where, and what to do."""
    place.write("nested.lock", "# first\n-r gone.txt\n")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")

    with pytest.raises(PipelineError) as refused:
        place.ready(env)

    assert str(refused.value) == message


def test_a_python_that_is_none_is_refused(place: Place, tmp_path: Path) -> None:
    """Whatever is behind the path, the answer is a message."""
    for name, text in [
        ("fails", "#!/bin/sh\necho oh dear >&2\nexit 3\n"),
        ("mute", "#!/bin/sh\n"),
        ("binary", "\x7fELF nonsense"),
    ]:
        program = put_program(tmp_path / "bin", name, text)
        with pytest.raises(HostError, match=str(program)):
            place.ready(Env(python=str(program)))


def test_a_shim_stands_for_the_python_it_starts(place: Place, tmp_path: Path) -> None:
    """Stages get the Python itself, which no later setting of the shim can change."""
    shim = put_program(
        tmp_path / "bin", "python7", f'#!/bin/sh\nexec {sys.executable} "$@"\n'
    )

    assert place.ready(Env(python=str(shim))).python == sys.executable


@pytest.mark.parametrize("wanted", ["named", "PATH"])
def test_a_conda_environment_is_found_without_activating(
    place: Place, tmp_path: Path, wanted: str
) -> None:
    """By its name in a usual place, or by its path; conda itself is not asked."""
    prefix = tmp_path / "home" / "miniforge3" / "envs" / "named"
    prefix.parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    (prefix / "conda-meta").mkdir()
    (prefix / "conda-meta" / "cuda-nvcc-12.4.1-h_5.json").write_text("{}")

    found = place.ready(Env(conda=wanted.replace("PATH", str(prefix))))

    assert found.python == str(prefix / "bin" / "python")
    assert found.over({})["CONDA_PREFIX"] == str(prefix)
    assert found.identity()["conda"] == {"cuda-nvcc": "12.4.1 h_5"}


def test_conda_is_asked_for_what_is_not_found(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own list knows every setting; a name it does not have is refused by name."""
    prefix = tmp_path / "far" / "away"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", prefix], check=True)
    envs = json.dumps({"envs": [str(prefix), "/gone"]})
    program = put_program(tmp_path / "bin", "mamba", f"#!/bin/sh\necho '{envs}'\n")
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    assert place.ready(Env(conda="away")).python == str(prefix / "bin" / "python")
    with pytest.raises(HostError) as refused:
        place.ready(Env(conda="awry"))
    assert str(refused.value) == (
        "no conda environment is called 'awry' on this machine\n"
        "  there are: away\n"
        "  make it first: conda create -n awry python"
    )


def test_a_module_stage_does_not_see_sources_behind_the_worktree(
    place: Place,
) -> None:
    """An editable install of the user's own repository is never reached by it."""
    whole = {"python": "CPython 3.11.7", "sources": {"mine": "1", "lib": "2"}}

    assert environment.seen_by_module(whole, {"mine", "stages"}) == {
        "python": "CPython 3.11.7",
        "sources": {"lib": "2"},
    }
    assert environment.seen_by_module(whole, {"mine", "lib"}) == {
        "python": "CPython 3.11.7"
    }


def test_the_environment_is_first_on_path_and_takes_the_place_of_others(
    place: Place,
) -> None:
    """A stage sees this environment, not the one the runner was started from."""
    found = place.ready(Env(lock="requirements.lock"))

    seen = found.over({"PATH": "/usr/bin", "CONDA_PREFIX": "/x", "VIRTUAL_ENV": "/y"})

    assert seen["PATH"] == f"{found.bin}:/usr/bin"
    assert seen["VIRTUAL_ENV"] == str(found.bin.parent)
    assert "CONDA_PREFIX" not in seen
