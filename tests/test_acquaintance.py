"""First contact: an unknown host key is shown and accepted by a person, or refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pipeline.schema import Host as Spec
from remote import hosts
from remote.links import hostkeys
from tests.attended import Terminal
from tests.lab import command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.afar import Remote
    from tests.lab import Host, Lab

pytestmark = pytest.mark.lab

TINY = "name: tiny\nstages:\n  one: {sh: echo 1 > $OUT/a, outputs: [a]}\n"


def fingerprint(box: Host) -> str:
    """Ask ssh-keygen for the fingerprint of a box's key, as a person would."""
    said = box.exec("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub")
    return said.split()[1]


class Stranger:
    """A laptop that has never seen the boxes of its ssh configuration."""

    def __init__(self, remote: Remote, lab: Lab) -> None:
        """Have no known host."""
        self.remote, self._lab = remote, lab
        self.known = remote.home / "known_hosts"
        self.config = remote.home / "ssh_config"

    def to(self, alias: str, text: str = "", *, link: str = "openssh") -> Stranger:
        """Declare the host gpu; `text` goes before all else in the configuration."""
        lines = [text, "Host *", f"UserKnownHostsFile {self.known}"]
        self.config.write_text("\n".join([*lines, f"Include {self._lab.ssh_config}\n"]))
        host = f"{{ssh: {alias}, config: {self.config}, link: {link}}}"
        self.remote.write("pipeline.yaml", f"{TINY}hosts:\n  gpu: {host}\n")
        self.remote.commit("a pipeline with a host")
        return self

    @property
    def names(self) -> list[str]:
        """The names in known_hosts."""
        if not self.known.exists():
            return []
        return [line.split()[0] for line in self.known.read_text().splitlines()]

    def ssh(self, alias: str, *options: str) -> int:
        """Log in with OpenSSH itself, which trusts nobody; give its code."""
        argv = ("ssh", "-F", str(self.config), *options, alias, "true")
        return command.finished(*argv).returncode


@pytest.fixture
def stranger(remote: Remote, lab: Lab) -> Stranger:
    """Have a laptop without a known host."""
    return Stranger(remote, lab)


def test_without_a_person_the_key_is_shown_and_refused(
    stranger: Stranger, box: Host
) -> None:
    """The message has the fingerprint, and the command to type."""
    stranger.to(box.name)
    print_of = fingerprint(box)

    said = stranger.remote.pipeline("run", "--host", "gpu", code=6)

    assert said == (
        "host 'gpu': its host key is not known here\n"
        f"  {box.address} port 22 has ED25519 {print_of}\n"
        "  compare, on its own console:"
        " ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\n"
        f"  then accept it: pipeline doctor --host gpu --accept-host-key {print_of}\n"
    )
    assert stranger.names == []
    assert box.count_connections() == 0


@pytest.mark.parametrize("link", ["openssh", "lasting"])
def test_an_accepted_key_lets_the_run_begin(
    stranger: Stranger, box: Host, link: str
) -> None:
    """Whoever compared it says so once; both links and plain ssh know it from then."""
    stranger.to(box.name, link=link)
    accept = ("--accept-host-key", fingerprint(box))

    stranger.remote.pipeline("run", "--host", "gpu", *accept)

    assert stranger.names == [box.name]
    assert stranger.ssh(box.name) == 0


def test_another_fingerprint_is_refused(stranger: Stranger, box: Host) -> None:
    """A machine in between has a key of its own."""
    stranger.to(box.name)
    wrong = f"SHA256:{'A' * 43}"

    said = stranger.remote.pipeline(
        "plan", "--host", "gpu", "--accept-host-key", wrong, code=6
    )

    assert "host 'gpu': its host key is not the one that was accepted" in said
    assert fingerprint(box) in said
    assert f"accepted: {wrong}" in said
    assert stranger.names == []


@pytest.mark.parametrize("word", ["MD5:aa:bb", "SHA256:short", "yes", "SHA256:*"])
def test_what_is_no_fingerprint_is_refused(stranger: Stranger, word: str) -> None:
    """It could never match; nobody is asked."""
    stranger.to("nowhere")

    said = stranger.remote.pipeline(
        "plan", "--host", "gpu", "--accept-host-key", word, code=2
    )

    assert f"{word!r} is no fingerprint of a host key" in said


@pytest.mark.parametrize(
    ("verb", "word", "then"),
    [
        (("run", "--host", "gpu", "--detach"), "yes", "started on gpu"),
        (("doctor", "--host", "gpu"), "fingerprint", "host gpu: fit for runs"),
    ],
    ids=["run", "doctor"],
)
def test_a_person_is_asked(
    stranger: Stranger, box: Host, verb: tuple[str, ...], word: str, then: str
) -> None:
    """At a terminal, before anything else happens; the verb then goes on."""
    stranger.to(box.name)
    print_of = fingerprint(box)

    terminal = Terminal(stranger.remote, *verb)
    terminal.see(f"{box.address} port 22 has ED25519 {print_of}")
    terminal.see("accept it?")
    terminal.type(print_of if word == "fingerprint" else word)
    terminal.see(then)

    assert terminal.end() == 0
    assert stranger.names == [box.name]


def test_a_watcher_is_asked_before_there_is_a_picture(
    stranger: Stranger, box: Host
) -> None:
    """A question in the middle of it would be painted over."""
    stranger.to(box.name)
    accept = ("--accept-host-key", fingerprint(box))
    stranger.remote.pipeline("run", "--host", "gpu", "--detach", *accept)
    stranger.known.unlink()
    forget_masters(stranger)

    terminal = Terminal(stranger.remote, "attach")
    terminal.see("accept it?")
    terminal.type("yes")

    assert terminal.end() == 0
    assert stranger.names == [box.name]


@pytest.mark.parametrize("word", ["", "y", f"SHA256:{'A' * 43}"])
def test_whatever_else_is_typed_is_a_no(
    stranger: Stranger, box: Host, word: str
) -> None:
    """As ssh itself takes it."""
    stranger.to(box.name)

    terminal = Terminal(stranger.remote, "plan", "--host", "gpu")
    terminal.see("accept it?")
    terminal.type(word)
    terminal.see("its host key was not accepted")

    assert terminal.end() == 6
    assert stranger.names == []


def test_a_changed_key_is_refused_whatever_was_accepted(
    stranger: Stranger, box: Host
) -> None:
    """Both fingerprints are told, and what to type, which works as it stands."""
    stranger.to(box.name)
    old = fingerprint(box)
    stranger.remote.pipeline("plan", "--host", "gpu", "--accept-host-key", old)
    box.stop()
    box.new_host_key()
    box.boot()
    new = fingerprint(box)
    forget_masters(stranger)

    accept = ("--accept-host-key", new)
    said = stranger.remote.pipeline("plan", "--host", "gpu", *accept, code=6)

    assert "host 'gpu': its host key is not the one known here" in said
    assert f"found: {new}\n" in said
    assert f"known: {old}, {stranger.known}:1\n" in said
    assert stranger.names == [box.name]

    line = next(line for line in said.splitlines() if "ssh-keygen -R" in line)
    command.run(*line.split())
    stranger.remote.pipeline("plan", "--host", "gpu", *accept)

    assert line.strip() == f"ssh-keygen -R {box.name} -f {stranger.known}"


def forget_masters(stranger: Stranger) -> None:
    """End the connection that is shared, as its ten minutes would."""
    text = stranger.remote.repo / "pipeline.yaml"
    found = re.search(r"ssh: ([^,]+), config: ([^,}]+)", text.read_text())
    assert found
    hosts.openssh_to(Spec(name="gpu", ssh=found[1], config=found[2])).disconnect()


def test_a_jump_host_is_asked_for_first(
    stranger: Stranger, box: Host, other_box: Host
) -> None:
    """Its key is as unknown as that of the box behind it; each is told by name."""
    stranger.to(box.name, f"Host {box.name}\nProxyJump {other_box.name}\n")
    jump, behind = fingerprint(other_box), fingerprint(box)

    first = stranger.remote.pipeline("plan", "--host", "gpu", code=6)
    accept = ("--accept-host-key", jump)
    second = stranger.remote.pipeline("plan", "--host", "gpu", *accept, code=6)

    assert f"jump host '{other_box.name}': its host key is not known here" in first
    assert jump in first
    assert "host 'gpu': its host key is not the one that was accepted" in second
    assert behind in second
    assert stranger.names == [other_box.name]


def test_both_keys_may_be_accepted_at_once(
    stranger: Stranger, box: Host, other_box: Host
) -> None:
    """The option may be given again."""
    stranger.to(box.name, f"Host {box.name}\nProxyJump {other_box.name}\n")
    words = [w for b in (box, other_box) for w in ("--accept-host-key", fingerprint(b))]

    stranger.remote.pipeline("plan", "--host", "gpu", *words)

    assert stranger.names == [other_box.name, box.name]


def test_another_port_is_remembered_as_ssh_looks_it_up(
    stranger: Stranger, box: Host
) -> None:
    """[address]:port; plain ssh finds it, and a hashed one as well."""
    box.exec("/usr/sbin/sshd -p 2222 -o PidFile=/run/other.pid")
    target = f"root@{box.address}:2222"
    accept = ("--accept-host-key", fingerprint(box))

    stranger.to(target, "Host *\nHashKnownHosts no\n")
    stranger.remote.pipeline("plan", "--host", "gpu", *accept)
    plain = stranger.names
    forget_masters(stranger)
    stranger.known.unlink()
    stranger.to(target, "Host *\nHashKnownHosts yes\n")
    stranger.remote.pipeline("plan", "--host", "gpu", *accept)

    assert plain == [f"[{box.address}]:2222"]
    assert stranger.names[0].startswith("|1|")
    assert stranger.ssh(box.address, "-p", "2222", "-l", "root") == 0


def test_what_known_hosts_held_stays(stranger: Stranger, box: Host) -> None:
    """Its last line may lack its end; nothing of it changes."""
    stranger.to(box.name)
    stranger.known.write_text("# mine\nelse ssh-ed25519 AAAA")
    accept = ("--accept-host-key", fingerprint(box))

    stranger.remote.pipeline("plan", "--host", "gpu", *accept)

    lines = stranger.known.read_text().splitlines()
    assert lines[:2] == ["# mine", "else ssh-ed25519 AAAA"]
    assert lines[2].startswith(f"{box.name} ssh-ed25519 ")
    assert stranger.ssh(box.name) == 0


def test_a_key_that_would_be_forgotten_is_refused(
    stranger: Stranger, box: Host
) -> None:
    """Some configurations keep no host keys: then each day would be the first."""
    stranger.to(box.name, "Host *\nUserKnownHostsFile /dev/null\n")
    accept = ("--accept-host-key", fingerprint(box))

    said = stranger.remote.pipeline("plan", "--host", "gpu", *accept, code=6)

    assert "its host key is not known here, and none is kept" in said
    assert "UserKnownHostsFile /dev/null" in said


def test_a_box_that_is_off_is_the_networks_fault(stranger: Stranger, box: Host) -> None:
    """Its key cannot be had; the code says that one may try again."""
    stranger.to(box.name)
    box.refuse()

    said = stranger.remote.pipeline("plan", "--host", "gpu", code=5)

    assert "Connection refused" in said


def test_a_connection_that_is_open_is_not_examined_again(
    stranger: Stranger, box: Host
) -> None:
    """What first contact costs is paid before a login, and not before each command."""
    stranger.to(box.name)
    accept = ("--accept-host-key", fingerprint(box))
    stranger.remote.pipeline("plan", "--host", "gpu", *accept)
    stranger.known.unlink()

    stranger.remote.pipeline("plan", "--host", "gpu")

    assert box.count_connections() == 1


def test_a_key_from_elsewhere_will_do(stranger: Stranger, box: Host) -> None:
    """A machine-wide known_hosts knows it: nobody is asked, nothing is written."""
    stranger.to(box.name)
    text = stranger.config.read_text()
    stranger.config.write_text(
        f"GlobalKnownHostsFile {stranger.remote.home}/all\n{text}"
    )
    (stranger.remote.home / "all").write_text(f"{box.name} {box.known_key}")

    stranger.remote.pipeline("plan", "--host", "gpu")

    assert stranger.names == []


def test_the_environment_accepts_for_verbs_without_the_option(
    stranger: Stranger, box: Host
) -> None:
    """For scripts, and for verbs that know a run and not a host."""
    stranger.to(box.name)
    env = {"PIPELINE_ACCEPT_HOST_KEY": fingerprint(box)}

    stranger.remote.pipeline("plan", "--host", "gpu", env=env)

    assert stranger.names == [box.name]


HOSTILE = (
    "Offending ED25519 key in /nowhere/known_hosts:1",
    "The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\n",
)


def test_what_ssh_tells_of_keys_may_be_half(tmp_path: Path) -> None:
    """Without both of its halves nothing is said; a file that is gone is no bug."""
    file = tmp_path / "known"
    file.write_text("x ssh-ed25519 AAAA\n")

    assert hostkeys.changed(HOSTILE[0]) == ""
    assert hostkeys.changed("") == ""
    assert "one of kind ED25519, /nowhere/known_hosts:1" in hostkeys.changed(
        "\n".join(HOSTILE)
    )


@pytest.mark.parametrize(
    "line", ["", "#", "name", "name kind", "name kind not!base64", "@revoked a b"]
)
def test_what_is_no_key_is_passed_over(line: str) -> None:
    """A known_hosts is written by many hands."""
    assert list(hostkeys.read_keys([line])) == []
