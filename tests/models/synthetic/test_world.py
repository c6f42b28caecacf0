"""The world's table: what may follow what, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from models.synthetic.behaviours import DOG, Behaviour
from models.synthetic.gestures import GESTURE
from models.synthetic.world import world


def test_nothing_follows_itself_and_everything_leads_somewhere() -> None:
    """Rows of what follows sum to one over others."""
    follows = world().follows

    assert not np.diagonal(follows).any()
    assert follows.sum(axis=1) == pytest.approx(np.ones(len(follows)))


def test_every_behaviour_can_be_reached_from_every_other() -> None:
    """The chain has one equilibrium: some power of the graph is full."""
    reached = np.linalg.matrix_power(np.eye(10) + world().follows, 10)

    assert (reached > 0.0).all()


def test_gallop_comes_and_goes_through_trot() -> None:
    """Before and after a gallop is a trot, and before a rest the dog lies."""
    known = world()
    gallop, trot = known.names.index("gallop"), known.names.index("trot")
    rest, lie = known.names.index("rest"), known.names.index("lie")

    assert np.flatnonzero(known.follows[:, gallop]).tolist() == [trot]
    assert np.flatnonzero(known.follows[gallop]).tolist() == [trot]
    assert np.flatnonzero(known.follows[:, rest]).tolist() == [lie]


def test_what_hardly_moves_moves_by_one_law() -> None:
    """Nobody sees the cadence of a dog that stands: so it must tell nothing."""
    known = world()
    still = [known.names.index(name) for name in ("stand", "sit", "lie", "rest")]
    unseen = [
        GESTURE.index(name) for name in ("cadence", "share", "lag", "rock", "nod")
    ]

    for law in (known.usual, known.varies):
        rows = law[np.ix_(still, unseen)]
        assert (rows == rows[0]).all()


def test_a_window_of_a_hundred_frames_is_a_second() -> None:
    """Unless told otherwise sensors are read 100 times a second."""
    assert world().rate_hz == 100.0


STAND = DOG[0]._replace(then={"sit": 1.0})
SIT = DOG[1]._replace(then={"stand": 1.0})


@pytest.mark.parametrize(
    ("first", "message"),
    [
        (STAND._replace(then={"stand": 1.0, "sit": 1.0}), "'stand' follows itself"),
        (STAND._replace(then={"fly": 1.0}), r"leads to unknown \['fly'\]"),
        (STAND._replace(then={"sit": -1.0}), "wants positive weights"),
        (STAND._replace(then={}), "wants positive weights"),
        (STAND._replace(usual=(0.0,) * 9), "wants 10 numbers a row"),
        (STAND._replace(varies=(0.0,) * 10), "deviations above 0"),
        (STAND._replace(varies=(np.nan,) * 10), "deviations above 0"),
        (STAND._replace(usual=(np.nan,) * 10), "wants finite numbers"),
        (STAND._replace(then={"sit": np.nan}), "wants positive weights"),
        (STAND._replace(then={"sit": np.inf}), "wants positive weights"),
        (STAND._replace(stay=STAND.stay._replace(family="weibull")), "'weibull'"),
        (STAND._replace(stay=STAND.stay._replace(shape=-1.0)), "a positive shape"),
        (STAND._replace(stay=STAND.stay._replace(floor_s=0.1)), "floor_s < mean_s"),
        (STAND._replace(name="sit"), "each named once"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_table_that_cannot_be_is_refused(first: Behaviour, message: str) -> None:
    """The message says which behaviour and what is wrong with it."""
    with pytest.raises(ValueError, match=message):
        world(behaviours=(first, SIT))


@pytest.mark.parametrize("rate_hz", [0.0, -100.0, np.nan, np.inf, 5.0])
def test_a_rate_that_shows_no_stride_is_refused(rate_hz: float) -> None:
    """Five readings a second do not show a trot."""
    with pytest.raises(ValueError, match="rate_hz must be at least 20"):
        world(rate_hz=rate_hz)


@pytest.mark.parametrize("spread", [0.0, -1.0, np.nan])
def test_a_spread_must_be_positive(spread: float) -> None:
    """Without any spread there is no density to be judged by."""
    with pytest.raises(ValueError, match="spread must be a positive number"):
        world(spread=spread)
