"""Remove labs: one's own at the end, and those that killed test runs left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import claims, command, freezer

if TYPE_CHECKING:
    from tests.lab.claims import Claim


def sweep() -> list[int]:
    """Remove every lab whose owner is gone, and give their numbers; touch no other."""
    with claims.locked():
        dead = claims.abandoned()
        for claim in dead:
            demolish(claim)
    return [claim.number for claim in dead]


def demolish(claim: Claim) -> None:
    """Remove whatever a lab may have left on this machine, and free its number."""
    for namespace in _namespaces(claim):
        freezer.thaw(namespace)  # SIGKILL waits for a frozen process
        _kill_all_in(namespace)
    for link in _links(claim):  # before the namespaces: see Network.unplug
        command.attempt("ip", "link", "del", link)
    for namespace in _namespaces(claim):
        command.attempt("ip", "netns", "del", namespace)
    command.attempt("ip", "route", "del", *claim.dead_end)
    if claim.folder:
        _remove_folder(Path(claim.folder))
    claim.release()


def _namespaces(claim: Claim) -> list[str]:
    folder = Path("/run/netns")
    return [path.name for path in folder.glob(f"{claim.prefix}-*")]


def _links(claim: Claim) -> list[str]:
    folder = Path("/sys/class/net")
    return [path.name for path in folder.glob(f"{claim.prefix}[bv]*")]


def _kill_all_in(namespace: str) -> None:
    def is_empty() -> bool:
        pids = command.finished("ip", "netns", "pids", namespace).stdout.split()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        return not pids

    command.wait_until(is_empty, timeout_s=15, what=f"{namespace}: all killed")


def _remove_folder(folder: Path) -> None:
    for disk in folder.glob("*/disk"):
        if disk.is_mount():
            command.attempt("umount", disk)
    shutil.rmtree(folder, ignore_errors=True)
