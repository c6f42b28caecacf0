"""Capture the evidence of test-driven development: red, then green, then refactor.

red: the tests are there and each of them fails, the code not being written yet; a file
of tests that cannot be imported fails as a whole. green: each passes. refactor: each
passes still, and they are those of green. What is so is written to
artifacts/tdd_<name>_<phase>.txt; what is not is said, test by test, nothing is written,
and the code is 3.

The tests run in a copy of the worktree, changes and new files included, with pytest.
With --target, red is proved of code that is there: its functions are emptied in the
copy, and every test, which must pass before, must fail then. The stage tdd_gate does
the same in a run.

Without --tests they are those of the stage tdd_gate in pipeline.yaml, and the name is
the pipeline's; else it is that of the file of tests.

Examples:
  pipeline tdd red --tests tests/test_evaluation.py      writes tdd_evaluation_red.txt
  pipeline tdd green --tests tests/test_evaluation.py    once the code is written
  pipeline tdd refactor --tests tests/test_evaluation.py
  pipeline tdd red --tests tests/test_loss.py --target models/loss.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline import layout
from pipeline.errors import DONE, SpecError
from pipeline.tdd import claim, phases
from pipeline.tdd.bench import Bench, bench

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from pipeline.layout import LaptopPaths
    from pipeline.schema import Pipeline
    from pipeline.tdd.claim import Claim

_GATE = "tdd_gate"


class _Defaults(NamedTuple):
    """What pipeline.yaml says where the command line does not."""

    name: str
    python: str
    params: Mapping[str, Any]
    profile: str

    def of(self, param: str) -> tuple[str, ...]:
        """Give a list of the gate's params; none where it has no such."""
        said = self.params.get(param, ())
        return claim.of_profile(said, self.profile, param)


def do(args: Namespace, paths: LaptopPaths) -> int:
    """Capture one phase."""
    found = _defaults(paths)
    claimed = _claim(args, paths.root, found)
    name = args.name or _name(args.tests, found.name or paths.root.name)
    if not layout.is_safe_name(name):
        message = f"{name!r} cannot be part of a file's name"
        raise SpecError(message, hint="name it: --name NAME, of letters and digits")
    path = paths.artifacts / f"tdd_{name}_{args.phase}.txt"
    before = paths.artifacts / f"tdd_{name}_green.txt"
    python = args.python or found.python
    with bench(_tell, python=python) as place:
        captured = _capture(args, claimed, place, before)
    _tell(0, 0)
    if captured.against and args.phase != "red":
        print(captured.text, end="")
    phases.keep(captured, args.phase, path)
    print(f"wrote artifacts/{path.name}: {captured.summary}")
    print(f"  to keep it in git: git add --force artifacts/{path.name}")
    return DONE


def _capture(
    args: Namespace, claimed: Claim, place: Bench, before: Path
) -> phases.Captured:
    if args.phase == "refactor":
        return phases.refactor(claimed, place, before)
    if args.phase == "green":
        return phases.green(claimed, place)
    if args.target:
        return phases.red_emptied(claimed, place)
    return phases.red(claimed, place)


def _defaults(paths: LaptopPaths) -> _Defaults:
    """Read what pipeline.yaml says of the gate; there need not be one."""
    from pipeline.reading import spec

    if not paths.pipeline_file.is_file():
        return _Defaults("", "", {}, "")
    pipeline = spec.load(paths.pipeline_file)
    gate = [stage for stage in pipeline.stages if stage.name == _GATE]
    params = gate[0].params if gate else {}
    profile = params.get("profile", pipeline.params.get("profile", ""))
    return _Defaults(pipeline.name, _python(pipeline, paths), params, str(profile))


def _python(pipeline: Pipeline, paths: LaptopPaths) -> str:
    """Give the Python that pipeline.yaml names for this machine, if it does."""
    python = str(Path(pipeline.env.python).expanduser()) if pipeline.env.python else ""
    return str(paths.root / python) if "/" in python else python


def _claim(args: Namespace, root: Path, found: _Defaults) -> Claim:
    tests = [_from_root(one, root) for one in args.tests]
    target = [_from_root(one, root) for one in args.target]
    if not (target or tests):  # the code may not be written yet
        target = [one for one in found.of("target") if (root / one).exists()]
    marks = found.params.get("marks", "") if args.marks is None else args.marks
    return claim.claimed(
        root,
        tests or found.of("tests"),
        target,
        marks=marks,
        limit_s=found.params.get("timeout_s", 60.0),
    )


def _from_root(said: str, root: Path) -> str:
    """Turn a path as it was typed into one from where pipeline.yaml lies."""
    path, colons, name = said.partition("::")
    return os.path.relpath(Path.cwd() / path, root) + colons + name


def _name(tests: Sequence[str], pipeline: str) -> str:
    """Name evidence by the file of tests that was named; else by the pipeline."""
    one = {Path(claim.path_of(test)).stem.removeprefix("test_") for test in tests}
    return one.pop() if len(one) == 1 else pipeline


def _tell(done: int, total: int) -> None:
    """Say how far it is, to a person."""
    if sys.stderr.isatty():
        said = f"{done}/{total} tests" if total else ""
        print(f"\r\x1b[K{said}", end="", file=sys.stderr, flush=True)
