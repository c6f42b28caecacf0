"""Who we are to a box, and who it is to us: keys, agents, certificates."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError
from tests.links import keys
from tests.links.asking import Open, Write, answers, failure
from tests.links.keys import agent_with

if TYPE_CHECKING:
    from tests.lab import Host, Lab

pytestmark = pytest.mark.lab


def test_an_agent_by_its_own_socket(
    kind: str, quiet_box: Host, open_link: Open, write: Write, lab: Lab, tmp_path: Path
) -> None:
    """IdentityAgent names it; the key itself lies nowhere we could read."""
    with agent_with(lab.key, tmp_path) as socket:
        words = "IdentitiesOnly no", f"IdentityAgent {socket}", "IdentityFile /no/key"
        link = open_link(kind, quiet_box.name, config=write("Match all", *words))

        assert answers(link, by_itself=False)


def test_the_agent_of_the_session(
    kind: str,
    quiet_box: Host,
    open_link: Open,
    write: Write,
    lab: Lab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SSH_AUTH_SOCK is what ssh looks at unless told otherwise."""
    key = tmp_path / "locked"
    shutil.copy(lab.key, key)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", key], check=True
    )
    with agent_with(lab.key, tmp_path) as socket:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        words = "IdentitiesOnly no", "IdentityAgent SSH_AUTH_SOCK"
        config = write("Match all", *words, f"IdentityFile {key}")
        text = config.read_text().replace(str(lab.ssh_config), "{folder}/lab")
        config.write_text(text.replace("{folder}", str(tmp_path)))
        (tmp_path / "lab").write_text(
            lab.ssh_config.read_text().replace(str(lab.key), str(key))
        )

        assert answers(open_link(kind, quiet_box.name, config=config), by_itself=True)


def test_a_locked_key_without_an_agent_is_a_clear_refusal(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """Nobody is asked for its passphrase."""
    key, config = tmp_path / "locked", tmp_path / "config"
    shutil.copy(lab.key, key)
    lock = ["ssh-keygen", "-q", "-p", "-N", "secret", "-P", "", "-f", str(key)]
    subprocess.run(lock, check=True)
    config.write_text(lab.ssh_config.read_text().replace(str(lab.key), str(key)))

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)
    assert "Permission denied" in error.message
    assert "a key with a passphrase must be in your ssh-agent: ssh-add" in error.hint


@pytest.mark.parametrize("is_named", [False, True], ids=["beside", "named"])
def test_a_users_certificate(
    kind: str,
    is_named: bool,
    box: Host,
    open_link: Open,
    lab: Lab,
    tmp_path: Path,
) -> None:
    """The box knows the authority and not the key; the certificate says root."""
    authority, key = keys.make(tmp_path / "ca"), keys.make(tmp_path / "id")
    certificate = keys.certify(key, authority, "-n", "root")
    if is_named:
        certificate = certificate.rename(tmp_path / "elsewhere.pub")
    public = authority.with_suffix(".pub").read_text().strip()
    box.exec(f"echo '{public}' > /etc/ssh/users.pub")
    box.configure_sshd("TrustedUserCAKeys /etc/ssh/users.pub")
    text = lab.ssh_config.read_text().replace(str(lab.key), str(key))
    named = f"CertificateFile {certificate}\n" if is_named else ""
    (tmp_path / "config").write_text(f"{named}{text}")

    link = open_link(kind, box.name, config=tmp_path / "config")

    assert answers(link, by_itself=not is_named)


def test_a_hosts_certificate(
    kind: str, box: Host, open_link: Open, write: Write, tmp_path: Path
) -> None:
    """known_hosts may name an authority in place of keys."""
    authority = keys.make(tmp_path / "hosts")
    (tmp_path / "host.pub").write_text(box.known_key)
    certificate = keys.certify(tmp_path / "host", authority, "-h", "-n", box.name)
    box.exec(f"echo '{certificate.read_text().strip()}' > /etc/ssh/host-cert.pub")
    box.configure_sshd("HostCertificate /etc/ssh/host-cert.pub")
    public = authority.with_suffix(".pub").read_text()
    (tmp_path / "known").write_text(f"@cert-authority * {public}")

    config = write("UserKnownHostsFile {folder}/known")

    assert answers(open_link(kind, box.name, config=config), by_itself=False)


def test_a_key_exchange_that_fabric_does_not_know(
    kind: str, box: Host, open_link: Open, write: Write
) -> None:
    """OpenSSH takes over."""
    box.configure_sshd("KexAlgorithms sntrup761x25519-sha512@openssh.com")
    config = write("KexAlgorithms +sntrup761x25519-sha512@openssh.com")

    assert answers(open_link(kind, box.name, config=config), by_itself=False)


def test_a_kind_of_key_that_fabric_does_not_know(
    kind: str, quiet_box: Host, open_link: Open, write: Write, tmp_path: Path
) -> None:
    """A key of a hardware token is passed over, and the next one is tried."""
    keys.make_sk(tmp_path / "token")
    config = write("IdentityFile {folder}/token")

    assert answers(open_link(kind, quiet_box.name, config=config), by_itself=True)
