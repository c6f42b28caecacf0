"""Check an environment before a GPU's time is spent: what stages import, and CUDA.

One process of the environment's own Python is asked. Modules are looked for, and not
imported; only torch is, and only where a stage with a GPU imports it.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

from pipeline import codec, supervise
from pipeline.environments import packages
from pipeline.errors import HostError
from pipeline.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from pipeline.clock import Clock
    from pipeline.environments.environment import Environment

_PATIENCE_S = 180.0  # torch from a slow disk
_ASK_S = 20.0
_PROBE = """\
import importlib.util, json, sys
paths, names, wants_cuda = json.loads(sys.argv[2])
sys.path[0:1] = paths
missing, torch_says = [], None
for name in names:
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, AttributeError, ValueError):
        found = None
    if found is None:
        missing.append(name)
if wants_cuda and "torch" not in missing:
    try:
        import torch
        torch_says = {"version": str(torch.__version__),
                      "cuda": str(torch.version.cuda or ""),
                      "is_available": bool(torch.cuda.is_available())}
    except Exception as error:
        torch_says = {"error": type(error).__name__ + ": " + str(error)}
print("\\n" + sys.argv[1] + json.dumps({"missing": missing, "torch": torch_says}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Torch:
    """What torch said of itself, or why it could not."""

    version: str = ""
    cuda: str = ""
    is_available: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the environment's Python answered."""

    missing: tuple[str, ...] = ()
    torch: _Torch | None = None


def check(
    environment: Environment,
    *,
    imports: Mapping[str, Collection[str]],
    on_gpu: Collection[str],
    paths: Sequence[Path],
    clock: Clock,
) -> None:
    """Raise HostError when a stage could not even begin in this environment.

    imports: for each stage that will run, the modules it imports from outside of the
    snapshot, by their first names. on_gpu: the stages with `gpus`. paths: the folders
    of the worktree that come first on their import path; the first is where they run.
    """
    names = sorted({name for wanted in imports.values() for name in wanted})
    cuda = [s for s, wanted in imports.items() if s in on_gpu and "torch" in wanted]
    if not names:
        return
    found = _ask(environment, names, paths, wants_cuda=bool(cuda), clock=clock)
    if found.missing:
        raise _lacking(environment, imports, found.missing)
    if found.torch is not None and not found.torch.is_available:
        raise _no_cuda(environment, cuda[0], found.torch)


def _ask(
    environment: Environment,
    names: Sequence[str],
    paths: Sequence[Path],
    *,
    wants_cuda: bool,
    clock: Clock,
) -> _Found:
    said = bytearray()
    until = clock.monotonic() + _PATIENCE_S
    asked = json.dumps([[str(path) for path in paths], names, wants_cuda])
    code = supervise.run_told(
        [environment.python, "-c", _PROBE, packages.MARK, asked],
        cwd=paths[0],
        environment=environment.over(os.environ),
        hear=said.extend,
        is_stopping=lambda: clock.monotonic() > until,
    )
    lines = said.decode("utf-8", "replace").splitlines()
    answer = packages.answer_in(lines)
    if answer is not None:
        return codec.loads(_Found, answer, what="what an environment has")
    is_late = clock.monotonic() > until
    how = f"did not answer in {_PATIENCE_S:g} s" if is_late else f"ended in {code}"
    message = f"environment {environment.title}: its Python {how} when it was checked"
    raise HostError(message, hint="\n".join(lines[-8:]) or "it said nothing")


def _lacking(
    environment: Environment,
    imports: Mapping[str, Collection[str]],
    missing: Sequence[str],
) -> HostError:
    """Name every stage and module that do not go together."""
    pairs = [
        f"stage {stage!r} imports {name!r}"
        for stage, wanted in imports.items()
        for name in missing
        if name in wanted
    ]
    first, *others = pairs
    message = f"{first}, which the environment {environment.title} does not have"
    also = [f"likewise: {pair}" for pair in others]
    return HostError(message, hint="\n".join([*also, _remedy(environment, missing[0])]))


def _remedy(environment: Environment, name: str) -> str:
    if environment.kind == "lock":
        return f"add what has {name!r} to {environment.title}"
    if environment.kind == "setup":
        return f"add a command that installs {name!r} to env.setup"
    if environment.kind == "conda":
        return f"install it there: conda install -n {environment.title} {name}"
    told = f"install it there: {environment.python} -m pip install {name}"
    return told + "\nor name what the stages need: env: {lock: requirements.lock}"


def _no_cuda(environment: Environment, stage: str, torch: _Torch) -> HostError:
    """Say why torch has no GPU, as far as it can be told."""
    head = f"stage {stage!r} wants a GPU, and torch of environment {environment.title}"
    if torch.error:
        return HostError(f"{head} cannot be imported", hint=torch.error)
    if not torch.cuda:
        hint = "install a torch that is built for CUDA: it says +cu in its version"
        return HostError(f"{head} ({torch.version}) is built for CPUs only", hint=hint)
    driver, knows = _driver()
    built = f"{head} ({torch.version}, for CUDA {torch.cuda})"
    if not driver:
        hint = "this machine has no NVIDIA driver that answers: try nvidia-smi there"
        return HostError(f"{built} finds none", hint=hint)
    if knows and _major(knows) < _major(torch.cuda):
        message = f"{built} is too new for driver {driver}, which knows CUDA {knows}"
        hint = f"install a torch for CUDA {knows} or older, or a newer driver"
        return HostError(message, hint=hint)
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    also = f"\nCUDA_VISIBLE_DEVICES is {hidden!r}" if hidden is not None else ""
    hint = f"the driver is {driver}, and knows CUDA {knows or '?'}{also}"
    return HostError(f"{built} finds none", hint=hint)


def _major(version: str) -> int:
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0


def _driver() -> tuple[str, str]:
    """Give the version of the NVIDIA driver, and of the newest CUDA it knows."""
    query = ("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    driver = supervise.listen(query, timeout_s=_ASK_S).strip().partition("\n")[0]
    banner = supervise.listen(("nvidia-smi",), timeout_s=_ASK_S)
    knows = re.search(r"CUDA Version:\s*([\d.]+)", banner)
    return driver.strip(), knows[1] if knows else ""
