"""What of an environment matters to a reader: Python, and what the stages import."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pipeline.schema import Resolved

# Modules that are called otherwise than the package they come in.
_PACKAGES = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
}
# Numbers hang on these, even where a stage gets at them through another package.
_ALWAYS = ("numpy", "scipy", "torch", "jax", "tensorflow", "scikit-learn", "pandas")
_MOST = 40


class Environs(NamedTuple):
    """Words about it, the packages that matter, and how many others there are."""

    rows: tuple[tuple[str, str], ...]
    packages: tuple[tuple[str, str], ...]
    others: int


def read(environment: Mapping[str, Any], plan: Resolved) -> Environs:
    """Choose what matters of environment.json."""
    said = {
        "Python": environment.get("python"),
        "platform": environment.get("platform"),
        "made by": environment.get("title") or environment.get("kind"),
    }
    rows = [(name, str(value)) for name, value in said.items() if value]
    if rows:
        on_gpu = [stage.name for stage in plan.pipeline.stages if stage.gpus]
        rows.append(("device", f"cuda for {', '.join(on_gpu)}" if on_gpu else "cpu"))
    found = environment.get("packages")
    packages = found if isinstance(found, Mapping) else {}
    modules = {name for code in plan.codes.values() for name in code.needs}
    wanted = {_called(_PACKAGES.get(name, name)) for name in (*modules, *_ALWAYS)}
    some = [(n, str(v)) for n, v in sorted(packages.items()) if _called(n) in wanted]
    shown = tuple(some[:_MOST])
    return Environs(tuple(rows), shown, len(packages) - len(shown))


def _called(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
