"""Real hosts for the tests: machines on this one, with power cuts and partitions.

A `Lab` is a bridge with a subnet of its own; a `Host` on it is a network namespace with
an address, a real OpenSSH server on port 22, its own processes, users (root, ubuntu),
homes and writable root (an overlay over this machine's). To kill its PID 1 is a power
cut, to start it again is a reboot, and what it wrote on its disk is still there.

    with Lab() as lab:
        box = lab.host("box", shaped=True)        # booted, sshd answering, in 0.1 s
        lab.ssh("box", "hostname")                # ssh -F lab.ssh_config box hostname
        box.partition(); box.heal()               # packets vanish, nothing is reset
        box.power_off(); box.boot()               # peers see no FIN and no RST
        box.shape(delay_ms=50, loss=0.01)         # a round trip of 100 ms

Rooms, from the ground up: `command` (the one door to programs) and `scripts/`; `claims`
(lab numbers), `shaper` (the far end of a user-space cable) and `cable` (its near end);
`network`, `disk` and `machine` (a host's processes, with `processes` and `freezer`);
`host`; `sshconfig`; `demolition`, which also sweeps what killed test runs left; `lab`.

Needs Linux, root, and Debian's openssh-server, openssh-client, nftables, iproute2 and
procps; `lacking()` names what a machine does not have. Hosts have no route to anywhere
but each other and this machine.

`lab.host(..., has_systemd=True)` boots a real systemd, for what depends on it: user
units, lingering, an orderly shutdown (`systemd`).

Not here: instance metadata (IMDS) and an EC2 endpoint. Nothing that is tested now needs
them; they come with the tests of EC2.
"""

from tests.lab.demolition import sweep
from tests.lab.host import Host
from tests.lab.lab import Lab, lacking

__all__ = ["Host", "Lab", "lacking", "sweep"]
