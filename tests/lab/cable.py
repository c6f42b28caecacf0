"""The near end of a cable in user space: start it, shape it, unplug it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from tests.lab import command, shaper

if TYPE_CHECKING:
    from tests.lab.shaper import Shape


class Cable:
    """A running `shaper.py` between a bridge and the eth0 of a network namespace."""

    def __init__(self, *, namespace: str, link: str, bridge: str) -> None:
        bridge_end = shaper.open_tap(link)
        command.run("ip", "link", "set", link, "master", bridge, "up")
        self._process = self._start(namespace, bridge_end)
        self._expect("ready")

    @staticmethod
    def _start(namespace: str, bridge_end: int) -> subprocess.Popen[str]:
        # A tap belongs to the namespace that opened it. We open the bridge's end here
        # and hand it down; the shaper, inside the host's namespace, opens the other.
        program = (sys.executable, "-I", shaper.__file__, str(bridge_end))
        try:
            return subprocess.Popen(
                ("ip", "netns", "exec", namespace, *program),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=(bridge_end,),
                start_new_session=True,  # ^C at the test runner must not cut cables
            )
        finally:
            os.close(bridge_end)

    def shape(self, shape: Shape) -> None:
        """Treat every frame that comes from now on as `shape` says."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(shape)) + "\n")
        self._process.stdin.flush()
        self._expect("ok")

    def unplug(self) -> None:
        """Take the cable away, and both devices with it."""
        # communicate() ends stdin, which ends the shaper, and closes both pipes.
        self._process.communicate(timeout=10)

    def _expect(self, answer: str) -> None:
        assert self._process.stdout is not None
        heard = self._process.stdout.readline().strip()
        if heard != answer:
            self.unplug()
            raise RuntimeError(f"shaper: said {heard!r} instead of {answer!r}")
