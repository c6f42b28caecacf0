"""A network cable in user space: delay, jitter, loss and rate between two tap devices.

The kernel of a test machine may have no netem, so frames are carried by this program:
from the host's eth0 to the tap on the lab's bridge, and back. It runs inside the host's
network namespace as a process of its own (`cable.py` starts it, by its path) and uses
the standard library only. It takes one `Shape` a line on stdin, as JSON, and answers
"ok"; when stdin ends the cable is unplugged.
"""

from __future__ import annotations

import collections
import contextlib
import fcntl
import json
import os
import random
import select
import struct
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_QUEUE = 1000  # frames under way in each direction; the next one is lost
LONGEST_FRAME = 70_000
FRAMES_A_TURN = 64  # so that a flood in one direction cannot starve the other

_TUNSETIFF, _TUNSETOFFLOAD = 0x400454CA, 0x400454D0
_IFF_TAP, _IFF_NO_PI, _IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
_TUN_F_CSUM, _TUN_F_TSO4, _TUN_F_TSO6 = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How a cable treats frames; as it stands here, ideally. `delay_ms` is each way.

    `drop` is a pulled plug: none, in (towards the host), out, or both; ARP goes too.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    rate_mbit: float = 0.0
    drop: str = "none"

    def drops(self, direction: str) -> bool:
        """Tell whether a frame going that way is lost; a matter of luck with `loss`."""
        if self.drop in (direction, "both"):
            return True
        return self.loss > 0 and random.random() < self.loss

    def delay_s(self) -> float:
        """Give how long the next frame is under way."""
        return (self.delay_ms + random.random() * self.jitter_ms) / 1e3

    def serialization_s(self, frame: bytes) -> float:
        """Give how long the wire is busy with `frame`."""
        return len(frame) * 8 / (self.rate_mbit * 1e6) if self.rate_mbit else 0.0


class Lane:
    """One direction of the cable, and the frames that are under way in it."""

    def __init__(self, source: int, sink: int, direction: str) -> None:
        self._source, self._sink, self._direction = source, sink, direction
        self._under_way: collections.deque[tuple[float, bytes]] = collections.deque()
        self._wire_free_at = 0.0

    @property
    def due_at(self) -> float | None:
        """The instant at which the next frame arrives."""
        return self._under_way[0][0] if self._under_way else None

    def accept(self, shape: Shape) -> None:
        """Take what has come in at the source."""
        for _ in range(FRAMES_A_TURN):
            try:
                frame = os.read(self._source, LONGEST_FRAME)
            except BlockingIOError:
                return
            if len(self._under_way) < LONGEST_QUEUE and not shape.drops(
                self._direction
            ):
                self._under_way.append((self._arrival(frame, shape), frame))

    def _arrival(self, frame: bytes, shape: Shape) -> float:
        now = time.monotonic()
        busy_s = shape.serialization_s(frame)
        self._wire_free_at = max(self._wire_free_at, now) + busy_s
        arrival = self._wire_free_at + shape.delay_s()
        # Jitter never reorders: no frame overtakes the one before it.
        return max(arrival, self._under_way[-1][0]) if self._under_way else arrival

    def deliver(self) -> None:
        """Hand over the frames that are due."""
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, frame = self._under_way.popleft()
            with contextlib.suppress(OSError):  # that end is down: lost, as on a wire
                os.write(self._sink, frame)


def open_tap(name: str) -> int:
    """Make the tap device `name` in this network namespace; closing it removes it."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = _IFF_TAP | _IFF_NO_PI | _IFF_VNET_HDR
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    # With these offloads frames of up to 64 KiB pass whole: 5 Gbit/s, in Python.
    fcntl.ioctl(tap, _TUNSETOFFLOAD, _TUN_F_CSUM | _TUN_F_TSO4 | _TUN_F_TSO6)
    return tap


def carry(host_end: int, bridge_end: int) -> None:
    """Carry frames between two taps until stdin ends."""
    lanes = {
        host_end: Lane(host_end, bridge_end, "out"),
        bridge_end: Lane(bridge_end, host_end, "in"),
    }
    shape = Shape()
    commands = sys.stdin.fileno()
    with select.epoll() as poll:
        for end in (*lanes, commands):
            poll.register(end, select.EPOLLIN)
        while True:
            for end, _ in poll.poll(_pause_s(lanes.values())):
                if end in lanes:
                    lanes[end].accept(shape)
                    continue
                # At most one command is ever under way: the other side waits for "ok".
                line = sys.stdin.readline()
                if not line:
                    return
                shape = Shape(**json.loads(line))
                print("ok", flush=True)
            for lane in lanes.values():
                lane.deliver()


def _pause_s(lanes: Iterable[Lane]) -> float | None:
    due = [lane.due_at for lane in lanes if lane.due_at is not None]
    return max(0.0, min(due) - time.monotonic()) if due else None


def main(bridge_end: int) -> None:
    """Make the host's eth0 here, and carry until the owner is gone."""
    host_end = open_tap("eth0")
    print("ready", flush=True)
    carry(host_end, bridge_end)


if __name__ == "__main__":
    main(int(sys.argv[1]))
