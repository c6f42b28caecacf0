"""What a data set costs on its way to a box: beside bare rsync, and after a cut.

rsync rides the same connection as we do, and goes in turns with us. It neither waits
for the disk nor reads again what it wrote; both are told apart here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.measure import Timing, in_turns, paired_ratio
from pipeline.schema import Host as Named
from remote import hosts
from tests.laptop import Laptop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab import Host, Lab

Rows = list[tuple[str, str, str]]

LARGE, SIZE, MANY = 8, 250_000_000, 20_000
TEXT = """\
name: sets
hosts:
  gpu: {{ssh: {alias}, config: {config}}}
data:
  large: {{path: data/large, gpu: ~/sets/large}}
  many: {{path: data/many, gpu: ~/sets/many}}
  one: {{path: data/one, gpu: ~/sets/one}}
stages: {{a: {{sh: ':'}}}}
"""


def bench(place: Path, lab: Lab, *, rounds: int) -> Rows:
    """Push large files, many small ones, and one that is cut at its half."""
    with lab.host(f"data{lab.made}", shaped=True) as box:
        laptop = Laptop(place / "data")
        text = TEXT.format(alias=box.name, config=lab.ssh_config)
        laptop.write("pipeline.yaml", text)
        laptop.write(".gitignore", "data/\n")
        laptop.commit()
        _fill(laptop.repo / "data")
        rows = _beside(laptop, box, lab, "large", rounds=rounds)
        rows += _beside(laptop, box, lab, "many", rounds=rounds)
        return [*rows, *_cut(laptop, box)]


def _fill(data: Path) -> None:
    for name in ("large", "many"):
        (data / name).mkdir(parents=True)
    for number in range(LARGE):
        _write(data / "large" / f"{number}.h5", SIZE)
    _write(data / "one", 4 * SIZE)
    for number in range(MANY):
        folder = data / "many" / str(number % 100)
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_bytes(os.urandom(500 + number % 3000))
    os.sync()


def _write(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size // 1_000_000):
            file.write(os.urandom(1_000_000))


def _beside(laptop: Laptop, box: Host, lab: Lab, name: str, *, rounds: int) -> Rows:
    """Push a set in turns with rsync."""
    host = Named(name="gpu", ssh=box.name, config=str(lab.ssh_config))
    link = hosts.link_to(host)
    source = f"{laptop.repo}/data/{name}/"
    theirs = [
        *("rsync", "-rt", *link.rsync_flags()),
        source,
        link.rsync_source("bare/"),
    ]
    sending: list[float] = []

    def they() -> None:
        box.exec("rm -rf ~/bare; sync")
        subprocess.run(theirs, check=True)

    def we() -> None:
        box.exec("rm -rf ~/sets; sync")
        said = laptop.pipeline(
            "data", "push", name, "--host", "gpu", "--json", timeout_s=600
        )
        sending.append(float(json.loads(said)["sets"][0]["took_s"]))

    laptop.pipeline("data", "status", "--host", "gpu")
    found = in_turns({"theirs": they, "ours": we}, rounds=rounds)
    files = f"{LARGE} files, 2 GB" if name == "large" else f"{MANY:,} small files"
    whole = paired_ratio(found["ours"], found["theirs"])
    sent = paired_ratio(Timing(tuple(sending)), found["theirs"])
    said = f"{whole:.2f} x bare rsync {found['theirs']}; the sending alone {sent:.2f} x"
    return [(f"data push: {files}, on disk and verified", str(found["ours"]), said)]


def _cut(laptop: Laptop, box: Host) -> Rows:
    """Kill a push of 1 GB at its half, and push again."""
    pushing = laptop.spawn("data", "push", "one", "--host", "gpu")
    size = "du -cB1 ~/sets/.one*/* 2>/dev/null | tail -n 1 | cut -f 1"
    while int(box.exec(size) or 0) < 2 * SIZE:
        time.sleep(0.02)
    os.killpg(pushing.pid, signal.SIGKILL)
    pushing.communicate()
    time.sleep(2)
    said = laptop.pipeline(
        "data", "push", "one", "--host", "gpu", "--json", timeout_s=600
    )
    sent = json.loads(said)["sets"][0]["sent"]
    shutil.rmtree(laptop.repo / "data")
    return [
        ("data push: 1 GB, cut at its half: sent again", f"{sent / 1e6:.0f} MB", "")
    ]
