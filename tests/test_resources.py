"""What of the box a stage takes: two runs never share a GPU, whoever dies first."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import HostError
from pipeline.resources import Resources, Share, visible_gpus
from pipeline.schema import Stage
from tests.fakes import put_program
from tests.laptop import Laptop

ONE_GPU = Stage(name="train", gpus=1)
TWO_GPUS = Stage(name="big", gpus=2)
SMI = "#!/bin/sh\nprintf '%b' '{said}'\nexit {code}\n"


def box(locks: Path, gpus: str = "01", *, jobs: int = 8, cpus: int = 8) -> Resources:
    """What one run sees of a box."""
    return Resources(jobs=jobs, cpus=cpus, gpus=tuple(gpus), locks=locks)


def take(run: Resources, stage: Stage, **held: Share) -> Share:
    """Take what must be there."""
    share = run.take(stage, held)
    assert share is not None
    return share


def test_two_runs_do_not_share_a_gpu(tmp_path: Path) -> None:
    """The second waits, until the first gives it back."""
    one, other = box(tmp_path, "0"), box(tmp_path, "0")
    share = take(one, ONE_GPU)

    waits = other.take(ONE_GPU, {})
    share.close()

    assert waits is None
    assert take(other, ONE_GPU).gpus == ("0",)


def test_each_of_two_runs_gets_a_gpu_of_its_own(tmp_path: Path) -> None:
    """Where there are two."""
    shares = [take(box(tmp_path), ONE_GPU) for _ in range(2)]

    assert [share.gpus for share in shares] == [("0",), ("1",)]
    assert box(tmp_path).take(ONE_GPU, {}) is None


def test_all_or_nothing(tmp_path: Path) -> None:
    """Two runs that each hold half of what they need would wait for ever."""
    share = take(box(tmp_path), ONE_GPU)

    assert box(tmp_path).take(TWO_GPUS, {}) is None
    assert take(box(tmp_path), ONE_GPU).gpus == ("1",)
    share.close()


def test_a_gpu_is_taken_until_the_last_process_of_its_stage_ended(
    tmp_path: Path,
) -> None:
    """A runner was killed, and what it started still computes."""
    share = take(box(tmp_path, "0"), ONE_GPU)
    child = subprocess.Popen(["sleep", "311"], pass_fds=share.locks)
    share.close()

    waits = box(tmp_path, "0").take(ONE_GPU, {})
    child.kill()
    child.wait()

    assert waits is None
    assert take(box(tmp_path, "0"), ONE_GPU).gpus == ("0",)


def test_a_child_gets_no_lock_that_is_not_given(tmp_path: Path) -> None:
    """Or any program that a stage of another run starts would hold its GPU."""
    share = take(box(tmp_path, "0"), ONE_GPU)
    child = subprocess.Popen(["sleep", "312"], close_fds=False)
    share.close()

    free = take(box(tmp_path, "0"), ONE_GPU)
    child.kill()
    child.wait()

    assert free.gpus == ("0",)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=20)
)
def test_no_gpu_is_ever_held_twice(moves: list[tuple[int, int]]) -> None:
    """Three runs take and give back in any order; each move takes, or gives all."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as opened:
        runs = [box(Path(folder), "012") for _ in range(3)]
        held: dict[int, dict[str, Share]] = {0: {}, 1: {}, 2: {}}
        for turn, (number, gpus) in enumerate(moves):
            shares = held[number]
            if not gpus:
                while shares:
                    shares.popitem()[1].close()
            elif share := runs[number].take(Stage(name="s", gpus=gpus), shares):
                assert len(share.gpus) == gpus
                shares[str(turn)] = share
            named = [
                g for s in held.values() for share in s.values() for g in share.gpus
            ]
            assert len(named) == len(set(named))
        for shares in held.values():
            for share in shares.values():
                opened.callback(share.close)


CPUS = {
    "as many as there are": (4, [2, 2], [2, 2]),
    "no more than there are": (4, [3, 2], [3, None]),
    "more than there are gets all, alone": (4, [9], [4]),
    "and waits until it is alone": (4, [1, 9], [1, None]),
    "nothing beside it": (4, [9, 1], [4, None]),
}


@pytest.mark.parametrize(("cpus", "wanted", "given"), CPUS.values(), ids=CPUS)
def test_processors_are_counted(
    tmp_path: Path, cpus: int, wanted: list[int], given: list[int | None]
) -> None:
    """Each row: processors, what stages want one after the other, what each gets."""
    run, held = box(tmp_path, cpus=cpus), dict[str, Share]()
    found: list[int | None] = []
    for number, count in enumerate(wanted):
        share = run.take(Stage(name="s", cpus=count), held)
        found.append(share.cpus if share else None)
        if share:
            held[str(number)] = share

    assert found == given


def test_no_more_stages_than_jobs(tmp_path: Path) -> None:
    """However many processors are idle."""
    run = box(tmp_path, jobs=1)

    assert run.take(Stage(name="b"), {"a": Share(cpus=1)}) is None


def test_a_stage_the_box_can_never_run_is_refused(tmp_path: Path) -> None:
    """At once, and not after hours of waiting for a GPU that is not there."""
    box(tmp_path).check([ONE_GPU, TWO_GPUS])

    with pytest.raises(HostError, match="'big' wants 2 GPU, and this box has 1"):
        box(tmp_path, "0").check([TWO_GPUS])


# what nvidia-smi says, its exit code, CUDA_VISIBLE_DEVICES, and what a run may use
SEEN: dict[str, tuple[str, int, str | None, tuple[str, ...]]] = {
    "two": (r"0\n1\n", 0, None, ("0", "1")),
    "none": ("No devices were found", 0, None, ()),
    "a driver that is broken": (r"0\n", 9, None, ()),
    "one of two": (r"0\n1\n", 0, "1", ("1",)),
    "in an order": (r"0\n1\n", 0, "1, 0", ("1", "0")),
    "one that is not there": (r"0\n", 0, "0,7", ("0",)),
    "forbidden": (r"0\n1\n", 0, "", ()),
    "by its name": (r"0\n", 0, "GPU-8f3a", ("GPU-8f3a",)),
}


@pytest.mark.parametrize(("said", "code", "allowed", "gpus"), SEEN.values(), ids=SEEN)
def test_which_gpus_a_run_may_use(
    tmp_path: Path, said: str, code: int, allowed: str | None, gpus: tuple[str, ...]
) -> None:
    """Each row: what nvidia-smi and the environment say, and what comes of it."""
    put_program(tmp_path, "nvidia-smi", SMI.format(said=said, code=code))
    ask = "import os; from pipeline.resources import visible_gpus as v; "
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": "."}
    if allowed is not None:
        environment["CUDA_VISIBLE_DEVICES"] = allowed

    done = subprocess.run(
        [sys.executable, "-c", ask + "print(*v(os.environ), sep=';')"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert tuple(filter(None, done.stdout.strip().split(";"))) == gpus


def test_a_box_without_nvidia_has_no_gpu() -> None:
    """Nobody is asked, and nothing fails."""
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": ""}) == ()


def test_two_runs_on_a_box_with_one_gpu_never_overlap(laptop: Laptop) -> None:
    """Real runs, side by side: the one that finds the other at work would fail."""
    bin_folder = laptop.home / "bin"
    put_program(bin_folder, "nvidia-smi", SMI.format(said=r"0\n", code=0))
    laptop.env["PATH"] = f"{bin_folder}:{laptop.env['PATH']}"
    text = (
        "name: x\nstages:\n  a:\n    gpus: 1\n    outputs: [a]\n"
        "    sh: mkdir ~/busy; sleep 0.4; rmdir ~/busy;"
        " echo $CUDA_VISIBLE_DEVICES > $OUT/a\n"
    )
    laptop.write("pipeline.yaml", text)
    laptop.commit()

    runs = [laptop.spawn("run") for _ in range(3)]

    ended = [(run.communicate(timeout=50)[0], run.returncode) for run in runs]
    assert [code for _, code in ended] == [0, 0, 0], ended
    assert laptop.git("show", f"run/{laptop.run_id}:artifacts/a/a") == "0"
