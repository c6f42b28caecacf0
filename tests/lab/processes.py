"""A host's processes, as this machine sees and numbers them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import command

if TYPE_CHECKING:
    from subprocess import Popen


def first_child(parent: Popen[bytes]) -> int | None:
    """Give the child of `parent` once it is born; None if `parent` ended before."""
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")

    def is_decided() -> bool:
        return parent.poll() is not None or bool(children.read_text())

    command.wait_until(is_decided, timeout_s=5, what=f"a child of {parent.pid}")
    if parent.poll() is not None:
        return None
    return int(children.read_text().split()[0])


def beside(pid: int) -> set[int]:
    """Give every process of the PID namespace that `pid` lives in."""
    home = _pid_namespace(pid)
    everyone = (int(name) for name in os.listdir("/proc") if name.isdigit())
    return {one for one in everyone if home and _pid_namespace(one) == home}


def _pid_namespace(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""  # it has just ended
