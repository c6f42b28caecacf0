"""The runner's heartbeat: a thread that writes HEARTBEAT.txt, whatever else goes on."""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import files, supervise
from pipeline.clock import stamp
from pipeline.pulse import Pulse, beat_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.clock import Clock

_GPU_QUERY = (
    "nvidia-smi",
    "--query-gpu=index,utilization.gpu,memory.used,memory.total,temperature.gpu",
    "--format=csv,noheader,nounits",
)


class Heart:
    """Beats every so often, from its start until it is closed."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        every_s: float,
        run: str,
        told: Callable[[], tuple[Sequence[str], float, str]],
    ) -> None:
        """Beat into `path`.

        told: gives the running stages, the age of progress, and the last log line.
        """
        self._path = path
        self._clock = clock
        self._every_s = every_s
        self._run = run
        self._told = told
        self._began = clock.monotonic()
        self._over = threading.Event()
        self._has_gpus = shutil.which(_GPU_QUERY[0]) is not None
        known = path.read_text("utf-8", "replace") if path.exists() else ""
        self._beat = max(beat_of(known), 0)
        self._thread = threading.Thread(target=self._live, name="heart", daemon=True)
        self._thread.start()

    def _live(self) -> None:
        while True:
            self._beat_once()
            if self._over.wait(self._every_s):
                return

    def _beat_once(self) -> None:
        """Beat; a full disk, or a figure that cannot be had, stops no heart."""
        with contextlib.suppress(OSError):
            self.beat()

    def beat(self, *, with_gpus: bool = True) -> None:
        """Write one beat."""
        self._beat += 1
        stages, age_s, line = self._told()
        free, total = memory()
        disk = shutil.disk_usage(self._path.parent)
        pulse = Pulse(
            beat=self._beat,
            at=stamp(self._clock.now()),
            run=self._run,
            stages=stages,
            elapsed_s=self._clock.monotonic() - self._began,
            progress_age_s=age_s,
            load=os.getloadavg()[0],
            memory_free=free,
            memory_total=total,
            disk_free=disk.free,
            disk_total=disk.total,
            gpus=gpu_lines() if self._has_gpus and with_gpus else (),
            last_line=line,
        )
        files.replace_text(self._path, pulse.text())

    def close(self) -> None:
        """Beat once more, and stop."""
        self._over.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self.beat(with_gpus=False)


def memory() -> tuple[int, int]:
    """Give bytes of memory available and in all; -1 where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return -1, -1
    pairs = (line.split() for line in text.splitlines())
    found = {words[0]: int(words[1]) * 1024 for words in pairs if len(words) > 1}
    return found.get("MemAvailable:", -1), found.get("MemTotal:", -1)


def gpu_lines() -> list[str]:
    """Give a line per GPU; none where there are none."""
    said = supervise.listen(_GPU_QUERY, timeout_s=5)
    lines = []
    for row in said.splitlines():
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) == 5:
            index, busy, used, total, heat = cells
            lines.append(f"{index}: {busy} % busy, {used} of {total} MiB, {heat} C")
    return lines
