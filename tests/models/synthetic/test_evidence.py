"""What gestures say, against whole covariance matrices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from models.chance import stream
from models.shapes import Array, IntArray
from models.synthetic.evidence import log_gestures
from models.synthetic.gestures import SIDED
from models.synthetic.prior import feasible
from models.synthetic.world import world

KNOWN = world()
SHARED_2PI = 0.5 * np.log(2.0 * np.pi) * 10


def _joint(gestures: Array, path: IntArray, shift: Array | None) -> float:
    """Give log p(gestures (m, U) | path (m,)): all sides, whole covariances."""
    style = KNOWN.style if shift is None else np.zeros(10)
    centre = KNOWN.usual[path] + (0.0 if shift is None else shift)
    found = []
    for sides in itertools.product((1.0, -1.0), repeat=len(path)):
        seen = gestures.copy()
        seen[:, SIDED] *= np.array(sides)[:, None]
        found.append(
            sum(
                stats.multivariate_normal.logpdf(
                    seen[:, u],
                    centre[:, u],
                    np.diag(KNOWN.varies[path, u] ** 2) + style[u] ** 2,
                )
                for u in range(10)
            )
        )
    return float(np.logaddexp.reduce(found))


@pytest.mark.parametrize("known_style", [True, False])
@pytest.mark.parametrize("m", [1, 2, 3])
def test_gestures_are_judged_by_their_joint_gaussian(known_style: bool, m: int) -> None:
    """An unknown style ties the bouts of a view together; both sides are summed."""
    rng = stream(m, "evidence")
    paths = rng.integers(10, size=(6, m))
    gestures = KNOWN.usual[rng.integers(10, size=(4, m))] + rng.normal(
        0, 0.3, (4, m, 10)
    )
    shift = rng.normal(0, 0.1, 10) * (KNOWN.style > 0) if known_style else None

    found = log_gestures(KNOWN, gestures, paths, shift)

    wanted = [
        [_joint(g, path, shift) + m * SHARED_2PI for path in paths] for g in gestures
    ]
    assert found == pytest.approx(np.array(wanted), rel=1e-9)


def test_a_view_of_one_style_weighs_its_bouts_together() -> None:
    """Two bouts that are off alike are more likely than two that are off apart."""
    paths = np.array([[0, 1]])
    off = np.zeros(10)
    off[0] = 0.1
    usual = KNOWN.usual[[0, 1]]
    alike, apart = usual + off, usual + np.stack([off, -off])

    found = log_gestures(KNOWN, np.stack([alike, apart]), paths, None)

    assert found[0, 0] > found[1, 0] + 0.1


def test_feasible_paths_are_walks_on_the_graph() -> None:
    """All of them, each once."""
    paths = feasible(KNOWN.follows, 3)

    wanted = [
        walk
        for walk in itertools.product(range(10), repeat=3)
        if KNOWN.follows[walk[0], walk[1]] > 0 and KNOWN.follows[walk[1], walk[2]] > 0
    ]
    assert sorted(map(tuple, paths.tolist())) == wanted
