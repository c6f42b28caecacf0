"""A laptop on which bundles are taken, verified, listed, cleared and archived."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.laptop import Laptop

PIPELINE = """\
name: x
stages:
  export:
    sh: |
      cp -r src/. $OUT/
      echo "$PIPELINE_COMMIT" > $RESULTS/commit.txt
      printf '{"parity":0}' > $RESULTS/metrics.json
    outputs: [bundle.json]
    gates: [parity <= LEAST]
"""


class Packing:
    """A laptop whose one stage makes the small bundle."""

    def __init__(self, laptop: Laptop, made: Path) -> None:
        """Put the bundle into the repository."""
        self.laptop, self.hash = laptop, made.name
        self.shelf = laptop.repo / "artifacts" / "bundles"
        self.folder = self.shelf / made.name
        shutil.copytree(made.parent, laptop.repo / "src")
        # Many tests run side by side on few cores.
        laptop.env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

    def run(self, least: str = "1", code: int = 0) -> None:
        """Run it once."""
        self.laptop.write("pipeline.yaml", PIPELINE.replace("LEAST", least))
        self.laptop.commit("x")
        self.laptop.pipeline("run", code=code)

    def put(self, *names: str) -> None:
        """Put copies onto the shelf, each older than the next, without a run."""
        self.laptop.write("pipeline.yaml", PIPELINE)
        for at, name in enumerate(names):
            shutil.copytree(self.laptop.repo / "src" / self.hash, self.shelf / name)
            os.utime(self.shelf / name, (at, at))

    def pack(self, *args: str, code: int = 0) -> str:
        """Type it."""
        return self.laptop.pipeline("pack", *args, code=code)


@pytest.fixture
def packing(laptop: Laptop, made: Path) -> Packing:
    """One laptop."""
    return Packing(laptop, made)
