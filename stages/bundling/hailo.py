"""A HEF, where Hailo's compiler is; nothing in its place where it is not."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

from pipeline.bundles.contents import HEF, HOOK
from pipeline.bundles.manifest import Claim

COMPILER = "hailo_sdk_client"
NOT_RUN = "compiled, not run here: a HEF runs on its chip alone"
MISSING = f"no HEF: Hailo's compiler is not here; see {HOOK}"


def compiled(bundle: Path) -> Claim:
    """Compile the encoder of a bundle; say what came of it."""
    if importlib.util.find_spec(COMPILER) is None:
        return Claim(state="pending", said=MISSING)
    argv = [sys.executable, str(bundle / HOOK), str(bundle / HEF)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode or not (bundle / HEF).is_file():
        (bundle / HEF).unlink(missing_ok=True)
        last = (done.stderr.strip().splitlines() or ["it made none"])[-1]
        return Claim(state="pending", said=f"no HEF: the compiler failed: {last[:200]}")
    return Claim(state="compiled", said=NOT_RUN)
