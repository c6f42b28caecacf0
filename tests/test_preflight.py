"""An environment is checked before a GPU's time is spent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.clock import SystemClock
from pipeline.environments import preflight
from pipeline.environments.environment import Environment
from pipeline.errors import HostError
from pipeline.schema import Env
from tests.fakes import put_program
from tests.test_environment import Place
from tests.wheels import make_wheel

TORCH = """\
import os
__version__ = "2.9.0"
class version:
    cuda = {cuda!r}
class cuda:
    @staticmethod
    def is_available():
        return {is_available}
"""
NVIDIA_SMI = """\
#!/bin/sh
case "$*" in
  *driver_version*) echo 535.104.05 ;;
  *) echo "| NVIDIA-SMI 535.104.05  Driver: 535.104.05  CUDA Version: 12.2 |" ;;
esac
"""


class Checked(Place):
    """A place whose environment has a torch made by hand."""

    def with_torch(self, text: str) -> Environment:
        """Build an environment whose torch is `text`."""
        make_wheel(self.base / "wheels", "torch", "2.9.0", {"torch.py": text})
        lock = "--no-index\n--find-links ./wheels\nsmall==1.0\ntorch==2.9.0\n"
        self.write("requirements.lock", lock)
        return self.ready(Env(lock="requirements.lock"))

    def check(self, found: Environment, **imports: str) -> None:
        """Check that stages may import what they do; `train` has a GPU."""
        preflight.check(
            found,
            imports={stage: names.split() for stage, names in imports.items()},
            on_gpu=["train"],
            paths=[self.base],
            clock=SystemClock(),
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """A box with a home of its own, and a driver that knows CUDA 12.2."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    smi = put_program(tmp_path / "bin", "nvidia-smi", NVIDIA_SMI)
    monkeypatch.setenv("PATH", f"{smi.parent}{os.pathsep}{os.environ['PATH']}")
    return Checked(tmp_path)


def test_what_is_there_passes(place: Checked) -> None:
    """Modules of the environment, of the worktree and of Python itself are found."""
    place.write("mine.py", "raise SystemExit('it is not imported')\n")
    found = place.with_torch(TORCH.format(cuda="12.1", is_available=True))

    place.check(found, train="small torch mine json", report="small")


def test_each_stage_and_module_that_do_not_go_together_are_named(
    place: Checked,
) -> None:
    """All of them at once, with what to do next."""
    found = place.ready(Env(lock="requirements.lock"))

    with pytest.raises(HostError) as refused:
        place.check(found, train="small numpy", report="numpy scipy")

    assert str(refused.value) == (
        "stage 'train' imports 'numpy', which the environment requirements.lock "
        "does not have\n"
        "  likewise: stage 'report' imports 'numpy'\n"
        "  likewise: stage 'report' imports 'scipy'\n"
        "  add what has 'numpy' to requirements.lock"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            TORCH.format(cuda=None, is_available=False),
            (
                "(2.9.0) is built for CPUs only\n"
                "  install a torch that is built for CUDA: it says +cu in its version"
            ),
        ),
        (
            TORCH.format(cuda="13.0", is_available=False),
            (
                "(2.9.0, for CUDA 13.0) is too new for driver 535.104.05, "
                "which knows CUDA 12.2\n"
                "  install a torch for CUDA 12.2 or older, or a newer driver"
            ),
        ),
        (
            TORCH.format(cuda="12.1", is_available=False),
            (
                "(2.9.0, for CUDA 12.1) finds none\n"
                "  the driver is 535.104.05, and knows CUDA 12.2"
            ),
        ),
        (
            "raise OSError('libcudart.so.12: cannot open shared object file')",
            (
                "cannot be imported\n"
                "  OSError: libcudart.so.12: cannot open shared object file"
            ),
        ),
    ],
    ids=["cpu", "too new", "hidden", "broken"],
)
def test_a_torch_without_a_gpu_is_refused(
    place: Checked, text: str, message: str
) -> None:
    """Why is said as far as it can be told; a stage without a GPU may have it."""
    found = place.with_torch(text)

    place.check(found, report="torch")
    with pytest.raises(HostError) as refused:
        place.check(found, train="torch", report="torch")

    head = "stage 'train' wants a GPU, and torch of environment requirements.lock "
    assert str(refused.value) == head + message


def test_a_torch_without_a_driver_is_refused(
    place: Checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A box that lost its driver is told apart from a torch that does not fit."""
    put_program(tmp_path / "bin", "nvidia-smi", "#!/bin/sh\nexit 9\n")
    found = place.with_torch(TORCH.format(cuda="12.1", is_available=False))

    with pytest.raises(HostError, match="no NVIDIA driver that answers"):
        place.check(found, train="torch")


def test_a_python_that_dies_of_the_check_is_named(place: Checked) -> None:
    """A torch that crashes the interpreter is an answer too."""
    found = place.with_torch("import os\nprint('boom', flush=True)\nos.abort()\n")

    with pytest.raises(HostError, match="its Python ended in 134") as refused:
        place.check(found, train="torch")

    assert "boom" in refused.value.hint


def test_nothing_is_asked_when_nothing_is_imported(place: Checked) -> None:
    """A pipeline of shell stages pays for no process."""
    found = place.ready(Env(lock="requirements.lock"))
    os.unlink(found.python)

    place.check(found, train="")
