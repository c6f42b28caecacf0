"""What tests of reading share: a folder of two short recordings, written once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from tests.stages.reading import writers

# A machine under load is slow at times, which proves nothing of what is tested.
settings.register_profile(
    "reading", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("reading")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a folder of two short recordings once."""
    folder = tmp_path_factory.mktemp("whole")
    writers.write_folder(folder, 2, 3.0)
    writers.write_csv(folder / "short.csv", writers.simulated(0, 0.5))
    np.savez(folder / "dog1.npz", a=np.zeros(3), collar_ax=np.zeros(3))
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    """Copy that folder, to be spoiled."""
    copied = tmp_path / "recordings"
    shutil.copytree(whole, copied)
    return copied
