"""What a box behind a line costs: time to the first process, an event's way home.

The line is the lab's own cable, at 0 and at 100 ms there and back.
"""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.measure import Timing, percentile, wall
from pipeline import schema
from pipeline.clock import parse_stamp
from remote import hosts
from remote.links.openssh import OpenSsh
from tests.lab import Host, Lab
from tests.laptop import Laptop

TEXT = """\
name: link
heartbeat: {{every: 1s}}
stages:
  a: {{sh: "date +%s.%N > $OUT/began; for i in $(seq {ticks}); do
    echo \\"::progress $i/{ticks}\\"; sleep 0.7; done", outputs: [began]}}
"""


def bench(place: Path, lab: Lab, *, rounds: int) -> list[tuple[str, str, str]]:
    """Measure both at each delay, on a box that has seen the project before."""
    rows = []
    for rtt_ms in (0, 100):
        with lab.host(f"bench{lab.made}", shaped=True) as box:
            laptop = _laptop(place / f"link{rtt_ms}", box, lab)
            laptop.pipeline("run", "--host", "gpu", timeout_s=120)
            box.shape(delay_ms=rtt_ms / 2)
            rows += _to_first_process(laptop, box, lab, rtt_ms=rtt_ms, rounds=rounds)
            rows += _event_home(laptop, rtt_ms)
            rows += _doctor(laptop, box, lab, rtt_ms=rtt_ms, rounds=rounds)
    return rows


def _laptop(place: Path, box: Host, lab: Lab) -> Laptop:
    laptop = Laptop(place)
    hosts = f"hosts:\n  gpu: {{ssh: {box.name}, config: {lab.ssh_config}}}\n"
    laptop.write("pipeline.yaml", TEXT.format(ticks=1) + hosts)
    laptop.commit()
    return laptop


def _to_first_process(
    laptop: Laptop, box: Host, lab: Lab, *, rtt_ms: int, rounds: int
) -> list[tuple[str, str, str]]:
    """From the command to the first stage's process; laptop and box share a clock."""
    cold, warm = [], []
    for turn in range(rounds):
        laptop.write("changed.txt", f"{turn}")
        _forget_connection(box, lab)
        cold.append(_began_after(laptop, box))
        warm.append(_began_after(laptop, box))
    limit = 1.5 + 6 * rtt_ms / 1000
    said = f"at most {limit:.1f} s"
    name = f"command to first process, {rtt_ms} ms"
    return [
        (f"{name}, new connection", str(Timing(tuple(cold))), said),
        (f"{name}, connection kept", str(Timing(tuple(warm))), said),
    ]


def _doctor(
    laptop: Laptop, box: Host, lab: Lab, *, rtt_ms: int, rounds: int
) -> list[tuple[str, str, str]]:
    """Beside a login, which alone takes ssh some twelve round trips."""
    cold, warm = [], []
    for _ in range(rounds):
        _forget_connection(box, lab)
        cold.append(wall(lambda: laptop.pipeline("doctor", "--host", "gpu")))
        warm.append(wall(lambda: laptop.pipeline("doctor", "--host", "gpu")))
    name = f"`doctor --host`, {rtt_ms} ms"
    return [
        (f"{name}, new connection", str(Timing(tuple(cold))), ""),
        (f"{name}, connection kept", str(Timing(tuple(warm))), "at most 8 round trips"),
    ]


def _forget_connection(box: Host, lab: Lab) -> None:
    host = schema.Host(name="gpu", ssh=box.name, config=str(lab.ssh_config))
    link = hosts.link_to(host)
    assert isinstance(link, OpenSsh)
    link.disconnect()


def _began_after(laptop: Laptop, box: Host) -> float:
    begun = time.time()
    again = ("--force", "--detach")
    laptop.pipeline("run", "--host", "gpu", *again, timeout_s=120)
    wanted = f"cat ~/.pipeline/*/runs/{laptop.run_id}/attempts/a.1/out/began"
    wanted += f" || cat ~/.pipeline/*/runs/{laptop.run_id}/tree/artifacts/a/began"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if said := box.exec(f"{wanted} 2>/dev/null || :").strip():
            return float(said) - begun
        time.sleep(0.05)
    raise AssertionError("the first stage never began")


def _event_home(laptop: Laptop, rtt_ms: int) -> list[tuple[str, str, str]]:
    """From an event's own stamp to the moment its line is in the laptop's file."""
    text = (laptop.repo / "pipeline.yaml").read_text()
    longer = text.replace("seq 1)", "seq 40)").replace("/1", "/40")
    laptop.write("pipeline.yaml", longer)
    watcher = laptop.spawn("run", "--host", "gpu")
    ages: list[float] = []
    size, seen_run = 0, ""
    while watcher.poll() is None:
        time.sleep(0.005)
        try:
            path = laptop.results / "events.jsonl"
            data = path.read_bytes()
        except (OSError, ValueError):
            continue
        if seen_run != laptop.run_id:
            size, seen_run = 0, laptop.run_id
        if len(data) > size:
            now = time.time()
            ages += [now - _at(line) for line in data[size:].splitlines()]
            size = len(data)
    watcher.communicate()
    p95 = percentile(ages[2:], 0.95)
    limit = 0.5 + rtt_ms / 1000
    name = f"event to the laptop's file, p95 of {len(ages) - 2}, {rtt_ms} ms"
    return [(name, f"{p95:.3f} s", f"at most {limit:.1f} s")]


def _at(line: bytes) -> float:
    stamp = line.split(b'"at":"')[1].split(b'"')[0].decode()
    return parse_stamp(stamp).timestamp()
