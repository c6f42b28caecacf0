"""A laptop with a box behind a real sshd, and a run there that takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.laptop import Laptop

if TYPE_CHECKING:
    from tests.lab import Host, Lab

SLOW = """\
name: slow
params: {seed: 3}
heartbeat: {every: 1s}
stages:
  quick:
    sh: echo quick > $OUT/quick.txt
    outputs: [quick.txt]
  slow:
    after: [quick]
    outputs: [slow.txt]
    sh: |
      i=0
      while [ $i -lt {ticks} ]; do
        i=$((i + 1)); echo "line $i"; echo "::progress $i/{ticks} loss=0.$i"; sleep 0.1
      done
      echo slow > $OUT/slow.txt
    params: {ticks: 60}
"""


class Remote(Laptop):
    """A laptop with a box."""

    def on(
        self,
        box: Host,
        lab: Lab,
        text: str,
        *,
        user: str = "root",
        python: str = "",
    ) -> Remote:
        """Declare `box` as the host `gpu`, to be logged in to as `user`."""
        alias = box.name if user == "root" else f"{box.name}-{user}"
        keys = f"ssh: {alias}, config: {lab.ssh_config}"
        if python:
            keys += f", python: {python}"
        hosts = f"hosts:\n  gpu: {{{keys}}}\n"
        self.write("pipeline.yaml", text + hosts)
        self.commit("a pipeline with a host")
        return self


def results_on(box: Host, run: str, user: str = "root") -> str:
    """Find the run's results folder on the box."""
    found = box.exec(f"echo ~/.pipeline/*/runs/{run}/tree/results", user=user)
    return found.strip()


def read_on(box: Host, path: str) -> str:
    """Read a file of the box, past the network."""
    return box.exec(f"cat {path}")


def remote_log_size(laptop: Laptop) -> int:
    """How much of the slow stage's log is here."""
    try:
        return (laptop.results / "slow" / "stage.log").stat().st_size
    except (FileNotFoundError, ValueError):
        return 0
