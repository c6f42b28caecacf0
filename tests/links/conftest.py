"""Links of every kind, to a quiet box that many tests share or to one's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.schema import Host as Spec
from remote import hosts
from remote.links.here import Here
from remote.links.lasting import Lasting
from remote.links.openssh import OpenSsh
from tests.links.asking import KINDS, Open, Write

if TYPE_CHECKING:
    from remote.links.link import Link
    from tests.lab import Host, Lab


@pytest.fixture(autouse=True, scope="module")
def sockets() -> Iterator[Path]:
    """Keep the masters of these tests apart from those of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.fixture(scope="module")
def quiet_box(lab: Lab) -> Iterator[Host]:
    """Give a box for tests that do no harm."""
    with lab.host(f"quiet{lab.made}") as box:
        yield box


@pytest.fixture
def open_link(lab: Lab) -> Iterator[Open]:
    """Open links by kind and alias, and end their connections afterwards."""
    opened: list[tuple[Link, OpenSsh]] = []

    def opener(kind: str, alias: str, *, config: Path | None = None) -> Link:
        spec = Spec(name="ec2", ssh=alias, config=str(config or lab.ssh_config))
        box = hosts.openssh_to(spec)
        link = Lasting(box) if kind == "lasting" else box
        opened.append((link, box))
        return link

    yield opener
    for link, box in opened:
        link.close()
        box.disconnect()


@pytest.fixture(
    params=[
        "here",
        *(
            pytest.param((kind, user), marks=pytest.mark.lab, id=f"{kind}{user}")
            for kind in KINDS
            for user in ("", "-ubuntu")
        ),
    ]
)
def link(request: pytest.FixtureRequest, tmp_path: Path) -> Link:
    """Every way to a place where runs live."""
    if request.param == "here":
        return Here(home=tmp_path)
    kind, user = request.param
    box: Host = request.getfixturevalue("quiet_box")
    opener: Open = request.getfixturevalue("open_link")
    return opener(kind, f"{box.name}{user}")


@pytest.fixture(params=KINDS)
def far(request: pytest.FixtureRequest, box: Host, open_link: Open) -> Link:
    """Both ways to a box of this test's own."""
    return open_link(request.param, box.name)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Both links behind SSH."""
    return str(request.param)


@pytest.fixture
def write(lab: Lab, tmp_path: Path) -> Write:
    """Write a configuration: lines of one's own, and below them those of the lab."""

    def writer(*lines: str) -> Path:
        path = tmp_path / "config"
        text = "\n".join(lines).replace("{folder}", str(tmp_path))
        path.write_text(f"{text}\nMatch all\nInclude {lab.ssh_config}\n")
        return path

    return writer
