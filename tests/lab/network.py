"""A host's place on the network: namespace, cable, and packets that vanish.

Faults are nftables rules inside the host's own namespace, so ARP keeps working and
peers see time-outs, not "no route to host". Downing the link would be no partition: the
inside gets "Network is unreachable" at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tests.lab import command
from tests.lab.cable import Cable
from tests.lab.shaper import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable

Direction = Literal["in", "out", "both"]

_INPUT = "chain input { type filter hook input priority -300; %s; }"
_OUTPUT = "chain output { type filter hook output priority -300; %s; }"


class Network:
    """A network namespace, on a bridge by a plain or a shaped cable."""

    def __init__(
        self, *, namespace: str, link: str, bridge: str, is_shaped: bool
    ) -> None:
        self.namespace = namespace
        self._link, self._bridge = link, bridge
        self._is_shaped = is_shaped
        self._shape = Shape()
        self._cable: Cable | None = None

    def plug_in(self, address: str) -> None:
        """Make the namespace, with `address` on its eth0; the cable keeps its shape."""
        command.run("ip", "netns", "add", self.namespace)
        self._connect()
        self._ip("link", "set", "eth0", "address", _mac(address))
        self._ip("addr", "add", f"{address}/24", "dev", "eth0")
        # nodad: usable at once, for nobody else can have it.
        self._ip("addr", "add", f"{address6(address)}/64", "dev", "eth0", "nodad")
        self._ip("link", "set", "lo", "up")
        self._ip("link", "set", "eth0", "up")

    def _connect(self) -> None:
        if self._is_shaped:
            self._cable = Cable(
                namespace=self.namespace, link=self._link, bridge=self._bridge
            )
            self._cable.shape(self._shape)
            return
        pair = ("type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        command.run("ip", "link", "add", self._link, *pair)
        command.run("ip", "link", "set", self._link, "master", self._bridge, "up")

    def unplug(self) -> None:
        """Take cable and namespace away; they may be gone already."""
        if self._cable:
            self._cable.unplug()
            self._cable = None
        # The link first, which is gone at once: deleting the namespace alone frees it a
        # moment later, when the next host may already want its name.
        command.attempt("ip", "link", "del", self._link)
        command.attempt("ip", "netns", "del", self.namespace)

    def shape(self, shape: Shape) -> None:
        """Treat every frame from now on as `shape` says."""
        if self._cable is None:
            raise RuntimeError(
                f"{self.namespace} has a plain cable: ask for shaped=True"
            )
        self._shape = shape
        self._cable.shape(shape)

    def partition(self, direction: Direction = "both", *, peer: str = "") -> None:
        """Let packets vanish: those it hears, those it says, or both; or one peer's."""
        source = f"ip saddr {peer}" if peer else "iifname eth0"
        target = f"ip daddr {peer}" if peer else "oifname eth0"
        rules = []
        if direction in {"both", "in"}:
            rules.append(_INPUT % f"{source} drop")
        if direction in {"both", "out"}:
            rules.append(_OUTPUT % f"{target} drop")
        self._rule(rules)

    def refuse(self, port: int) -> None:
        """Reset every connection to `port`."""
        self._rule([_INPUT % f"tcp dport {port} reject with tcp reset"])

    def heal(self) -> None:
        """Let every packet through again."""
        self._rule([])

    def _rule(self, chains: Iterable[str]) -> None:
        # One transaction: while a rule is replaced not a single packet may slip out. (A
        # gap of milliseconds once let a dead box's FIN through.) To name the table
        # first makes it exist, so that deleting it never fails.
        table = "\n".join(("table ip faults {", *chains, "}"))
        rules = f"table ip faults\ndelete table ip faults\n{table}\n"
        nft = ("ip", "netns", "exec", self.namespace, "nft", "-f", "-")
        command.run(*nft, stdin=rules)

    def _ip(self, *words: str) -> None:
        command.run("ip", "-n", self.namespace, *words)


def address6(address: str) -> str:
    """Give the IPv6 address that goes with an IPv4 address of a lab."""
    *_, number, part = (int(part) for part in address.split("."))
    return f"fd78:0:{number:x}::{part:x}"


def _mac(address: str) -> str:
    """Give the MAC that goes with an address, at every boot and for every host.

    If it changed, peers would talk to the old one until their ARP entry expires: still
    unreachable after 20 s.
    """
    return "02:00:" + ":".join(f"{int(part):02x}" for part in address.split("."))
