"""Lab numbers: who holds which, and who has died holding one.

A number makes names and addresses of a lab its own, so that many test runs, and many
workers of each, live on one machine. A claim is a file under /run that names the
process behind it; when that is gone the claim is abandoned, and `sweep` cleans up.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path("/run/pipeline-labs")
NUMBERS = range(1, 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A lab number in somebody's hands; no folder if its writer was cut short."""

    number: int
    pid: int
    started: str
    folder: str | None

    @property
    def prefix(self) -> str:
        """What the names of the lab's devices and namespaces begin with."""
        return f"lab{self.number}"

    @property
    def subnet(self) -> str:
        """The first three parts of every address in the lab."""
        return f"10.78.{self.number}"

    @property
    def dead_end(self) -> tuple[str, ...]:
        """The route that swallows what is sent to a host of the lab that is gone.

        It ranks below the bridge's own route and above the default route, by which
        nothing for these addresses may ever leave this machine.
        """
        return ("unreachable", f"{self.subnet}.0/24", "metric", "4096")

    def release(self) -> None:
        """Give the number back."""
        _path(self.number).unlink(missing_ok=True)

    def is_abandoned(self) -> bool:
        """Tell whether the process that holds this number is gone."""
        return self.started != start_of(self.pid)


def take(folder: Path) -> Claim:
    """Take the first free number, for this process."""
    with locked():
        number = next((n for n in NUMBERS if not _path(n).exists()), None)
        if number is None:
            raise RuntimeError(
                f"{FOLDER}: every lab number is taken; sweep() frees dead ones"
            )
        pid = os.getpid()
        claim = Claim(number=number, pid=pid, started=start_of(pid), folder=str(folder))
        _path(number).write_text(json.dumps(asdict(claim)))
    return claim


def abandoned() -> list[Claim]:
    """Give the claims whose holder is gone; only sound while `locked`."""
    claims = [_read(path) for path in FOLDER.glob("*.json")]
    return [claim for claim in claims if claim.is_abandoned()]


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Keep others from taking or sweeping numbers.

    Without it a worker could sweep a dead lab's number while another takes it anew, and
    would remove the bridge of the living.
    """
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def start_of(pid: int) -> str:
    """Give when a process started, in ticks since boot: a pid alone may be a later one.

    A process that is gone, or a zombie, gives the empty string.
    """
    try:
        # The name, in parentheses, may itself hold blanks and parentheses.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    state, started = fields[0], fields[19]
    return "" if state in "ZX" else started


def _path(number: int) -> Path:
    return FOLDER / f"{number}.json"


def _read(path: Path) -> Claim:
    try:
        return Claim(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        # Torn: the writer was killed between creating and writing. Writers hold the
        # lock, as we do, so nobody is at it now.
        return Claim(number=int(path.stem), pid=0, started="torn", folder=None)
