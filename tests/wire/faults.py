"""What befalls a run, and how it passes."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.files import sync_disk
from tests.lab import command
from tests.wire import ground

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.network import Direction
    from tests.wire.scene import Scene

LASTS_S = 5.5  # a dead link is noticed after four
_BALLAST = "ballast"
_KIB = 1024
_TWO_HOURS_S = 7200


def _nothing(_: Scene) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How it comes, how long it lasts, and how it passes.

    strikes: the command of the scene is at work then. earlier: done before the
    run is. disk_mb: how large the box's disk is, where that matters. on_small_disk: the
    laptop's is small. by_hand: it passes only when the command has ended. is_lack: for
    what is shipped it is there from the beginning.
    """

    strikes: Callable[[Scene], None]
    passes: Callable[[Scene], None] = _nothing
    earlier: Callable[[Scene], None] = _nothing
    lasts_s: float = 0.0
    disk_mb: int | None = None
    on_small_disk: bool = False
    by_hand: bool = False
    is_lack: bool = False


# --- the link -------------------------------------------------------------------------


def _cut(direction: Direction) -> Fault:
    def strikes(scene: Scene) -> None:
        scene.box.partition(direction)

    return Fault(strikes=strikes, passes=_heals, lasts_s=LASTS_S)


def _heals(scene: Scene) -> None:
    scene.box.heal()


def _spoils(*, loss: float = 0.0, delay_ms: float = 0.0) -> Callable[[Scene], None]:
    def strikes(scene: Scene) -> None:
        scene.box.shape(loss=loss, delay_ms=delay_ms)

    return strikes


# --- the box --------------------------------------------------------------------------


def _kill_sshd(scene: Scene) -> None:
    scene.box.kill_sshd()


def _start_sshd(scene: Scene) -> None:
    scene.box.start_sshd()


def _freeze(scene: Scene) -> None:
    scene.box.freeze()


def _thaw(scene: Scene) -> None:
    scene.box.thaw()


def _cut_power(scene: Scene) -> None:
    scene.box.power_off()


def _stop(scene: Scene) -> None:
    scene.let_go()  # what is stopped hears no SIGTERM
    scene.box.stop()


def _boot(scene: Scene) -> None:
    _age(scene)
    scene.box.boot()


def _boot_elsewhere(scene: Scene) -> None:
    _age(scene)
    scene.box.start(new_ip=True)


def _age(scene: Scene) -> None:
    """Let two hours pass for a pack that was cut off: then nobody is sending it."""
    scene.let_go()
    for path in scene.drafts_of_packs():
        then = path.stat().st_mtime - _TWO_HOURS_S
        os.utime(path, (then, then))


def _change_host_key(scene: Scene) -> None:
    scene.box.kill_sshd()
    # From inside: what changes below a disk in use is not seen there.
    key = "/etc/ssh/ssh_host_ed25519_key"
    scene.box.exec(f"rm {key} {key}.pub; ssh-keygen -q -t ed25519 -N '' -f {key}")
    scene.box.start_sshd()


def _trust(scene: Scene) -> None:
    scene.box.trust_key()


def _refuse_key(scene: Scene) -> None:
    keys = scene.far_home / ".ssh" / "authorized_keys"
    keys.rename(keys.with_name("kept"))
    scene.box.kill_sshd()
    scene.box.start_sshd()


def _accept_key(scene: Scene) -> None:
    keys = scene.far_home / ".ssh" / "authorized_keys"
    keys.with_name("kept").rename(keys)


def _fill_box(scene: Scene) -> None:
    _fill(scene.far_home)
    scene.let_go()


def _empty_box(scene: Scene) -> None:
    _empty(scene.far_home)


def _empty(folder: Path) -> None:
    (folder / _BALLAST).unlink()
    sync_disk(folder)  # until then the disk does not say that it has room


def _fill(folder: Path) -> None:
    """Fill a disk to the last block."""
    with (folder / _BALLAST).open("wb") as file:
        for block in (1024 * _KIB, 64 * _KIB, 4 * _KIB):
            with contextlib.suppress(OSError):
                while True:
                    size = file.seek(0, os.SEEK_END)
                    os.posix_fallocate(file.fileno(), size, block)


def _lock_home(scene: Scene) -> None:
    scene.box.exec("mount --bind /root /root && mount -o remount,ro,bind /root")
    scene.let_go()


def _unlock_home(scene: Scene) -> None:
    _age(scene)
    scene.box.exec("cd /; umount -l /root")


def _hide_git(scene: Scene) -> None:
    scene.box.exec("mv /usr/bin/git /usr/bin/git.gone")
    scene.let_go()


def _show_git(scene: Scene) -> None:
    scene.box.exec("mv /usr/bin/git.gone /usr/bin/git")


def _grow_old(scene: Scene) -> None:
    (scene.far_home / "other-python").write_text(ground.OLD)
    scene.box.kill_sshd()
    scene.box.start_sshd()


def _grow_new(scene: Scene) -> None:
    (scene.far_home / "other-python").unlink()


def _clock(hours: int) -> Fault:
    def earlier(scene: Scene) -> None:
        text = ground.OFF.replace("HOURS", str(hours))
        (scene.far_home / "other-python").write_text(text)

    return Fault(earlier=earlier, strikes=_let_go, passes=_grow_new, by_hand=True)


def _let_go(scene: Scene) -> None:
    scene.let_go()


# --- the laptop -----------------------------------------------------------------------


def _fill_laptop(scene: Scene) -> None:
    _fill(scene.folder)
    scene.let_go()


def _empty_laptop(scene: Scene) -> None:
    _empty(scene.folder)


def _kill_command(scene: Scene) -> None:
    os.killpg(scene.command.pid, signal.SIGKILL)


def _kill_all(scene: Scene) -> None:
    # In the instant of a power cut nothing more is said to anybody, not even what the
    # kernel has still in hand.
    scene.box.partition()
    scene.signal_all(signal.SIGKILL)
    command.run("ss", "--kill", "dst", scene.box.address)


def _sleep(scene: Scene) -> None:
    scene.box.partition()
    scene.signal_all(signal.SIGSTOP)


def _wake(scene: Scene) -> None:
    scene.signal_all(signal.SIGCONT)
    time.sleep(0.3)  # the network comes back a little later than the programs
    scene.box.heal()


def _kill_rsync(scene: Scene) -> None:
    for pid, text in scene.here().items():
        if text.partition(" ")[0].endswith("rsync"):
            os.kill(pid, signal.SIGKILL)


FAULTS = {
    "cut": _cut("both"),
    "cut inwards": _cut("in"),
    "cut outwards": _cut("out"),
    "30% loss": Fault(strikes=_spoils(loss=0.3), lasts_s=LASTS_S),
    "300 ms": Fault(strikes=_spoils(delay_ms=150.0), by_hand=True),
    "sshd killed": Fault(strikes=_kill_sshd, passes=_start_sshd, lasts_s=1.0),
    "box frozen": Fault(strikes=_freeze, passes=_thaw, lasts_s=LASTS_S),
    "power cut": Fault(strikes=_cut_power, passes=_boot),
    "reboot": Fault(strikes=_stop, passes=_boot),
    "new address": Fault(strikes=_stop, passes=_boot_elsewhere),
    "host key changed": Fault(strikes=_change_host_key, passes=_trust, by_hand=True),
    "key refused": Fault(strikes=_refuse_key, passes=_accept_key, by_hand=True),
    "box disk full": Fault(
        strikes=_fill_box, passes=_empty_box, disk_mb=64, by_hand=True
    ),
    "read-only home": Fault(strikes=_lock_home, passes=_unlock_home, by_hand=True),
    "laptop disk full": Fault(
        strikes=_fill_laptop, passes=_empty_laptop, on_small_disk=True, by_hand=True
    ),
    "laptop killed": Fault(strikes=_kill_command),
    "laptop power cut": Fault(strikes=_kill_all, passes=_heals),
    "laptop asleep": Fault(strikes=_sleep, passes=_wake, lasts_s=LASTS_S),
    "rsync killed": Fault(strikes=_kill_rsync),
    "git missing": Fault(
        strikes=_hide_git, passes=_show_git, by_hand=True, is_lack=True
    ),
    "python too old": Fault(
        strikes=_grow_old, passes=_grow_new, by_hand=True, is_lack=True
    ),
    "clock an hour ahead": _clock(1),
    "clock an hour behind": _clock(-1),
}
