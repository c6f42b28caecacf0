"""fabric logs in by itself where it does as OpenSSH would, and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import HostError
from remote.links import login, way
from remote.links.lasting import Lasting
from tests.links.asking import (
    KINDS,
    SOON_S,
    Open,
    failure,
)

if TYPE_CHECKING:
    from tests.lab import Host, Lab


@pytest.mark.lab
def test_fabric_logs_in_by_itself(box: Host, open_link: Open) -> None:
    """Where it can do as OpenSSH would, it does."""
    link = open_link("lasting", box.name)
    assert isinstance(link, Lasting)

    link.call(["true"], timeout_s=SOON_S)

    assert link.is_logged_in


@pytest.mark.lab
def test_what_fabric_cannot_do_is_left_to_openssh(
    quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """The call is answered all the same."""
    config, name = tmp_path / "config", quiet_box.name
    told = f"ProxyCommand ssh -F {lab.ssh_config} -W %h:%p {name}"
    place = f"HostName {quiet_box.address}\nHostKeyAlias {name}\n{told}"
    config.write_text(f"Host round\n{place}\nMatch all\nInclude {lab.ssh_config}\n")
    link = open_link("lasting", "round", config=config)
    assert isinstance(link, Lasting)

    done = link.call(["echo", "there"], timeout_s=SOON_S)

    assert (done.out, link.is_logged_in) == (b"there\n", False)


TRAP = """\
port: 1
user: nobody
gateway: nowhere.invalid
connect_kwargs: {password: hunter2, look_for_keys: true}
timeouts: {connect: 0.001}
load_ssh_configs: true
"""


@pytest.mark.lab
def test_fabrics_own_settings_are_never_read(
    quiet_box: Host,
    open_link: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither its files nor its variables: ssh's configuration is the only one."""
    for name in ("fabric.yml", ".fabric.yml", "fabric.yaml", ".fabric.yaml"):
        (tmp_path / name).write_text(TRAP)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text("Host *\n  Port 1\n  User nobody\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FABRIC_PORT", "1")
    monkeypatch.setenv("FABRIC_GATEWAY", "nowhere.invalid")
    link = open_link("lasting", quiet_box.name)
    assert isinstance(link, Lasting)

    done = link.call(["id", "-un"], timeout_s=SOON_S)

    assert (done.out, link.is_logged_in) == (b"root\n", True)


@pytest.mark.lab
@pytest.mark.parametrize("kind", KINDS)
def test_a_revoked_host_key_is_refused(
    kind: str, quiet_box: Host, open_link: Open, lab: Lab, tmp_path: Path
) -> None:
    """There fabric is not asked: it knows nothing of revocation."""
    known, config = tmp_path / "known", tmp_path / "config"
    key = quiet_box.known_key.strip()
    known.write_text(f"{quiet_box.name} {key}\n@revoked * {key}\n")
    config.write_text(f"UserKnownHostsFile {known}\nInclude {lab.ssh_config}\n")

    error = failure(open_link(kind, quiet_box.name, config=config))

    assert isinstance(error, HostError)


@pytest.mark.parametrize(
    "settings",
    [
        {"proxycommand": ["nc %h %p"]},
        {"certificatefile": ["cert"]},
        {"revokedhostkeys": ["file"]},
        {"addressfamily": ["inet6"]},
        {"identityagent": ["/run/other.sock"]},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_settings_beyond_fabric_are_seen(settings: way.Settings) -> None:
    """They are asked about before anything is dialled."""
    with pytest.raises(login.Unfit):
        login.check(settings)
