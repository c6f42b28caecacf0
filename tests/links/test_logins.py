"""How often a whole run logs in: watched to its end, and brought home."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.links.asking import KINDS

if TYPE_CHECKING:
    from tests.afar import Remote
    from tests.lab import Host, Lab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def declare(remote: Remote, box: Host, lab: Lab, kind: str) -> None:
    """Declare the box, to be spoken to by one kind of link."""
    remote.on(box, lab, (remote.repo / "pipeline.yaml").read_text())
    text = (remote.repo / "pipeline.yaml").read_text()
    remote.write("pipeline.yaml", text.replace("{ssh: ", f"{{link: {kind}, ssh: "))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("most", "logins"), [(10, 1), (1, 5)])
def test_a_whole_run_logs_in_so_often(
    kind: str, most: int, logins: int, remote: Remote, box: Host, lab: Lab
) -> None:
    """Once; fabric once more for git and rsync; a narrow box once for each of them."""
    box.configure_sshd(f"MaxSessions {most}")
    declare(remote, box, lab, kind)

    said = remote.pipeline("run", "--host", "gpu")

    assert remote.seals() == ["one", "two", "three"]
    assert "refused" not in said
    assert "multiplexing" not in said
    found = box.count_connections()
    sys.stdout.write(f"{kind}, MaxSessions {most}: {found} logins\n")
    assert found <= logins + (kind == "lasting")


@pytest.mark.parametrize("kind", KINDS)
def test_the_second_run_meets_the_first_ones_connection(
    kind: str, remote: Remote, box: Host, lab: Lab
) -> None:
    """The OpenSSH link never logs in again; fabric's connection ends with a command."""
    declare(remote, box, lab, kind)
    remote.pipeline("run", "--host", "gpu")
    before = box.count_connections()

    remote.pipeline("run", "--host", "gpu", "--force")

    assert box.count_connections() - before == (kind == "lasting")
