"""A device to run on: the CPU always, the GPU where it is asked for."""

from __future__ import annotations

import pytest


@pytest.fixture(
    params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)], name="device"
)
def _device(request: pytest.FixtureRequest) -> str:
    """Run a test on the CPU, and on the GPU where it is asked for."""
    return str(request.param)
