"""A chain of 50 no-op shell stages, a commit each, against bash with `git commit`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from benchmarks.measure import Timing, in_turns, paired_ratio
from pipeline.progress import span_s
from tests.laptop import Laptop

STAGES = 50
BASH = """\
rm -rf loop && mkdir loop && cd loop && git init -q
git config user.name a && git config user.email a@b
for i in $(seq 50); do
  sh -c true; echo $i >f$i; git add -A; git commit -q -m "s$i"
done
"""


def chain_text(count: int) -> str:
    """Declare `count` stages, each after the one before."""
    lines = ["name: chain", "stages:", "  s0: {sh: 'true'}"]
    lines += [f"  s{i}: {{sh: 'true', after: [s{i - 1}]}}" for i in range(1, count)]
    return "\n".join(lines) + "\n"


def bench(place: Path, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure the whole command, and the runner by its own story."""
    name = f"{STAGES} stages, `pipeline run` whole"
    return beside_bash(place, chain_text(STAGES), name, rounds=rounds)


def beside_bash(
    place: Path, text: str, name: str, *said: str, rounds: int
) -> list[tuple[str, str, str]]:
    """Measure a run of the pipeline `text`, in turns with the loop in bash."""
    laptop = Laptop(place / text.split(maxsplit=2)[1])
    laptop.write("pipeline.yaml", text)
    laptop.commit()
    spans: list[float] = []

    def run() -> None:
        laptop.pipeline("run", "--force", *said)
        story = laptop.events()
        spans.append(span_s(str(story[0]["at"]), str(story[-1]["at"])))

    def loop() -> None:
        subprocess.run(
            ["bash", "-e", "-c", BASH], cwd=place, env=laptop.env, check=True
        )

    run()
    spans.clear()
    found = in_turns({"run": run, "bash": loop}, rounds=rounds)
    whole, bash, walk = found["run"], found["bash"], Timing(tuple(spans))
    ratio, inner = paired_ratio(whole, bash), paired_ratio(walk, bash)
    return [
        (name, str(whole), f"{ratio:.2f} x bash (at most 1.5)"),
        ("the same, first to last event", str(walk), f"{inner:.2f} x bash"),
        ("bash loop with git commit", str(bash), "1"),
    ]
