"""A killed training ends like one that was not: real children, real SIGKILL."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stages.training.keeping import cleared, keep, kept, key

ROOT = Path(__file__).resolve().parents[2]


# One fixture trains three times over, and many tests run side by side.
pytestmark = pytest.mark.timeout(240)


class Nursery:
    """A process that forks attempts of the stage; see nursery.py."""

    def __init__(self) -> None:
        """Let it import what it needs."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.stages.nursery"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def attempt(self, root: Path, after: int | None, after_s: float = 0.0) -> int:
        """Train in `root`; kill it so long after epoch `after`; give how it ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{root}\n")
        self._process.stdin.flush()
        pid, epoch = 0, 0
        for what, number in self._told():
            pid = number if what == "pid" else pid
            epoch = number if what == "epoch" else epoch
            if what == "ended":
                return number
            if epoch == after:
                time.sleep(after_s)
                os.kill(pid, signal.SIGKILL)
                after = None
        raise AssertionError("the nursery ended")

    def _told(self) -> Iterator[tuple[str, int]]:
        """Give what it says."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            what, number = line.split()
            yield what, int(number)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that was killed again and again, and started again until it ended.

    Once at a random instant while it learned, and once while the results were written.
    """
    root, nursery = tmp_path_factory.mktemp("killed"), Nursery()
    draw = random.SystemRandom()
    ends = [
        nursery.attempt(root, after, draw.uniform(0.0, longest_s))
        for after, longest_s in ((draw.randrange(3), 0.3), (4, 1.5))
    ]
    while ends[-1] != 0:
        assert ends[-1] == -signal.SIGKILL, ends
        ends.append(nursery.attempt(root, None))
    nursery.close()
    assert -signal.SIGKILL in ends, ends
    return root


@pytest.mark.parametrize("name", ["model.pt", "codes.npz", "logits.npz", "sample.npz"])
def test_what_is_handed_on_is_the_same_to_the_last_bit(
    name: str, killed: Path, trained_tiny: Path
) -> None:
    """Whatever instant it was killed at."""
    assert (killed / "out" / name).read_bytes() == (trained_tiny / name).read_bytes()


@pytest.mark.parametrize("name", ["history.csv", "subjects.csv", "certificate.json"])
def test_what_is_told_to_people_is_the_same(
    name: str, killed: Path, trained_tiny: Path
) -> None:
    """The table of epochs, too, though no attempt saw all of them."""
    undisturbed = trained_tiny.parent / "results" / name

    assert (killed / "results" / name).read_bytes() == undisturbed.read_bytes()


def test_metrics_are_the_same_but_for_the_clock(
    killed: Path, trained_tiny: Path
) -> None:
    """Speed is what this machine did; all else is what was learned."""
    one, other = (
        json.loads((folder / "metrics.json").read_text())
        for folder in (killed / "out", trained_tiny)
    )

    assert one | {"samples_per_s": 0} == other | {"samples_per_s": 0}


STATE = {"best_epoch": 3}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint that was written whole."""
    path = tmp_path / "learner.pt"
    keep(path, key(rate=1), STATE)
    return path


def test_a_whole_checkpoint_of_the_same_params_is_taken_up(checkpoint: Path) -> None:
    """And nothing of its making is left behind."""
    assert kept(checkpoint, key(rate=1))[0] == STATE
    assert [each.name for each in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_a_checkpoint_of_other_params_is_passed_over_in_words(checkpoint: Path) -> None:
    """Neither used nor an error."""
    state, said = kept(checkpoint, key(rate=2))

    assert state is None
    assert "other params, data or code" in said


def test_a_checkpoint_torn_anywhere_is_passed_over_in_words(checkpoint: Path) -> None:
    """Cut at every place, it is never taken for a whole one."""
    whole = checkpoint.read_bytes()
    for length in (*range(0, 200, 7), *range(200, len(whole), 97)):
        checkpoint.write_bytes(whole[:length])

        state, said = kept(checkpoint, key(rate=1))

        assert state is None, length
        assert "torn" in said


def test_what_a_killed_attempt_left_half_made_is_taken_away(checkpoint: Path) -> None:
    """Drafts and folders, and never the checkpoint itself."""
    folder = checkpoint.parent
    (folder / ".learner.pt.77.draft").write_bytes(b"half")
    (folder / ".together-77").mkdir()
    (folder / ".together-77" / "job.pt").write_bytes(b"half")

    cleared(folder)

    assert [each.name for each in folder.iterdir()] == [checkpoint.name]


def test_a_disk_that_is_full_leaves_the_older_checkpoint_whole(
    checkpoint: Path,
) -> None:
    """And ends in words that say so; nothing is left beside it."""
    with full(), pytest.raises(OSError, match="the one before, if any, is whole"):
        keep(checkpoint, key(rate=1), {"much": "x" * 9999})

    assert kept(checkpoint, key(rate=1))[0] == STATE
    assert [each.name for each in checkpoint.parent.iterdir()] == [checkpoint.name]


@contextmanager
def full(size: int = 4096) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_flipped_bit_is_noticed(checkpoint: Path) -> None:
    """Whichever part of the file it is in."""
    whole = checkpoint.read_bytes()
    for place in range(3, len(whole), 101):
        broken = bytearray(whole)
        broken[place] ^= 1
        checkpoint.write_bytes(bytes(broken))

        assert kept(checkpoint, key(rate=1))[0] is None, place
