"""A repository whose stages are known to the byte: what a run must execute and make.

`World` is what the repository says now. From it follows, without running anything, what
each stage must make (`outputs`) and by what it is known (`keys`).
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.laptop import Laptop

STAGES = ("base", "mod", "last")
PIPELINE = """\
name: history
params: {{seed: 3}}
git: {{max_file: 4kB}}
env: {{python: {python}}}
stages:
  base:
    sh: sh scripts/base.sh {{width}}
    code: [scripts]
    params: {{width: {width}}}
    outputs: [base.txt, large.bin]
  mod:
    run: stages.mod
    params: {{times: {times}}}
    inputs: [base/base.txt, base/large.bin]
    outputs: [mod.txt]
    gates: [score >= {threshold}]
  last:
    sh: |
      echo last >> "$COUNTER"
      cat {{mod/mod.txt}} plain.txt > $OUT/last.txt
    outputs: [last.txt]
"""
BASE = """\
echo base >> "$COUNTER"
echo "base $1 {script}" > $OUT/base.txt
yes "base $1 {script}" | head -c 20000 > $OUT/large.bin
"""
MOD = """\
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lib.near import NEAR

CODE = {code}


@dataclass(frozen=True)
class Params:
    times: int = 1


def run(params, ctx):
    with open(os.environ["COUNTER"], "a") as file:
        file.write("mod\\n")
    large = ctx.input("base/large.bin").read_bytes()
    said = [ctx.input("base/base.txt").read_text(), hashlib.sha256(large).hexdigest()]
    said += [Path("conf/conf.txt").read_text(), NEAR, CODE]
    extra = Path("conf/extra.txt")
    if extra.exists():
        said.append(extra.read_text())
    with ctx.output("mod.txt") as path:
        path.write_text(repr((said, params.times)))
    ctx.metric(score=params.times)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the repository says: versions of its files, params, and the gate."""

    width: int = 1
    times: int = 1
    threshold: int = 0
    script: int = 0
    code: int = 0
    near: int = 0
    conf: int = 0
    extra: int = 0  # 0: there is no such file
    plain: int = 0
    readme: int = 0

    def write(self, laptop: Laptop) -> None:
        """Write the files of the repository."""
        # A bare Python: with all that the tests' own has, each start takes longer.
        bare = str(Path(sys.base_prefix, "bin", "python3"))
        text = PIPELINE.format(
            python=bare,
            width=self.width,
            times=self.times,
            threshold=self.threshold,
        )
        laptop.write("pipeline.yaml", text)
        laptop.write("scripts/base.sh", BASE.format(script=self.script))
        laptop.write("stages/__init__.py", "")
        laptop.write("stages/mod.py", MOD.format(code=self.code))
        laptop.write("lib/__init__.py", "")
        laptop.write("lib/near.py", f"NEAR = {self.near}\n")
        laptop.write("conf/conf.txt", f"conf {self.conf}\n")
        laptop.write("conf/extra.txt", f"extra {self.extra}\n")
        if not self.extra:
            (laptop.repo / "conf/extra.txt").unlink()
        laptop.write("plain.txt", f"plain {self.plain}\n")
        laptop.write("README.md", f"readme {self.readme}\n")

    @property
    def base(self) -> str:
        """What `base` writes into base.txt."""
        return f"base {self.width} {self.script}\n"

    @property
    def large(self) -> str:
        """The sha256 of large.bin."""
        data = (self.base * 20000)[:20000]
        return hashlib.sha256(data.encode()).hexdigest()

    @property
    def mod(self) -> str:
        """What `mod` writes into mod.txt."""
        said = [self.base, self.large, f"conf {self.conf}\n", self.near, self.code]
        if self.extra:
            said.append(f"extra {self.extra}\n")
        return repr((said, self.times))

    def outputs(self) -> dict[str, str]:
        """Give what each stage writes into its text file."""
        last = f"{self.mod}plain {self.plain}\n"
        return {"base": self.base, "mod": self.mod, "last": last}

    def keys(self) -> dict[str, tuple[object, ...]]:
        """Give what each stage is known by: equal keys, and only those, are reused."""
        code = (self.script, self.code, self.near, self.conf, self.extra, self.plain)
        return {
            "base": (self.width, self.script),
            "mod": (self.base, self.conf, self.near, self.code, self.extra, self.times),
            "last": (self.mod, *code),
        }

    def passes(self) -> bool:
        """Tell whether the gate of `mod` lets `last` run."""
        return self.times >= self.threshold
