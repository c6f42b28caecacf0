"""Prove that the mathematics passes its tests, and that its tests can fail.

GREEN runs every test of `tests`. RED then breaks one line of `target` at a time, in a
copy, and runs the tests of that part: a mutant that survives is a test that proves
nothing. Tests run in processes of their own by the standard library's unittest, so that
a box needs no test runner, and the worktree is never written to.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipeline.stage import StageContext

ROOT = Path(__file__).resolve().parents[1]

CHILD = """
import json, sys, unittest
folder, pattern, patience = sys.argv[1:]
loader = unittest.TestLoader()
tests = loader.discover(folder, pattern)
result = unittest.TestResult()
result.failfast = patience == "none"
tests.run(result)
wrong = result.failures + result.errors
wrong += [(test, "expected to fail, did not") for test in result.unexpectedSuccesses]
failed = {str(test): why for test, why in wrong}
seen = {"total": result.testsRun, "failed": failed, "unloadable": loader.errors}
print(json.dumps(seen))
"""


class Mutant(NamedTuple):
    """One line of a file under `target`, broken; and the tests that must notice."""

    name: str
    file: str
    line: str
    broken: str
    tests: str


class Outcome(NamedTuple):
    """How many tests ran, what each failed one said, what could not be imported."""

    total: int
    failed: dict[str, str]
    unloadable: list[str]


MUTANTS = (
    Mutant(
        "the last segment is taken to end with the record",
        "first/hsmm.py",
        "        stays[-1] = survival(model.log_d)[longest - 1] + beyond[-1]",
        "        stays[-1] = model.log_d[longest - 1] + beyond[-1]",
        "test_hsmm.py",
    ),
    Mutant(
        "durations say nothing",
        "first/hsmm.py",
        "    return log_d[:longest, None, :] + before[t - longest : t][::-1]",
        "    return before[t - longest : t][::-1]",
        "test_hsmm.py",
    ),
    Mutant(
        "a censored duration is taken as whole",
        "first/gibbs.py",
        "    return seen + draw(law[seen - 1 :], rng)",
        "    return seen",
        "test_gibbs.py",
    ),
    Mutant(
        "rows are drawn as if nothing had been left out of them",
        "first/hdp.py",
        "    return rng.poisson(np.where(visits > 0, strength * minus_log_x, 0.0))",
        "    return np.zeros_like(visits)",
        "test_hdp.py",
    ),
    Mutant(
        "a revived code keeps its old sum",
        "first/quantiser.py",
        "    sums[which] = fresh * book.counts.mean()",
        "    sums[which] = book.sums[which]",
        "test_quantiser.py",
    ),
    Mutant(
        "a frame's point sees the next frame",
        "first/encoder.py",
        "    end = np.arange(1, len(signal) + 1)",
        "    end = np.minimum(np.arange(2, len(signal) + 2), len(signal))",
        "test_encoder.py",
    ),
    Mutant(
        "the slope leaves out the labels",
        "first/classifier.py",
        "    error[np.arange(len(error)), batch.labels] -= 1.0",
        "    error[np.arange(len(error)), batch.labels] -= 0.0",
        "test_classifier.py",
    ),
    Mutant(
        "full confidence has a bin of its own",
        "first/calibration.py",
        "    bins = np.minimum((sure * n_bins).astype(np.int64), n_bins - 1)",
        "    bins = (sure * n_bins).astype(np.int64)",
        "test_calibration.py",
    ),
    Mutant(
        "the new subject weighs nothing",
        "first/calibration.py",
        "    needed = (1.0 - miss) * (n_subjects + 1) * n_frames",
        "    needed = (1.0 - miss) * n_subjects * n_frames",
        "test_calibration.py",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Where the tests are and what they test, relative to the repository."""

    tests: str = "tests/models/first"
    target: str = "models"
    timeout_s: float = 120.0


def run(params: Params, ctx: StageContext) -> None:
    """Run all tests, then break the target line by line."""
    steps = len(MUTANTS) + 1
    green = outcome(ROOT, params)
    ctx.tick(1, steps, failed=len(green.failed))
    for name, why in green.failed.items():
        ctx.log.error("%s\n%s", name, why)

    notices: dict[str, bool] = {}
    with ThreadPoolExecutor(max_workers=2) as pool:
        proofs = pool.map(lambda mutant: is_noticed(mutant, params), MUTANTS)
        for mutant, noticed in zip(MUTANTS, proofs, strict=True):
            notices[mutant.name] = noticed
            ctx.tick(1 + len(notices), steps, red=sum(notices.values()))
            ctx.log.info("%s: %s", "red" if noticed else "SURVIVED", mutant.name)

    red = sum(notices.values())
    with ctx.result("tdd.json") as path:
        report = {"failed": sorted(green.failed), "mutants": notices}
        path.write_text(json.dumps(report, indent=2) + "\n")
    ctx.metric(passed=green.total - len(green.failed), failed=len(green.failed))
    ctx.metric(total=green.total, red=red, survivors=len(MUTANTS) - red)


def is_noticed(mutant: Mutant, params: Params) -> bool:
    """Tell whether the tests fail on a copy with one broken line.

    They must run to count: a copy that cannot be imported proves nothing of the tests.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in (params.target, params.tests):
            leave_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, copy / name, ignore=leave_out)
        mutate(copy / params.target / mutant.file, mutant)
        seen = outcome(copy, params, pattern=mutant.tests, patience="none")
    if seen.total == 0 or seen.unloadable:
        why = "\n".join(seen.unloadable)
        message = f"mutant {mutant.name!r}: {mutant.tests!r} could not be run\n{why}"
        raise ValueError(message)
    return bool(seen.failed)


def mutate(path: Path, mutant: Mutant) -> None:
    """Break the one line; refuse when it is not there exactly once."""
    lines = path.read_text().splitlines()
    if lines.count(mutant.line) != 1:
        message = (
            f"mutant {mutant.name!r} wants one line {mutant.line.strip()!r} in "
            f"{mutant.file!r}, found {lines.count(mutant.line)}"
        )
        raise ValueError(message)
    lines[lines.index(mutant.line)] = mutant.broken
    path.write_text("\n".join(lines) + "\n")


def outcome(
    root: Path, params: Params, *, pattern: str = "test_*.py", patience: str = "all"
) -> Outcome:
    """Run the tests that lie under `root`, in a process that sees only `root`."""
    argv = [sys.executable, "-B", "-c", CHILD, params.tests, pattern, patience]
    # One thread each: two processes run at once, and small arrays gain nothing.
    # And never optimised: that would take the asserts out of the tests.
    said = {"PYTHONPATH": str(root), "OPENBLAS_NUM_THREADS": "1", "PYTHONOPTIMIZE": ""}
    ended = subprocess.run(
        argv,
        cwd=root,
        env={**os.environ, **said},
        capture_output=True,
        text=True,
        timeout=params.timeout_s,
        check=False,
    )
    if ended.returncode != 0:
        message = f"the tests under {params.tests!r} could not be run\n{ended.stderr}"
        raise RuntimeError(message)
    return Outcome(**json.loads(ended.stdout.splitlines()[-1]))
