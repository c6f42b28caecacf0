"""A laptop and a box with this pipeline, and eyes for what lives on either of them."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.laptop import Laptop, wait_until
from tests.wire import ground

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab import Host, Lab

PATIENCE_S = 60.0
_OF_THE_BOX = ("lab-init", "sleep", "sshd: /usr/sbin/sshd")
# A connection whose other end is gone is noticed after two hours; here at once.
_KEEPALIVE = "tcp_keepalive_time=3 tcp_keepalive_intvl=1 tcp_keepalive_probes=3"


class Scene(Laptop):
    """One laptop, one box, one run."""

    def __init__(self, root: Path, lab: Lab, box: Host) -> None:
        """Make the repository and what the box needs; nothing has run."""
        super().__init__(root)
        self.folder = root
        self.lab, self.box = lab, box
        self.far_home = box.home
        self._spawned: list[subprocess.Popen[str]] = []
        self._runtime = Path(tempfile.mkdtemp(prefix="w", dir="/tmp"))
        self.env["XDG_RUNTIME_DIR"] = str(self._runtime)
        self._put_programs(root / "bin")
        text = ground.PIPELINE.replace("ALIAS", box.name)
        self.write("pipeline.yaml", text.replace("CONFIG", str(lab.ssh_config)))
        self.write("wait.sh", ground.WAIT)
        self.write("noise.py", ground.NOISE)
        data = random.Random(2).randbytes(ground.SHIPPED_BYTES)
        (self.repo / "shipped.bin").write_bytes(data)
        self.commit("a pipeline")

    def _put_programs(self, folder: Path) -> None:
        folder.mkdir()
        self.env["PATH"] = f"{folder}:{self.env['PATH']}"
        _write_program(folder / "ssh", ground.SSH)
        _write_program(self.far_home / "python", ground.PYTHON)
        _write_program(self.far_home / ".local" / "bin" / "uv", ground.UV)
        settings = " ".join(f"net.ipv4.{one}" for one in _KEEPALIVE.split())
        self.box.exec(f"rm -rf /usr/lib/python3*/ensurepip; sysctl -qw {settings}")

    def spawn(
        self, *args: str, env: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start the command, and remember it."""
        self.command = super().spawn(*args, env=env)
        self._spawned.append(self.command)
        return self.command

    # --- what waits, and what lets it go ------------------------------------------

    def hold(self, place: str) -> None:
        """Let a stage, or the building of the environment, wait there."""
        (self.far_home / f"hold.{place}").touch()

    def halt(self, point: str) -> None:
        """Let the run stop at a named point (pipeline/deaths.py)."""
        (self.far_home / "halt").write_text(point)

    def let_go(self, place: str = "*") -> None:
        """Let whatever waits on the box go on, or what waits at one place."""
        for path in self.far_home.glob(f"hold.{place}"):
            path.unlink()
        (self.far_home / "halt").unlink(missing_ok=True)
        for pid in self.halted():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def wait_until_held(self, place: str) -> None:
        """Wait until somebody waits there."""
        wait_until((self.far_home / f"waits.{place}").exists, place, PATIENCE_S)

    def halted(self) -> list[int]:
        """Give the processes of the box that stopped at a point."""
        return [pid for pid in self.box.pids() if _state(pid) == "T"]

    # --- who lives ----------------------------------------------------------------

    def here(self) -> dict[int, str]:
        """Give the processes of this laptop, by what they were started as."""
        mark = f"XDG_RUNTIME_DIR={self._runtime}\0".encode()
        # A master writes what it is over its own environment.
        sockets = f"ssh: {self._runtime}/"
        return {
            pid: text
            for pid, environ, text in _everybody()
            if text and (mark in environ or text.startswith(sockets))
        }

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to everything that lives on this laptop."""
        for pid in self.here():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def masters(self) -> list[int]:
        """Give the connections that are kept for the next command."""
        return [pid for pid, text in self.here().items() if "[mux]" in text]

    def there(self) -> dict[int, str]:
        """Give the processes of the box that do not belong to it."""
        found = {pid: _command(pid) for pid in self.box.pids()}
        return {
            pid: text
            for pid, text in found.items()
            if text and not any(own in text for own in _OF_THE_BOX)
        }

    # --- where things lie ---------------------------------------------------------

    @property
    def code(self) -> Path:
        """The repository of the box."""
        (found,) = self.far_home.glob(".pipeline/*/code.git")
        return found

    @property
    def far_results(self) -> Path:
        """The results of the latest run on the box, past the network."""
        (found,) = self.far_home.glob(f".pipeline/*/runs/{self.run_id}/tree/results")
        return found

    @property
    def artifacts(self) -> Path:
        """What was pulled of the latest run."""
        return self.repo / "artifacts" / self.run_id

    def drafts_of_packs(self) -> list[Path]:
        """Give what the box has of packs that did not come whole, so far."""
        pattern = ".pipeline/*/code.git/objects/pack/tmp_*"
        return list(self.far_home.glob(pattern))

    @property
    def is_begun(self) -> bool:
        """Tell whether the latest run is known here, and lies on the box."""
        try:
            plan = f".pipeline/*/runs/{self.run_id}/plan.json"
        except ValueError:
            return False  # none is known
        return bool(list(self.far_home.glob(plan)))

    def wait_until_begun(self) -> None:
        """Wait until no run is being made on the box."""

        def is_still() -> bool:
            self.let_go()
            return not any(".pyz begin" in text for text in self.there().values())

        wait_until(is_still, "no run is being made", PATIENCE_S)

    def runs_on_box(self) -> list[str]:
        """Name the branches of all runs of the box."""
        said = self._far_git("for-each-ref", "--format=%(refname)", "refs/heads/run")
        return said.split()

    def seals_of(self, branch: str) -> list[str]:
        """Give commit and stage of each seal of a branch."""
        wanted = "--format=%H %(trailers:key=Stage,valueonly)"
        lines = self._far_git("log", wanted, branch).splitlines()
        return [line for line in lines if line.partition(" ")[2].strip()]

    def sealed(self) -> list[str]:
        """Give all seals there are on the box."""
        if not list(self.far_home.glob(".pipeline/*/code.git")):
            return []
        return [seal for run in self.runs_on_box() for seal in self.seals_of(run)]

    def _far_git(self, *words: str) -> str:
        return self.git("--git-dir", str(self.code), *words)

    # --- the end ------------------------------------------------------------------

    def hang_up(self) -> None:
        """End the connections that are kept, as they would end by themselves."""
        for socket in self._runtime.rglob("*"):
            if socket.is_socket():
                subprocess.run(
                    ["/usr/bin/ssh", "-S", str(socket), "-O", "exit", "x"],
                    capture_output=True,
                    timeout=10,
                    check=False,
                )

    def close(self) -> None:
        """Take away all that may be left of it."""
        self.signal_all(signal.SIGKILL)
        for process in self._spawned:
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        shutil.rmtree(self._runtime, ignore_errors=True)


def _write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _everybody() -> Iterator[tuple[int, bytes, str]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                environ = Path("/proc", name, "environ").read_bytes()
                yield int(name), environ, _command(int(name))


def _command(pid: int) -> str:
    """Give what a process was started as; a zombie has nothing."""
    try:
        said = Path("/proc", str(pid), "cmdline").read_bytes()
    except OSError:
        return ""
    return said.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace")


def _state(pid: int) -> str:
    try:
        text = Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[0]
