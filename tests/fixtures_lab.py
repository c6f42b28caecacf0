"""Fixtures with real hosts: `lab` for a session, boxes on it for one test each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab import Host, Lab, lacking, sweep, systemd

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a bare image with sshd, git and python3 does not have.
COMFORTS = ("rsync", "tmux", "screen", "curl", "wget", "zstd", "pip", "pip3", "uv")


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Iterator[Lab]:
    """A lab of this worker's own, whose hosts do not see the checkout."""
    if missing := lacking():
        pytest.skip(f"a lab needs {', '.join(missing)}")
    sweep()
    with Lab(hide=[pytestconfig.rootpath]) as lab:
        yield lab


@pytest.fixture
def box(lab: Lab) -> Iterator[Host]:
    """A fresh host on a cable that `shape` can spoil."""
    # Names are never used twice: a client's ControlMaster may outlive its host.
    with lab.host(f"box{lab.made}", shaped=True) as box:
        yield box


@pytest.fixture
def other_box(lab: Lab) -> Iterator[Host]:
    """A second host, where a test needs two."""
    with lab.host(f"other{lab.made}", shaped=True) as box:
        yield box


@pytest.fixture
def systemd_box(lab: Lab) -> Iterator[Host]:
    """A fresh host with a real systemd, where `ubuntu` lingers."""
    if missing := systemd.lacking():
        pytest.skip(f"a host with systemd needs {', '.join(missing)}")
    with lab.host(f"systemd{lab.made}", has_systemd=True) as box:
        box.exec("loginctl enable-linger ubuntu")
        yield box


@pytest.fixture
def plain_box(lab: Lab) -> Iterator[Host]:
    """A fresh host with only sshd, git and python3: no rsync, above all."""
    with lab.host(f"plain{lab.made}", hide_tools=COMFORTS) as box:
        yield box
